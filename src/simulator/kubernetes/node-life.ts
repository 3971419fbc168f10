/** Nodes that are not heard: they are marked, their pods are evicted, and what is left of gone nodes is cleared away. */
import { SECOND_MS } from "../../domain/units.ts";
import { killAll } from "./containers.ts";
import { deleteObject, endObject } from "./delete.ts";
import { markDisrupted } from "./evict.ts";
import { tolerates } from "./fits.ts";
import { wireTime } from "./instants.ts";
import { expect, forgetPod } from "./kubelet.ts";
import { readyCondition } from "./nodes.ts";
import type { Condition, Pod } from "./objects.ts";
import type { PodLife } from "./pod-life.ts";
import { joinConditions, podOfLife } from "./pod-status.ts";
import { RESOURCES } from "./resources.ts";
import { type KubernetesState, type NodeLife, nodesOf, podsOf } from "./state.ts";
import { put } from "./store.ts";

const UNREACHABLE = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" } as const;

const KEY_PREFIX = "node/";

function nodeKey(name: string): string {
  return KEY_PREFIX + name;
}

export function nodeNameOf(key: string): string {
  return key.startsWith(KEY_PREFIX) ? key.slice(KEY_PREFIX.length) : "";
}

/** When the node, or what is on it, is to be looked at again. */
function expectNode(state: KubernetesState, { name }: NodeLife, dueMs: number | null): void {
  if (dueMs === null || !Number.isFinite(dueMs)) state.due.delete(nodeKey(name));
  else state.due.set(nodeKey(name), dueMs);
}

/** From now on the node is heard, or it is not, or it is dead. */
export function turnNode(
  state: KubernetesState,
  node: NodeLife,
  condition: NodeLife["condition"],
  nowMs: number,
): void {
  node.condition = condition;
  node.sinceMs = nowMs;
  const lives = [...state.lives.values()].filter(({ nodeName }) => nodeName === node.name);
  if (condition === "dead") for (const life of lives) killAll(state, life, "ContainerStatusUnknown", nowMs);
  if (condition === "ready") welcomeBack(state, node, lives, nowMs);
  else expectNode(state, node, nowMs + state.options.times.nodeSilenceMs);
}

function welcomeBack(state: KubernetesState, node: NodeLife, lives: readonly PodLife[], nowMs: number): void {
  expectNode(state, node, null);
  if (node.isMarked) unmark(state, node, nowMs);
  for (const life of lives) {
    if (podOfLife(state, life) === undefined) forgetPod(state, life, nowMs);
    else expect(state, life, nowMs);
  }
}

function unmark(state: KubernetesState, node: NodeLife, nowMs: number): void {
  node.isMarked = false;
  writeNode(state, node, readyCondition("True", nowMs), false, nowMs);
}

function writeNode(
  state: KubernetesState,
  { name }: NodeLife,
  ready: Condition,
  isTainted: boolean,
  nowMs: number,
): void {
  const object = nodesOf(state).get(name);
  if (object === undefined) return;
  const others = (object.spec.taints ?? []).filter(({ key }) => key !== UNREACHABLE.key);
  const taints = isTainted ? [...others, { ...UNREACHABLE, timeAdded: wireTime(nowMs) }] : others;
  const conditions = joinConditions(object.status.conditions, [ready], nowMs);
  put(state, "nodes", { ...object, spec: { ...object.spec, taints }, status: { ...object.status, conditions } }, nowMs);
}

/** The node at the moment that it was expected to change. */
export function moveNode(state: KubernetesState, node: NodeLife, nowMs: number): void {
  if (!nodesOf(state).has(node.name)) clearAway(state, node, nowMs);
  else if (node.condition !== "ready") {
    if (!node.isMarked) mark(state, node, nowMs);
    expectNode(state, node, evictAll(state, node, nowMs));
  }
}

function mark(state: KubernetesState, node: NodeLife, nowMs: number): void {
  node.isMarked = true;
  node.sinceMs = nowMs;
  writeNode(state, node, readyCondition("Unknown", nowMs), true, nowMs);
  for (const pod of podsOn(state, node)) writeNotReady(state, pod, nowMs);
}

/** @returns when the next of its pods is to be evicted. */
function evictAll(state: KubernetesState, node: NodeLife, nowMs: number): number | null {
  let nextMs: number | null = null;
  for (const pod of podsOn(state, node)) {
    const dueMs = node.sinceMs + tolerationMs(state, pod);
    if (nowMs >= dueMs) evict(state, pod, nowMs);
    else nextMs = Math.min(nextMs ?? dueMs, dueMs);
  }
  return nextMs;
}

/** On it, and not on their way out. */
function podsOn(state: KubernetesState, { name }: NodeLife): readonly Pod[] {
  return [...podsOf(state).values()].filter(
    ({ spec, metadata }) => spec.nodeName === name && metadata.deletionTimestamp === undefined,
  );
}

function writeNotReady(state: KubernetesState, pod: Pod, nowMs: number): void {
  const said: Condition = { type: "Ready", status: "False", reason: "NodeNotReady" };
  const conditions = joinConditions(pod.status.conditions ?? [], [said], nowMs);
  put(state, "pods", { ...pod, status: { ...pod.status, conditions } }, nowMs);
}

/** For ever where a toleration names no time, at once where none fits. */
function tolerationMs({ options }: KubernetesState, { spec }: Pod): number {
  const fitting = (spec.tolerations ?? []).filter((toleration) => tolerates(toleration, UNREACHABLE));
  if (spec.tolerations === undefined) return options.times.tolerationMs;
  if (fitting.length === 0) return 0;
  const seconds = fitting.map(({ tolerationSeconds }) => tolerationSeconds ?? Number.POSITIVE_INFINITY);
  return Math.min(...seconds) * SECOND_MS;
}

/** Marked for deletion; nobody is there to end it. */
function evict(state: KubernetesState, pod: Pod, nowMs: number): void {
  const { name, namespace } = pod.metadata;
  markDisrupted(
    state,
    pod,
    { reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint" },
    nowMs,
  );
  deleteObject(state, RESOURCES.pods, { verb: "delete", resource: "pods", name, namespace }, false, nowMs);
}

/** The node's object is no more: pods that name it are cleared away after a while. */
export function expectGarbage(state: KubernetesState, node: NodeLife, nowMs: number): void {
  expectNode(state, node, nowMs + state.options.times.garbageMs);
}

function clearAway(state: KubernetesState, { name }: NodeLife, nowMs: number): void {
  const why = { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" };
  for (const pod of [...podsOf(state).values()].filter(({ spec }) => spec.nodeName === name)) {
    const disrupted = markDisrupted(state, pod, why, nowMs);
    const failed = put<Pod>(state, "pods", { ...disrupted, status: { ...disrupted.status, phase: "Failed" } }, nowMs);
    endObject(state, RESOURCES.pods, failed, 0, false, nowMs);
  }
}
