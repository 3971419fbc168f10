/**
 * Kubernetes' ground truth: the objects of one cluster with the history of their changes, and what their kubelets know.
 * Plain data, changed only by the functions of this folder, each of which takes the time as an argument. There is no clock,
 * timer or chance of its own here, so that a real HTTP server and a simulator in virtual time drive the very same code.
 */
import type { KubernetesFault } from "./faults.ts";
import type { ApiObject, KubernetesNode, Pod } from "./objects.ts";
import type { KubernetesOptions } from "./options.ts";
import type { PodLife } from "./pod-life.ts";
import { RESOURCES, type ResourceName } from "./resources.ts";

export interface KubernetesState {
  /** Replaced as a whole where its habits change. */
  options: KubernetesOptions;
  /** By `keyOf`. */
  readonly objects: Readonly<Record<ResourceName, Map<string, ApiObject>>>;
  /** The last change's: every change has the next one, whatever it changes. */
  revision: number;
  /** Every change that is still known, oldest first: their revisions rise. */
  readonly history: Change[];
  /** What was before this revision nobody knows any more. */
  compactedRevision: number;
  /** Bearer tokens that are good, with whose they are. */
  readonly tokens: Map<string, TokenHolder>;
  /** By pod uid: what runs on a node, or waits for one. Empty where there is no kubelet. */
  readonly lives: Map<string, PodLife>;
  readonly nodes: Map<string, NodeLife>;
  /** What is known of images; any other is there and pulled in the usual time. */
  readonly images: Map<string, ImageTrouble>;
  /** What containers have printed, by `logKey`. */
  readonly logs: Map<string, string>;
  /** A pod that this names is refused by an admission webhook, in these words. */
  refuseAdmission: ((pod: Pod) => string | null) | null;
  readonly faults: KubernetesFault[];
  readonly watchTrouble: WatchTrouble;
  /** Calls that were made, answered or not, by operation: `create pods`. */
  readonly callCounts: Map<string, number>;
  /** What happened to processes since the driver last took it, in the order of it. */
  readonly processEvents: ProcessEvent[];
  /** Pods by their uid and nodes by `nodeKey` that change by themselves, with the moment of it. */
  readonly due: Map<string, number>;
  /** Scheduler, kubelets and controllers have seen what happened up to here. */
  noticedRevision: number;
  readonly givenNumbers: Map<string, number>;
}

/** `before` null: made; `after` null: removed. */
export interface Change {
  readonly revision: number;
  readonly atMs: number;
  readonly resource: ResourceName;
  readonly before: ApiObject | null;
  readonly after: ApiObject | null;
}

export type TokenHolder =
  | { readonly kind: "administrator" }
  | {
      readonly kind: "service-account";
      readonly namespace: string;
      readonly name: string;
      readonly uid: string;
      readonly audiences: readonly string[];
      readonly expiresAtMs: number;
      /** The token is good only while this pod is there. */
      readonly pod: { readonly name: string; readonly uid: string } | null;
    };

/** What watches suffer, all of them. */
export interface WatchTrouble {
  /** They are told nothing before then. */
  stalledUntilMs: number;
  /** So many events are never told. */
  lostEventCount: number;
  /** Watches that were opened before this number end now. */
  droppedBelow: number;
  openedCount: number;
}

/**
 * - `cut-off`: its processes run on, and it is not heard.
 * - `dead`: its processes are gone, and it is not heard.
 */
export interface NodeLife {
  readonly name: string;
  condition: "ready" | "cut-off" | "dead";
  sinceMs: number;
  /** It says that it is ready, and no pod gets anywhere on it. */
  startsNothing: boolean;
  /** The cluster has noticed that it is not heard. */
  isMarked: boolean;
}

/** `slow`: its pull takes that long. */
export type ImageTrouble = { readonly kind: "missing" } | { readonly kind: "slow"; readonly pullMs: number };

/** `told-to-end`: TERM was sent to the container's first process. */
export interface ProcessEvent {
  readonly kind: "started" | "told-to-end" | "ended";
  readonly podUid: string;
  readonly podName: string;
  readonly namespace: string;
  readonly container: string;
  readonly atMs: number;
}

export function keyOf({ name, namespace }: { readonly name: string; readonly namespace?: string | undefined }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function podsOf(state: KubernetesState): ReadonlyMap<string, Pod> {
  // What is not shaped as a pod is refused before it is stored.
  return state.objects.pods as ReadonlyMap<string, ApiObject> as ReadonlyMap<string, Pod>;
}

export function nodesOf(state: KubernetesState): ReadonlyMap<string, KubernetesNode> {
  // Nodes are made by the model, or refused before they are stored.
  return state.objects.nodes as ReadonlyMap<string, ApiObject> as ReadonlyMap<string, KubernetesNode>;
}

export function emptyObjects(): Record<ResourceName, Map<string, ApiObject>> {
  const entries = Object.keys(RESOURCES).map((name) => [name, new Map<string, ApiObject>()] as const);
  // One map for each name of the catalogue.
  return Object.fromEntries(entries) as Record<ResourceName, Map<string, ApiObject>>;
}
