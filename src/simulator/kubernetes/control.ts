/** What the world does to the cluster beside calling its API: what kubelets and people do, what tokens there are. */
import { HOUR_MS } from "../../domain/units.ts";
import { API_AUDIENCE } from "./access.ts";
import { addAccount } from "./accounts.ts";
import { endObject } from "./delete.ts";
import { advance } from "./life.ts";
import { logKey } from "./logs.ts";
import type { ObjectMeta, Pod, PodSpec, PodStatus } from "./objects.ts";
import { RESOURCES } from "./resources.ts";
import { type KubernetesState, keyOf, podsOf } from "./state.ts";
import { compact, put, remove } from "./store.ts";
import { newToken, newUid } from "./uids.ts";

/** Where an object is, in a namespace. */
export interface ObjectPlace {
  readonly name: string;
  readonly namespace: string;
}

/** @throws {Error} for a pod that is not there. */
export function demandPod(state: KubernetesState, place: ObjectPlace): Pod {
  const pod = podsOf(state).get(keyOf(place));
  if (pod === undefined) throw new Error(`looking for pod ${keyOf(place)}, which is not in the cluster`);
  return pod;
}

/** As a kubelet writes it: what is given takes the place of what was, member by member. */
export function writePodStatus(state: KubernetesState, place: ObjectPlace, status: PodStatus, nowMs: number): Pod {
  const pod = demandPod(state, place);
  return put(state, "pods", { ...pod, status: { ...pod.status, ...status } }, nowMs);
}

/** As the scheduler writes it. */
export function bindPod(state: KubernetesState, place: ObjectPlace, nodeName: string, nowMs: number): Pod {
  const pod = demandPod(state, place);
  return put(state, "pods", { ...pod, spec: { ...pod.spec, nodeName } }, nowMs);
}

export type MetaChange = Partial<Pick<ObjectMeta, "labels" | "annotations" | "finalizers" | "ownerReferences">>;

/** As some controller writes it: what is given takes the place of what was. */
export function changePodMeta(state: KubernetesState, place: ObjectPlace, change: MetaChange, nowMs: number): Pod {
  const pod = demandPod(state, place);
  return put(state, "pods", { ...pod, metadata: { ...pod.metadata, ...change } }, nowMs);
}

export interface PlantedPod {
  readonly metadata: Partial<ObjectMeta> & ObjectPlace;
  readonly spec: PodSpec;
  readonly status: PodStatus;
}

/** Puts a pod there as it is, unasked: any shape at all. It keeps its uid, if it has one. */
export function plantPod(state: KubernetesState, pod: PlantedPod, nowMs: number): Pod {
  const metadata = {
    uid: newUid(state),
    creationTimestamp: "2026-05-04T04:00:00Z",
    ...pod.metadata,
    resourceVersion: "",
  };
  return put<Pod>(state, "pods", { kind: "Pod", apiVersion: "v1", ...pod, metadata }, nowMs);
}

/** As a kubelet that is through with it, or as if it had never been; finalizers do not hold it. */
export function removePod(state: KubernetesState, place: ObjectPlace, nowMs: number): void {
  remove(state, "pods", demandPod(state, place), nowMs);
}

/** As somebody with `kubectl delete`. */
export function deletePod(state: KubernetesState, place: ObjectPlace, graceSeconds: number, nowMs: number): void {
  endObject(state, RESOURCES.pods, demandPod(state, place), graceSeconds, false, nowMs);
}

/** @param text what the container has printed by now, as a whole. */
export function writeLog(state: KubernetesState, place: ObjectPlace, container: string, text: string): void {
  state.logs.set(logKey(demandPod(state, place).metadata.uid, container), text);
}

export interface TokenWish {
  readonly namespace: string;
  /** `default` unless given. It is made if it is not there. */
  readonly serviceAccount?: string;
  /** For calls to the API unless given. */
  readonly audiences?: readonly string[];
  /** Null, or absent: the token is bound to no pod. */
  readonly podName?: string | null;
  /** An hour unless given. */
  readonly validMs?: number;
}

/** As a kubelet gets it for a projected volume, or an operator by `kubectl create token`. */
export function issueToken(state: KubernetesState, wish: TokenWish, nowMs: number): string {
  const {
    namespace,
    serviceAccount: name = "default",
    audiences = [API_AUDIENCE],
    podName = null,
    validMs = HOUR_MS,
  } = wish;
  const account =
    state.objects.serviceaccounts.get(keyOf({ name, namespace })) ?? addAccount(state, { name, namespace }, nowMs);
  const pod = podName === null ? null : demandPod(state, { name: podName, namespace }).metadata;
  const token = newToken(state);
  state.tokens.set(token, {
    kind: "service-account",
    namespace,
    name,
    uid: account.metadata.uid,
    audiences,
    expiresAtMs: nowMs + validMs,
    pod: pod === null ? null : { name: pod.name, uid: pod.uid },
  });
  return token;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The account may do this and nothing else: what it was allowed before is taken back. */
export function allowAccount(state: KubernetesState, place: ObjectPlace, rules: readonly Rule[], nowMs: number): void {
  const group = "rbac.authorization.k8s.io";
  const metadata = {
    name: `${place.name}-rules`,
    namespace: place.namespace,
    uid: newUid(state),
    resourceVersion: "",
    creationTimestamp: "2026-05-04T04:00:00Z",
  };
  const apiVersion = `${group}/v1`;
  put(state, "roles", { kind: "Role", apiVersion, metadata, rules }, nowMs);
  const roleRef = { apiGroup: group, kind: "Role", name: metadata.name };
  const subjects = [{ kind: "ServiceAccount", ...place }];
  put(state, "rolebindings", { kind: "RoleBinding", apiVersion, metadata, roleRef, subjects }, nowMs);
}

/** Every watch that is open ends, without a word. */
export function dropWatches({ watchTrouble }: KubernetesState): void {
  watchTrouble.droppedBelow = watchTrouble.openedCount + 1;
}

/** The history is forgotten: who watches from before, or pages on from before, is told that it expired. */
export function forgetHistory(state: KubernetesState, nowMs: number): void {
  // What kubelets and controllers have not seen yet must not be lost on them.
  advance(state, nowMs);
  compact(state, state.revision);
}
