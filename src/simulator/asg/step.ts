/**
 * What a member does by itself: by time, by what its instance is, by hooks that run out.
 *
 * ```
 * Pending -> [Pending:Wait] -> Pending:Proceed -> InService
 * Warmed:Pending -> [:Wait] -> :Proceed -> Warmed:{Stopped|Running|Hibernated} -> (drawn) Pending
 * InService | Standby -> Terminating -> [:Wait -> :Proceed | :Retained] -> Terminated
 * InService -> (scale-in with reuse) Warmed:Pending -> [:Wait] -> :Proceed -> Warmed:{...}
 * InService -> EnteringStandby -> Standby -> Pending; InService | Standby -> Detaching -> Detached
 * ```
 */
import { unreachable } from "../../domain/invariant.ts";
import { endActivity, noteStatus } from "./activities.ts";
import {
  abandonDeparture,
  depart,
  finishDeparture,
  finishDetaching,
  layDown,
  proceedDeparture,
  retain,
  stepDeparture,
} from "./depart.ts";
import { holdDeadlineMs, type Release, releaseOverdue, takeHold } from "./hooks.ts";
import { draw, forget, move, type Place, touch } from "./move.ts";
import type { Member } from "./state.ts";

/** @returns whether anything changed. */
export function stepMember(place: Place, member: Member): boolean {
  const before = member.state;
  const hooksBefore = member.actions.length;
  const wasHealthy = member.isHealthy;
  const wasSeenDown = member.seenDownAtMs;
  const nextBefore = member.nextMs;
  step(place, member);
  return (
    member.state !== before ||
    member.actions.length !== hooksBefore ||
    member.isHealthy !== wasHealthy ||
    member.seenDownAtMs !== wasSeenDown ||
    member.nextMs !== nextBefore
  );
}

function step(place: Place, member: Member): void {
  const isGone = isEnded(place, member);
  switch (member.state) {
    case "Pending":
    case "Warmed:Pending":
      if (isGone) failComing(place, member);
      else stepComing(place, member);
      break;
    case "Pending:Wait":
    case "Warmed:Pending:Wait":
      if (isGone) failComing(place, member);
      else afterComingHold(place, member, releaseOverdue(place, member));
      break;
    case "Pending:Proceed":
      if (isGone) failComing(place, member);
      else if (isDue(place, member)) arrive(place, member);
      break;
    case "Warmed:Pending:Proceed":
      if (isGone) failComing(place, member);
      else stepLaidDown(place, member);
      break;
    case "Terminating":
    case "Warmed:Terminating":
      if (isDue(place, member)) stepDeparture(place, member);
      else if (member.nextMs === null && isGone) finishDeparture(place, member);
      break;
    case "Terminating:Wait":
    case "Warmed:Terminating:Wait":
      afterDepartingHold(place, member, releaseOverdue(place, member));
      break;
    case "Terminating:Proceed":
    case "Warmed:Terminating:Proceed":
    case "Terminating:Retained":
    case "Warmed:Terminating:Retained":
    case "Warmed:Pending:Retained":
      if (isGone) finishDeparture(place, member);
      break;
    case "InService":
    case "Standby":
      checkHealth(place, member);
      break;
    case "EnteringStandby":
      if (isDue(place, member)) standBy(place, member);
      break;
    case "Detaching":
      if (isDue(place, member)) finishDetaching(place, member);
      break;
    case "Warmed:Stopped":
    case "Warmed:Running":
    case "Warmed:Hibernated":
      if (isGone) forget(place, member);
      break;
    case "Terminated":
    case "Warmed:Terminated":
    case "Detached":
      break;
    default:
      unreachable(member.state);
  }
}

/** When it goes on by itself; null: not by time. */
export function memberDueMs(member: Member): number | null {
  const healthAtMs = member.isHealthy && member.seenDownAtMs !== null ? member.seenDownAtMs : null;
  const moments = [member.nextMs, holdDeadlineMs(member), healthAtMs].filter((atMs) => atMs !== null);
  return moments.length === 0 ? null : Math.min(...moments);
}

