/** What the containers of a pod do from one moment to the next: pull, start, run, end. */
import { SECOND_MS } from "../../domain/units.ts";
import type { ContainerCourse } from "./options.ts";
import {
  type ContainerLife,
  type ContainerPhase,
  isInitialised,
  isRunning,
  type PodLife,
  type RunningPhase,
} from "./pod-life.ts";
import type { KubernetesState, ProcessEvent } from "./state.ts";

/** What processes do that nobody has said anything of: those of the initialisation are done soon, the rest go on. */
const COURSES: Readonly<Record<ContainerLife["role"], ContainerCourse>> = {
  init: { runsMs: 500, exitCode: 0, endsAfterTermMs: 0, termExitCode: 143 },
  sidecar: { runsMs: null, exitCode: 0, endsAfterTermMs: 500, termExitCode: 0 },
  main: { runsMs: null, exitCode: 0, endsAfterTermMs: SECOND_MS, termExitCode: 143 },
};

const KILLED_EXIT_CODE = 137;

function courseOf({ options }: KubernetesState, { name, role }: ContainerLife): ContainerCourse {
  return options.courses[name] ?? COURSES[role];
}

/** When one of its containers changes by itself; null: none does. */
export function nextContainerMs({ containers, killAtMs }: PodLife): number | null {
  return containers.map(({ phase }) => endOfPhase(phase, killAtMs)).reduce(earlier, null);
}

function endOfPhase(phase: ContainerPhase, killAtMs: number | null): number | null {
  switch (phase.kind) {
    case "pulling":
    case "pull-failed":
    case "backing-off":
    case "starting":
      return phase.untilMs;
    case "running":
      return earlier(phase.endsAtMs, killAtMs);
    case "waiting":
    case "terminated":
      return null;
  }
}

export function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

/** What its kubelet begins: the next of the initialisation, or all the rest at once. */
export function beginNext(state: KubernetesState, life: PodLife, nowMs: number): void {
  for (const container of life.containers) {
    if (container.role === "main" && !isInitialised(life)) return;
    if (container.phase.kind === "waiting") container.phase = beginPull(state, life, container, 0, nowMs);
    if (container.role === "main" || isPast(container)) continue;
    return;
  }
}

/** The next of the initialisation may begin. */
function isPast({ role, phase }: ContainerLife): boolean {
  if (role === "sidecar") return phase.kind === "running" || phase.kind === "terminated";
  return phase.kind === "terminated" && phase.exitCode === 0;
}

function beginPull(
  state: KubernetesState,
  life: PodLife,
  container: ContainerLife,
  triedCount: number,
  nowMs: number,
): ContainerPhase {
  const trouble = state.images.get(container.image);
  const { times, chance } = state.options;
  const usualMs = chance.fork(`pull/${life.podUid}/${container.name}/${triedCount}`).between(times.pullMs);
  const pullMs = trouble?.kind === "slow" ? trouble.pullMs : usualMs;
  return { kind: "pulling", untilMs: nowMs + pullMs, triedCount: triedCount + 1 };
}

/** A failed pull is called so for as long, before it is called a pause. */
const PULL_FAILED_MS = SECOND_MS;

/**
 * Moves what is due.
 * @param canStart false where only processes move, because their kubelet is not there.
 */
export function moveContainers(state: KubernetesState, life: PodLife, canStart: boolean, nowMs: number): void {
  for (const container of life.containers) {
    const { phase } = container;
    if (phase.kind === "running") {
      const isKilled = life.killAtMs !== null && nowMs >= life.killAtMs;
      const isDone = phase.endsAtMs !== null && nowMs >= phase.endsAtMs;
      if (isDone) endProcess(state, life, container, phase.exitCode, null, nowMs);
      else if (isKilled) endProcess(state, life, container, KILLED_EXIT_CODE, null, nowMs);
    } else if (canStart && "untilMs" in phase && nowMs >= phase.untilMs) {
      container.phase = nextPhase(state, life, container, phase, nowMs);
      if (container.phase.kind === "running") tell(state, life, container, "started", nowMs);
    }
  }
}

type StartingPhase = Extract<ContainerPhase, { readonly untilMs: number }>;

function nextPhase(
  state: KubernetesState,
  life: PodLife,
  container: ContainerLife,
  phase: StartingPhase,
  nowMs: number,
): ContainerPhase {
  const { times, chance } = state.options;
  switch (phase.kind) {
    case "pulling": {
      const { triedCount } = phase;
      const isMissing = state.images.get(container.image)?.kind === "missing";
      if (isMissing) return { kind: "pull-failed", untilMs: nowMs + PULL_FAILED_MS, triedCount };
      const startingMs = chance.fork(`start/${life.podUid}/${container.name}`).between(times.startingMs);
      return { kind: "starting", untilMs: nowMs + startingMs };
    }
    case "pull-failed": {
      const [firstMs, mostMs] = times.pullBackOffMs;
      const waitMs = Math.min(firstMs * 2 ** (phase.triedCount - 1), mostMs);
      return { kind: "backing-off", untilMs: nowMs + waitMs, triedCount: phase.triedCount };
    }
    case "backing-off":
      return beginPull(state, life, container, phase.triedCount, nowMs);
    case "starting": {
      const { runsMs, exitCode } = courseOf(state, container);
      const endsAtMs = runsMs === null ? null : nowMs + runsMs;
      return { kind: "running", sinceMs: nowMs, endsAtMs, exitCode, isToldToEnd: false };
    }
  }
}

/** TERM to its first process, once; it ends as its course says. */
export function tellToEnd(state: KubernetesState, life: PodLife, container: ContainerLife, nowMs: number): void {
  const { phase } = container;
  if (phase.kind !== "running" || phase.isToldToEnd) return;
  const { endsAfterTermMs, termExitCode } = courseOf(state, container);
  const told: RunningPhase = { ...phase, isToldToEnd: true };
  const byTermMs = endsAfterTermMs === null ? null : nowMs + endsAfterTermMs;
  const isSooner = byTermMs !== null && (phase.endsAtMs === null || byTermMs < phase.endsAtMs);
  container.phase = isSooner ? { ...told, endsAtMs: byTermMs, exitCode: termExitCode } : told;
  tell(state, life, container, "told-to-end", nowMs);
}

/** @param reason as its status says it; null: by its exit code. */
export function endProcess(
  state: KubernetesState,
  life: PodLife,
  container: ContainerLife,
  exitCode: number,
  reason: string | null,
  nowMs: number,
): void {
  if (container.phase.kind !== "running") return;
  container.phase = {
    kind: "terminated",
    startedAtMs: container.phase.sinceMs,
    atMs: nowMs,
    exitCode,
    reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
  };
  tell(state, life, container, "ended", nowMs);
}

export function killAll(state: KubernetesState, life: PodLife, reason: string | null, nowMs: number): void {
  for (const container of life.containers.filter(isRunning))
    endProcess(state, life, container, KILLED_EXIT_CODE, reason, nowMs);
}

function tell(
  { processEvents }: KubernetesState,
  { podUid, name: podName, namespace }: PodLife,
  { name: container }: ContainerLife,
  kind: ProcessEvent["kind"],
  atMs: number,
): void {
  processEvents.push({ kind, podUid, podName, namespace, container, atMs });
}
