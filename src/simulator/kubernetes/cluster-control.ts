/** What happens to the machines of the cluster: processes end, nodes fall silent, images cannot be had. */
import { endProcess, killAll } from "./containers.ts";
import { demandPod, type ObjectPlace } from "./control.ts";
import { markDisrupted } from "./evict.ts";
import { expect } from "./kubelet.ts";
import { advance } from "./life.ts";
import { turnNode } from "./node-life.ts";
import type { PodLife } from "./pod-life.ts";
import type { ImageTrouble, KubernetesState, NodeLife } from "./state.ts";
import { remove } from "./store.ts";

/** @throws {Error} for a pod that no kubelet of the model knows. */
function demandLife(state: KubernetesState, place: ObjectPlace): PodLife {
  const { uid } = demandPod(state, place).metadata;
  const life = state.lives.get(uid);
  if (life === undefined) throw new Error(`looking for what runs in pod ${place.name}, of which no kubelet knows`);
  return life;
}

export interface ProcessEnd {
  readonly exitCode: number;
  /** `OOMKilled`, for one; by the exit code unless given. */
  readonly reason?: string;
}

/** The container's first process ends by itself. Nothing for one that does not run. */
export function endContainer(
  state: KubernetesState,
  place: ObjectPlace,
  containerName: string,
  { exitCode, reason }: ProcessEnd,
  nowMs: number,
): void {
  const life = demandLife(state, place);
  const container = life.containers.find(({ name }) => name === containerName);
  if (container === undefined) throw new Error(`pod ${place.name} has no container ${containerName}`);
  endProcess(state, life, container, exitCode, reason ?? null, nowMs);
  expect(state, life, nowMs);
  advance(state, nowMs);
}

/** Its node is short of something and puts the pod out, without any grace. */
export function evictByNode(state: KubernetesState, place: ObjectPlace, message: string, nowMs: number): void {
  const life = demandLife(state, place);
  life.end = { reason: "Evicted", message };
  markDisrupted(state, demandPod(state, place), { reason: "TerminationByKubelet", message }, nowMs);
  killAll(state, life, null, nowMs);
  expect(state, life, nowMs);
  advance(state, nowMs);
}

/** Once it is told to end, its kubelet never gets to the end of it. */
export function wedgePod(state: KubernetesState, place: ObjectPlace): void {
  demandLife(state, place).isWedged = true;
}

export interface NodeChange {
  readonly condition?: NodeLife["condition"];
  /** It says that it is ready, and no container gets anywhere on it. */
  readonly startsNothing?: boolean;
}

/** @throws {Error} for a node that never was. */
export function changeNode(state: KubernetesState, name: string, change: NodeChange, nowMs: number): void {
  const node = state.nodes.get(name);
  if (node === undefined) throw new Error(`changing node ${name}, which is not in the cluster`);
  if (change.startsNothing !== undefined) {
    node.startsNothing = change.startsNothing;
    for (const life of state.lives.values()) if (life.nodeName === name) expect(state, life, nowMs);
  }
  if (change.condition !== undefined) turnNode(state, node, change.condition, nowMs);
  advance(state, nowMs);
}

/** Its machine is gone, and the cloud has told the cluster: what ran on it is dead. */
export function removeNode(state: KubernetesState, name: string, nowMs: number): void {
  changeNode(state, name, { condition: "dead" }, nowMs);
  const object = state.objects.nodes.get(name);
  if (object !== undefined) remove(state, "nodes", object, nowMs);
  advance(state, nowMs);
}

/** Null: the image is as any other again. */
export function setImage({ images }: KubernetesState, image: string, trouble: ImageTrouble | null): void {
  if (trouble === null) images.delete(image);
  else images.set(image, trouble);
}
