/**
 * The life of an instance, and what moves it: time, calls, what runs on it, and spot's need for its place.
 *
 * ```
 * pending -> running -> shutting-down -> terminated -> (nobody knows it any more)
 * pending -> terminated                  no capacity after all
 * running -> stopping -> stopped -> pending
 * pending | stopping | stopped -> shutting-down
 * ```
 */
import { formatInstant } from "../../domain/instant.ts";
import { unreachable } from "../../domain/invariant.ts";
import { releaseBelongings } from "./belongings.ts";
import { giveRoomBack } from "./room.ts";
import type { Ec2State, Instance, InstancePhase, PhaseKind, StateReason } from "./state.ts";

/** Why it is in the state that it is in, by EC2's own words. */
export const REASONS = {
  userEnded: { code: "Client.UserInitiatedShutdown", message: "Client.UserInitiatedShutdown: User initiated shutdown" },
  hostEnded: {
    code: "Client.InstanceInitiatedShutdown",
    message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
  },
  spotEnded: {
    code: "Server.SpotInstanceTermination",
    message: "Server.SpotInstanceTermination: Spot instance termination",
  },
  spotStopped: { code: "Server.SpotInstanceShutdown", message: "Server.SpotInstanceShutdown: Spot instance shutdown" },
  noCapacity: {
    code: "Server.InsufficientInstanceCapacity",
    message:
      "Server.InsufficientInstanceCapacity: There was insufficient capacity available to satisfy the launch request.",
  },
} as const satisfies Record<string, StateReason>;

/** Lets everything happen that is due by now. */
export function advance(state: Ec2State, nowMs: number): void {
  for (let due = dueBy(state, nowMs); due.length > 0; due = dueBy(state, nowMs))
    for (const { instance, atMs } of due) step(state, instance, atMs);
}

/** When the next thing happens by itself; null: never. */
export function nextDueMs(state: Ec2State): number | null {
  let nextMs: number | null = null;
  for (const atMs of state.due.values()) if (nextMs === null || atMs < nextMs) nextMs = atMs;
  return nextMs;
}

function dueBy(state: Ec2State, nowMs: number): { readonly instance: Instance; readonly atMs: number }[] {
  const due: { instance: Instance; atMs: number }[] = [];
  for (const [id, atMs] of state.due) {
    const instance = state.known.get(id);
    if (atMs <= nowMs && instance !== undefined) due.push({ instance, atMs });
  }
  return due.sort((one, other) => one.atMs - other.atMs || one.instance.number - other.instance.number);
}

function step(state: Ec2State, instance: Instance, atMs: number): void {
  const { interruption, phase } = instance;
  if (interruption !== null && atMs >= interruption.atMs && isUp(instance)) {
    takeBack(state, instance, atMs);
    return;
  }
  switch (phase.kind) {
    case "pending":
      if (instance.isDoomed) finish(state, instance, REASONS.noCapacity, atMs);
      else move(state, instance, { kind: "running", sinceMs: atMs });
      return;
    case "shutting-down":
      finish(state, instance, instance.stateReason, atMs);
      return;
    case "stopping":
      giveRoomBack(state, instance);
      move(state, instance, { kind: "stopped", sinceMs: atMs });
      return;
    case "terminated":
      state.known.delete(instance.id);
      state.due.delete(instance.id);
      return;
    case "running":
    case "stopped":
      state.due.delete(instance.id);
      return;
    default:
      unreachable(phase);
  }
}

export function isUp({ phase }: Instance): boolean {
  return phase.kind === "pending" || phase.kind === "running";
}

/** A spot interruption's notice is over. */
function takeBack(state: Ec2State, instance: Instance, nowMs: number): void {
  const action = instance.interruption?.action;
  instance.interruption = null;
  if (action === "terminate") beginEnding(state, instance, REASONS.spotEnded, nowMs);
  else beginStopping(state, instance, REASONS.spotStopped, nowMs);
}

/** Nothing for one that is ending or ended. */
export function beginEnding(state: Ec2State, instance: Instance, reason: StateReason, nowMs: number): void {
  if (instance.phase.kind === "terminated" || instance.phase.kind === "shutting-down") return;
  explain(instance, reason, nowMs);
  move(state, instance, { kind: "shutting-down", sinceMs: nowMs });
}

