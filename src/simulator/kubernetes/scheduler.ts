/** The scheduler: a node for each pod that has none, or the reason why there is none. */
import { loadsOf, preferenceOf, refusalOf } from "./fits.ts";
import type { Condition, Pod } from "./objects.ts";
import type { PodLife } from "./pod-life.ts";
import { joinConditions, podOfLife } from "./pod-status.ts";
import { type KubernetesState, nodesOf } from "./state.ts";
import { put } from "./store.ts";

/** @returns whether a node was found. */
export function schedulePod(state: KubernetesState, life: PodLife, nowMs: number): boolean {
  const pod = podOfLife(state, life);
  if (pod === undefined) return false;
  const loads = loadsOf(state);
  const looks = [...nodesOf(state).values()].map((node) => {
    return { node, refusal: refusalOf(node, pod, loads.get(node.metadata.name)) };
  });
  const fitting = looks.filter(({ refusal }) => refusal === null).map(({ node }) => node);
  if (fitting.length === 0) {
    const refusals = looks.flatMap(({ refusal }) => (refusal === null ? [] : [refusal]));
    writeScheduled(state, pod, { status: "False", reason: "Unschedulable", message: tellRefusals(refusals) }, nowMs);
    return false;
  }
  const most = Math.max(...fitting.map((node) => preferenceOf(node, pod)));
  const equal = fitting.filter((node) => preferenceOf(node, pod) === most);
  // Which of equal nodes is chosen is chance, as it is with the real one.
  const best = state.options.chance.fork(`node/${life.podUid}`).pick(equal);
  life.nodeName = best.metadata.name;
  writeScheduled(state, { ...pod, spec: { ...pod.spec, nodeName: life.nodeName } }, { status: "True" }, nowMs);
  return true;
}

function writeScheduled(state: KubernetesState, pod: Pod, said: Omit<Condition, "type">, nowMs: number): void {
  const conditions = joinConditions(pod.status.conditions ?? [], [{ type: "PodScheduled", ...said }], nowMs);
  put(state, "pods", { ...pod, status: { ...pod.status, conditions } }, nowMs);
}

/** `0/2 nodes are available: 2 Insufficient cpu.` */
function tellRefusals(refusals: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const refusal of refusals) counts.set(refusal, (counts.get(refusal) ?? 0) + 1);
  const parts = [...counts].map(([refusal, count]) => `${count} ${refusal}`);
  const total = `0/${refusals.length} nodes are available`;
  return parts.length === 0 ? "no nodes available to schedule pods" : `${total}: ${parts.join(", ")}.`;
}