function isDue({ nowMs }: Place, { nextMs }: Member): boolean {
  return nextMs !== null && nowMs >= nextMs;
}

/** EC2 has ended its instance, whoever wanted it. */
function isEnded({ state }: Place, { instanceId }: Member): boolean {
  return (state.ec2.known.get(instanceId)?.phase.kind ?? "terminated") === "terminated";
}

function isRunning({ state }: Place, { instanceId }: Member): boolean {
  return state.ec2.known.get(instanceId)?.phase.kind === "running";
}

function stepComing(place: Place, member: Member): void {
  const isReturning = member.transition === "terminating";
  if (isReturning ? !isDue(place, member) : !isRunning(place, member)) return;
  if (member.transition !== null && takeHold(place, member, member.transition)) {
    noteStatus(place, member, isReturning ? "MidTerminatingLifecycleAction" : "MidLifecycleAction");
    move(place, member, member.state === "Pending" ? "Pending:Wait" : "Warmed:Pending:Wait");
    return;
  }
  proceedComing(place, member);
}

/** The hooks of a member on its way have spoken. */
export function afterComingHold(place: Place, member: Member, release: Release): void {
  if (release === "continued") proceedComing(place, member);
  if (release === "abandoned") abandonComing(place, member);
}

/** A launch comes to nothing. A return to the warm pool becomes an end, or the machine is kept. */
function abandonComing(place: Place, member: Member): void {
  if (member.transition === "launching") depart(place, member, "a launch lifecycle hook was abandoned.", "at-once");
  else if (place.group.retention === "retain") retain(place, member, "Warmed:Pending:Retained");
  else depart(place, member, "a terminate lifecycle hook was abandoned.", "at-once");
}

/** The hooks of a member that goes have spoken. */
export function afterDepartingHold(place: Place, member: Member, release: Release): void {
  if (release === "continued") proceedDeparture(place, member);
  if (release === "abandoned") abandonDeparture(place, member);
}

function proceedComing(place: Place, member: Member): void {
  noteStatus(place, member, "InProgress");
  if (member.state.startsWith("Warmed:")) layDown(place, member);
  else move(place, member, "Pending:Proceed", place.state.options.times.proceedMs);
}

function arrive(place: Place, member: Member): void {
  endActivity(place, member, "Successful");
  place.group.rebalancing.delete(member.instanceId);
  member.transition = null;
  move(place, member, "InService");
}

function stepLaidDown(place: Place, member: Member): void {
  const poolState = place.group.warmPool?.poolState ?? "Stopped";
  const phase = place.state.ec2.known.get(member.instanceId)?.phase.kind;
  if (!isDue(place, member) || (poolState !== "Running" && phase !== "stopped")) return;
  endActivity(place, member, "Successful");
  move(place, member, `Warmed:${poolState}`);
}

function standBy(place: Place, member: Member): void {
  endActivity(place, member, "Successful");
  move(place, member, "Standby");
}

/** Its instance came to nothing before the member was there. */
function failComing(place: Place, member: Member): void {
  const { state, group, nowMs } = place;
  const reason = state.ec2.instances.get(member.instanceId)?.stateReason?.message ?? "The instance was terminated.";
  endActivity(place, member, "Failed", reason);
  group.launchesFromMs = nowMs + draw(state, "launch retry", state.options.times.launchRetryMs);
  move(place, member, member.state.startsWith("Warmed:") ? "Warmed:Terminated" : "Terminated");
  forget(place, member);
}

/** The group sees some time later that an instance of its own is not up. */
function checkHealth(place: Place, member: Member): void {
  const { state, group, nowMs } = place;
  if (!member.isHealthy || isRunning(place, member) || group.suspended.has("HealthCheck")) {
    member.seenDownAtMs = null;
    return;
  }
  if (member.seenDownAtMs === null) {
    member.seenDownAtMs = nowMs + draw(state, "health check", state.options.times.healthCheckMs);
    return;
  }
  if (nowMs < member.seenDownAtMs) return;
  member.seenDownAtMs = null;
  member.isHealthy = false;
  touch(group);
}
