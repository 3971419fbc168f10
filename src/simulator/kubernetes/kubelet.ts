/** The kubelets: what each does with a pod of its node, stage by stage, and when it is due again. */
import { SECOND_MS } from "../../domain/units.ts";
import type { Range } from "../world/chance.ts";
import { beginNext, earlier, killAll, moveContainers, nextContainerMs, tellToEnd } from "./containers.ts";
import { endObject } from "./delete.ts";
import type { Pod } from "./objects.ts";
import { hasFailedToInitialise, isRunning, type PodLife } from "./pod-life.ts";
import { podOfLife, writeStatus } from "./pod-status.ts";
import { RESOURCES } from "./resources.ts";
import { schedulePod } from "./scheduler.ts";
import type { KubernetesState, NodeLife } from "./state.ts";

/** Notes when the pod changes by itself next. */
export function expect(state: KubernetesState, life: PodLife, dueMs: number | null): void {
  if (dueMs === null) state.due.delete(life.podUid);
  else state.due.set(life.podUid, dueMs);
}

export function nodeOf(state: KubernetesState, { nodeName }: PodLife): NodeLife | undefined {
  return nodeName === null ? undefined : state.nodes.get(nodeName);
}

/** The pod at the moment that it was expected to change. */
export function movePod(state: KubernetesState, life: PodLife, nowMs: number): void {
  expect(state, life, life.stage === "waiting" ? schedule(state, life, nowMs) : keep(state, life, nowMs));
}

/** @returns when the pod changes by itself next. */
function schedule(state: KubernetesState, life: PodLife, nowMs: number): number {
  const { times } = state.options;
  if (!schedulePod(state, life, nowMs)) return nowMs + times.reschedulingMs;
  life.stage = "bound";
  return nowMs + take(state, life, "accept", times.acceptingMs);
}

function take({ options }: KubernetesState, { podUid }: PodLife, what: string, range: Range): number {
  return options.chance.fork(`${what}/${podUid}`).between(range);
}

/** @returns when the pod changes by itself next; null: it waits for something else. */
function keep(state: KubernetesState, life: PodLife, nowMs: number): number | null {
  const node = nodeOf(state, life);
  if (node === undefined || node.condition === "dead") return null;
  if (node.condition === "cut-off") {
    // Nobody starts, tells or writes anything; processes go on.
    moveContainers(state, life, false, nowMs);
    return nextEndMs(life, null);
  }
  if (life.isWedged && life.stage === "ending") return null;
  if (life.stage === "bound") {
    life.stage = "accepted";
    life.acceptedAtMs = nowMs;
  }
  work(state, life, node, nowMs);
  writeStatus(state, life, nowMs);
  if (life.stage === "over") return finish(state, life, nowMs);
  // What is not begun any more, or not yet, has nothing to wait for but the ends of what runs.
  return life.stage === "accepted" && !node.startsNothing ? nextContainerMs(life) : nextEndMs(life, life.killAtMs);
}

/** @param killAtMs null where nobody kills them. */
function nextEndMs(life: PodLife, killAtMs: number | null): number | null {
  return life.containers
    .map(({ phase }) => (phase.kind === "running" ? earlier(phase.endsAtMs, killAtMs) : null))
    .reduce(earlier, null);
}

function work(state: KubernetesState, life: PodLife, node: NodeLife, nowMs: number): void {
  moveContainers(state, life, life.stage === "accepted" && !node.startsNothing, nowMs);
  const pod = podOfLife(state, life);
  if (life.stage === "accepted" && (isOver(life) || isBeingDeleted(pod))) life.stage = "ending";
  if (life.stage === "ending") endAll(state, life, pod, nowMs);
  else if (!node.startsNothing) beginNext(state, life, nowMs);
}

function isBeingDeleted(pod: Pod | undefined): boolean {
  return pod === undefined || pod.metadata.deletionTimestamp !== undefined;
}

/** Nothing is left that could do anything more but sidecars. */
function isOver(life: PodLife): boolean {
  const isDone = life.containers.every(({ role, phase }) => role !== "main" || phase.kind === "terminated");
  return isDone || hasFailedToInitialise(life) || life.end !== null;
}

/** Sidecars are told last. */
function endAll(state: KubernetesState, life: PodLife, pod: Pod | undefined, nowMs: number): void {
  const { deletionTimestamp } = pod?.metadata ?? {};
  const graceMs = (pod?.spec.terminationGracePeriodSeconds ?? 30) * SECOND_MS;
  life.killAtMs = earlier(
    life.killAtMs,
    deletionTimestamp === undefined ? nowMs + graceMs : Date.parse(deletionTimestamp),
  );
  const running = life.containers.filter(isRunning);
  const first = running.filter(({ role }) => role !== "sidecar");
  for (const container of first.length > 0 ? first : running) tellToEnd(state, life, container, nowMs);
  moveContainers(state, life, false, nowMs);
  if (!life.containers.some(isRunning)) life.stage = "over";
  // What was told last may have ended at once.
  else if (first.length > 0 && !life.containers.some((one) => one.role !== "sidecar" && isRunning(one)))
    endAll(state, life, pod, nowMs);
}

/** The last status is written; then comes the deletion, if one was asked for. */
function finish(state: KubernetesState, life: PodLife, nowMs: number): number | null {
  const pod = podOfLife(state, life);
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod?.metadata ?? {};
  if (pod === undefined || deletionTimestamp === undefined || deletionGracePeriodSeconds === 0) return null;
  if (!life.isDeletionDue) {
    life.isDeletionDue = true;
    return nowMs + take(state, life, "finish", state.options.times.finishingMs);
  }
  endObject(state, RESOURCES.pods, pod, 0, false, nowMs);
  return null;
}

/** The object is gone, or another one has its name: what still runs is killed. */
export function forgetPod(state: KubernetesState, life: PodLife, nowMs: number): void {
  killAll(state, life, null, nowMs);
  state.lives.delete(life.podUid);
  state.due.delete(life.podUid);
}