/** Nothing for one that is not up. */
export function beginStopping(state: Ec2State, instance: Instance, reason: StateReason, nowMs: number): void {
  if (!isUp(instance)) return;
  explain(instance, reason, nowMs);
  move(state, instance, { kind: "stopping", sinceMs: nowMs });
}

/** Out of `stopped`; room has been taken for it. */
export function beginAgain(state: Ec2State, instance: Instance, nowMs: number): void {
  instance.stateReason = null;
  instance.transitionReason = "";
  move(state, instance, { kind: "pending", sinceMs: nowMs });
}

function explain(instance: Instance, reason: StateReason, nowMs: number): void {
  const isByUser = reason.code === REASONS.userEnded.code;
  instance.stateReason = reason;
  instance.transitionReason = isByUser ? `User initiated (${toMinute(nowMs)} GMT)` : reason.message;
}

/** As EC2 writes it: `2026-05-04 04:22:10`. */
function toMinute(epochMs: number): string {
  return formatInstant(epochMs).slice(0, "2026-05-04T04:22:10".length).replace("T", " ");
}

function finish(state: Ec2State, instance: Instance, reason: StateReason | null, nowMs: number): void {
  giveRoomBack(state, instance);
  instance.stateReason = reason;
  instance.interruption = null;
  releaseBelongings(state, instance);
  move(state, instance, { kind: "terminated", sinceMs: nowMs });
}

function move(state: Ec2State, instance: Instance, phase: InstancePhase): void {
  const lagMs = state.options.chance
    .fork(`state lag/${instance.id}/${phase.kind}/${phase.sinceMs}`)
    .between(state.options.lags.stateMs);
  instance.lagging = lagMs > 0 ? { phase: instance.phase, untilMs: phase.sinceMs + lagMs } : null;
  instance.phase = phase;
  state.changedInstanceIds.add(instance.id);
  scheduleNext(state, instance);
}

/** Notes when the instance will change by itself. */
export function scheduleNext(state: Ec2State, instance: Instance): void {
  const moments = [endOfPhase(state, instance)];
  if (isUp(instance)) moments.push(instance.interruption?.atMs ?? null);
  const given = moments.filter((atMs) => atMs !== null);
  if (given.length === 0) state.due.delete(instance.id);
  else state.due.set(instance.id, Math.min(...given));
}

const TIMED = {
  pending: "pendingMs",
  "shutting-down": "shuttingDownMs",
  stopping: "stoppingMs",
  terminated: "terminatedMs",
  running: null,
  stopped: null,
} as const satisfies Record<PhaseKind, string | null>;

function endOfPhase({ options }: Ec2State, { id, phase }: Instance): number | null {
  const time = TIMED[phase.kind];
  if (time === null) return null;
  return phase.sinceMs + options.chance.fork(`life/${id}/${phase.kind}`).between(options.times[time]);
}

/** What runs on the instance shuts it down: it ends or stops, as it was started to. */
export function powerOff(state: Ec2State, instanceId: string, nowMs: number): void {
  const instance = state.known.get(instanceId);
  if (instance === undefined || !isUp(instance)) return;
  if (instance.settings.shutdownBehavior === "terminate") beginEnding(state, instance, REASONS.hostEnded, nowMs);
  else beginStopping(state, instance, REASONS.hostEnded, nowMs);
}

/**
 * Spot wants its place back: the notice stands in the instance's metadata at once, and when its time is over the instance
 * ends, or stops as it was started to.
 * @param noticeMs 0: without a notice.
 * @returns false for an instance that is no spot instance or not up.
 */
export function interrupt(state: Ec2State, instanceId: string, nowMs: number, noticeMs?: number): boolean {
  const instance = state.known.get(instanceId);
  if (instance === undefined || !isUp(instance) || instance.market !== "spot") return false;
  const action = instance.settings.interruptionBehavior;
  instance.interruption = { action, atMs: nowMs + (noticeMs ?? state.options.times.noticeMs) };
  scheduleNext(state, instance);
  advance(state, nowMs);
  return true;
}
