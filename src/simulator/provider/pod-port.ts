/**
 * Between the world's cluster and whoever makes a provider of it: that is the product's own adapter, which the simulator does
 * not know. It is handed in from outside, with a way for its calls.
 */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ReviewPodToken } from "../../ports/pod-identity.ts";
import type { Provider, ProviderAbilities } from "../../ports/provider.ts";
import type { Random } from "../../ports/random.ts";
import type { KubernetesResult } from "../kubernetes/call.ts";
import type { KubernetesRequest } from "../kubernetes/requests.ts";
import type { WatchEvent } from "../kubernetes/watch.ts";

export type WorldProvider = Provider & ProviderAbilities & { readonly reviewPodToken?: ReviewPodToken };

/** One call to the API server. Rejects where nothing was heard of it. */
export type CallCluster = (request: KubernetesRequest) => Promise<KubernetesResult>;

/**
 * Opens a watch, and tells of what it is told until it ends.
 * @returns breaks it off. Rejects where it could not be opened.
 */
export type WatchCluster = (
  request: KubernetesRequest,
  onEvent: (event: WatchEvent) => void,
  onEnd: () => void,
) => Promise<() => void>;

export interface ClusterAsker {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly call: CallCluster;
  readonly watch: WatchCluster;
}

/** What it makes keeps what it remembers to itself: a new process begins with a new one. */
export type MakePodPort = (asker: ClusterAsker) => WorldProvider & { readonly reviewPodToken: ReviewPodToken };
