/** Evictions that are asked for, as a drain and a node autoscaler ask: disruption budgets may say no. */
import { deleteObject } from "./delete.ts";
import { KubernetesRefusal } from "./errors.ts";
import { wireTime } from "./instants.ts";
import { findObject } from "./list.ts";
import type { ApiObject, Condition, Pod } from "./objects.ts";
import { type Given, givenAt, isGiven } from "./objects-given.ts";
import type { KubernetesRequest } from "./requests.ts";
import { RESOURCES } from "./resources.ts";
import { type KubernetesState, podsOf } from "./state.ts";
import { put } from "./store.ts";

/** @throws {KubernetesRefusal} TooManyRequests where a budget of the pod allows no more disruptions. */
export function evictPod(state: KubernetesState, request: KubernetesRequest, isDryRun: boolean, nowMs: number): object {
  const pod = findObject(state, RESOURCES.pods, request) as Pod;
  const budget = [...state.objects.poddisruptionbudgets.values()].find((one) => isExhausted(state, one, pod));
  if (budget !== undefined)
    throw new KubernetesRefusal(
      "TooManyRequests",
      "Cannot evict pod as it would violate the pod's disruption budget.",
      {
        causes: [
          {
            reason: "DisruptionBudget",
            message: `The disruption budget ${budget.metadata.name} allows no more disruptions now`,
          },
        ],
      },
    );
  if (!isDryRun && !isOver(pod)) markDisrupted(state, pod, EVICTED, nowMs);
  const { deleteOptions } = isGiven(request.body) ? request.body : {};
  deleteObject(state, RESOURCES.pods, { ...request, body: deleteOptions }, isDryRun, nowMs);
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}

const EVICTED = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };

/** Says on the pod that it ends for no fault of its own. */
export function markDisrupted(
  state: KubernetesState,
  pod: Pod,
  why: { readonly reason: string; readonly message: string },
  nowMs: number,
): Pod {
  const condition: Condition = {
    type: "DisruptionTarget",
    status: "True",
    ...why,
    lastTransitionTime: wireTime(nowMs),
  };
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== condition.type);
  return put(state, "pods", { ...pod, status: { ...pod.status, conditions: [...others, condition] } }, nowMs);
}

function isOver({ status }: Pod): boolean {
  return status.phase === "Succeeded" || status.phase === "Failed";
}

/** One less would be less than the budget wants to have running. */
function isExhausted(state: KubernetesState, budget: ApiObject, pod: Pod): boolean {
  const spec = givenAt(budget, "spec");
  if (budget.metadata.namespace !== pod.metadata.namespace || isOver(pod)) return false;
  const labels = givenAt(givenAt(spec, "selector"), "matchLabels");
  if (!carries(pod, labels)) return false;
  const own = [...podsOf(state).values()].filter(
    (one) => one.metadata.namespace === pod.metadata.namespace && !isOver(one) && carries(one, labels),
  );
  const healthy = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return healthy.length - 1 < wantedCount(spec, own.length);
}

function carries({ metadata }: Pod, labels: Given): boolean {
  return Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
}

function wantedCount({ minAvailable, maxUnavailable }: Given, count: number): number {
  if (minAvailable !== undefined) return share(minAvailable, count);
  return maxUnavailable === undefined ? 0 : count - share(maxUnavailable, count);
}

/** A number, or a percentage of what there is. */
function share(value: unknown, count: number): number {
  if (typeof value === "number") return value;
  const [, percent = "0"] = /^(\d+)%$/.exec(String(value)) ?? [];
  return Math.ceil((Number(percent) / 100) * count);
}
