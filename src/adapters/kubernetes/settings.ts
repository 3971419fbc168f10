/** What a pool of pods is made from. Plain data without a secret: it is stored, and its hash tells machines apart. */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { PodTemplate } from "./template.ts";

/** How the API is reached. A file is named and read when it is used: what is in it may be renewed. */
export type ClusterAccess =
  /** As the pod that the controller itself runs in. */
  | { readonly kind: "in-cluster" }
  | { readonly kind: "kubeconfig"; readonly file: string; readonly context: string | null }
  | {
      readonly kind: "token";
      readonly server: string;
      readonly tokenFile: string;
      /** Null: the authorities that Node trusts. */
      readonly certificateFile: string | null;
    };

/** As the API has it: `{ key, operator, value, effect, tolerationSeconds }`. */
export type Toleration = Readonly<Record<string, string | number>>;

export interface KubernetesSettings {
  readonly access: ClusterAccess;
  readonly namespace: string;
  /** With GitHub's runner in it. */
  readonly image: string;
  readonly resources: {
    readonly requests: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, string>>;
  };
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** Of the jobs; null: the namespace's default one, whose token they do not get. */
  readonly serviceAccount: string | null;
  /** So long a pod that somebody else deletes may go on with its job. */
  readonly longestJobSeconds: number;
  /** Everything else of a pod; `template.ts` says what it may not name. */
  readonly template: PodTemplate;
}

/** The agent as the controller serves it: a tar archive, gzipped. */
export interface AgentBundle {
  readonly url: string;
  readonly sha256: string;
  /** The file in it that is run. */
  readonly entry: string;
}

export interface KubernetesProviderOptions {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  readonly settings: KubernetesSettings;
  readonly runnerDirectory: string;
  readonly runnerEnvironment: Readonly<Record<string, string>>;
  readonly bundle: AgentBundle;
  /** Where the agents reach the controller. */
  readonly controllerUrl: string;
  /** The pool only observes: nothing of its own is kept in the cluster. */
  readonly isObserving: boolean;
  readonly clock: Clock;
  readonly random: Random;
}
