/** What happens by itself: scheduler, kubelets and node controllers, each at its moment and in the order of the moments. */

import { expect, forgetPod, movePod, nodeOf } from "./kubelet.ts";
import { expectGarbage, moveNode, nodeNameOf } from "./node-life.ts";
import type { ApiObject, Pod } from "./objects.ts";
import { beginLife, type PodLife } from "./pod-life.ts";
import type { Change, KubernetesState } from "./state.ts";
import { changesAfter } from "./store.ts";

/** More would be a pod that never comes to rest within a moment. */
const STEP_COUNT_MAX = 1_000_000;

export function advance(state: KubernetesState, nowMs: number): void {
  if (!state.options.hasKubelets) return;
  notice(state, nowMs);
  for (let stepCount = 0; ; stepCount += 1) {
    if (stepCount > STEP_COUNT_MAX) throw new Error(`the cluster does not come to rest at ${nowMs}`);
    const next = nextDue(state);
    if (next === null || next.dueMs > nowMs) return;
    move(state, next.key, next.dueMs);
    notice(state, next.dueMs);
  }
}

/** When something happens by itself; null: nothing will. */
export function nextDueMs(state: KubernetesState): number | null {
  return nextDue(state)?.dueMs ?? null;
}

function nextDue({ due }: KubernetesState): { readonly key: string; readonly dueMs: number } | null {
  let next: { readonly key: string; readonly dueMs: number } | null = null;
  for (const [key, dueMs] of due) if (next === null || dueMs < next.dueMs) next = { key, dueMs };
  return next;
}

function move(state: KubernetesState, key: string, nowMs: number): void {
  state.due.delete(key);
  const life = state.lives.get(key);
  const node = state.nodes.get(nodeNameOf(key));
  if (life !== undefined) movePod(state, life, nowMs);
  else if (node !== undefined) moveNode(state, node, nowMs);
}

const NOTICED_COUNT_MAX = 1_000;

/** What callers and controllers have changed since: as a watch would tell it. */
function notice(state: KubernetesState, nowMs: number): void {
  while (state.noticedRevision < state.revision) {
    const changes = changesAfter(state, state.noticedRevision, NOTICED_COUNT_MAX);
    if (changes.length === 0) state.noticedRevision = state.revision;
    for (const change of changes) {
      state.noticedRevision = change.revision;
      if (change.resource === "pods") noticePod(state, change, nowMs);
      else if (change.resource === "nodes" && change.after === null) noticeNodeGone(state, change.before, nowMs);
    }
  }
}

function noticePod(state: KubernetesState, { before, after }: Change, nowMs: number): void {
  const life = state.lives.get((after ?? before)?.metadata.uid ?? "");
  // What was stored as a pod is one.
  const pod = after as ApiObject | null as Pod | null;
  if (pod === null) {
    // Where nobody hears its kubelet, nobody tells it either: what runs there runs on.
    if (life !== undefined && nodeOf(state, life)?.condition !== "cut-off") forgetPod(state, life, nowMs);
  } else if (life === undefined) {
    if (before === null) welcome(state, pod, nowMs);
  } else if (life.stage === "waiting") {
    if ((pod.spec.nodeName ?? "") !== "") bind(state, life, pod, nowMs);
  } else {
    const { deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined && deletionTimestamp !== before?.metadata.deletionTimestamp)
      expect(state, life, nowMs);
  }
}

/** Somebody else than the scheduler has found a node for it. */
function bind(state: KubernetesState, life: PodLife, pod: Pod, nowMs: number): void {
  life.nodeName = pod.spec.nodeName ?? null;
  life.stage = "bound";
  expect(state, life, nowMs);
}

/** A pod that is already under way when it is first seen was put there: what its status says is nobody's doing here. */
function welcome(state: KubernetesState, pod: Pod, nowMs: number): void {
  if (pod.status.containerStatuses !== undefined || pod.status.phase !== "Pending") return;
  const life = beginLife(pod);
  state.lives.set(life.podUid, life);
  const { times, chance } = state.options;
  const range = life.stage === "waiting" ? times.schedulingMs : times.acceptingMs;
  expect(state, life, nowMs + chance.fork(`${life.stage}/${life.podUid}`).between(range));
}

function noticeNodeGone(state: KubernetesState, object: ApiObject | null, nowMs: number): void {
  const node = state.nodes.get(object?.metadata.name ?? "");
  if (node !== undefined) expectGarbage(state, node, nowMs);
}
