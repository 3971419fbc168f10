/** How a member goes: ended, kept, returned to the warm pool, put aside, or given away. */
import { beginEnding, beginStopping, REASONS } from "../ec2/life.ts";
import { beginActivity, endActivity, noteStatus } from "./activities.ts";
import { isOfPool } from "./counts.ts";
import { takeHold } from "./hooks.ts";
import { GROUP_TAG } from "./join.ts";
import { aim, forget, move, type Place } from "./move.ts";
import type { LifecycleState, Member } from "./state.ts";

/** Terminate hooks hold only what was in service, stood by, or is in the warm pool. */
const HELD_ORIGINS: ReadonlySet<LifecycleState> = new Set([
  "InService",
  "Standby",
  "Warmed:Pending",
  "Warmed:Pending:Wait",
  "Warmed:Pending:Proceed",
  "Warmed:Stopped",
  "Warmed:Running",
  "Warmed:Hibernated",
]);

/** The group ends it; nothing stops that any more, hooks delay it. */
export function depart(place: Place, member: Member, cause: string, hooks: "held" | "at-once" = "held"): void {
  const { instanceId } = member;
  const isFromPool = isOfPool(member);
  member.transition = hooks === "held" && HELD_ORIGINS.has(member.state) ? "terminating" : null;
  member.actions = [];
  endActivity(place, member, "Cancelled");
  const description = `Terminating EC2 instance: ${instanceId}`;
  member.activityId = beginActivity(place, { description, cause, instanceId }).id;
  aim(place, member, isFromPool ? "Warmed:Terminated" : "Terminated");
  place.group.rebalancing.delete(instanceId);
  const { beginMs } = place.state.options.times;
  move(place, member, isFromPool ? "Warmed:Terminating" : "Terminating", beginMs);
}

/** Scale-in with reuse: the terminate hooks hold it, and then it stops or sleeps in the warm pool. */
export function returnToPool(place: Place, member: Member, cause: string): void {
  const { instanceId } = member;
  member.transition = "terminating";
  member.actions = [];
  const description = `Returning EC2 instance to warm pool: ${instanceId}`;
  member.activityId = beginActivity(place, { description, cause, instanceId }).id;
  aim(place, member, `Warmed:${place.group.warmPool?.poolState ?? "Stopped"}`);
  move(place, member, "Warmed:Pending", place.state.options.times.beginMs);
}

/** It has begun to go: hooks hold it, or its instance is ended. */
export function stepDeparture(place: Place, member: Member): void {
  const prefix = isOfPool(member) ? "Warmed:Terminating" : "Terminating";
  if (member.transition === "terminating" && takeHold(place, member, "terminating")) {
    noteStatus(place, member, "MidTerminatingLifecycleAction");
    move(place, member, `${prefix}:Wait`);
    return;
  }
  member.nextMs = null;
  endInstance(place, member);
}

/** The hooks have let it go. */
export function proceedDeparture(place: Place, member: Member): void {
  noteStatus(place, member, "InProgress");
  move(place, member, isOfPool(member) ? "Warmed:Terminating:Proceed" : "Terminating:Proceed");
  endInstance(place, member);
}

/** A hook said ABANDON, or its default did. */
export function abandonDeparture(place: Place, member: Member): void {
  if (place.group.retention === "terminate") proceedDeparture(place, member);
  else retain(place, member, isOfPool(member) ? "Warmed:Terminating:Retained" : "Terminating:Retained");
}

/** It runs on, belongs to the group no more than by name, and costs money until somebody ends it. */
export function retain(place: Place, member: Member, as: LifecycleState): void {
  endActivity(place, member, "Successful", "The instance was retained by the instance lifecycle policy.");
  move(place, member, as);
}

function endInstance({ state, nowMs }: Place, { instanceId }: Member): void {
  const instance = state.ec2.known.get(instanceId);
  if (instance !== undefined) beginEnding(state.ec2, instance, REASONS.userEnded, nowMs);
}

/** Its instance is terminated. */
export function finishDeparture(place: Place, member: Member): void {
  endActivity(place, member, "Successful");
  move(place, member, isOfPool(member) ? "Warmed:Terminated" : "Terminated");
  forget(place, member);
}

const HIBERNATED = {
  code: "Client.UserInitiatedHibernate",
  message: "Client.UserInitiatedHibernate: User initiated hibernate",
};

/** Into the warm pool: it goes on running there, or its instance is stopped or put to sleep first. */
export function layDown(place: Place, member: Member): void {
  const { state, group, nowMs } = place;
  const poolState = group.warmPool?.poolState ?? "Stopped";
  move(place, member, "Warmed:Pending:Proceed", state.options.times.proceedMs);
  const instance = state.ec2.known.get(member.instanceId);
  if (poolState === "Running" || instance === undefined) return;
  beginStopping(state.ec2, instance, poolState === "Hibernated" ? HIBERNATED : REASONS.userEnded, nowMs);
}

/** By a person: out of service, running on. */
export function standAside(place: Place, member: Member, cause: string): string {
  const { instanceId } = member;
  const description = `Moving EC2 instance to Standby: ${instanceId}`;
  const activity = beginActivity(place, { description, cause, instanceId });
  member.activityId = activity.id;
  aim(place, member, "Standby");
  move(place, member, "EnteringStandby", place.state.options.times.asideMs);
  return activity.id;
}

/** By a person: the machine is theirs then. */
export function detach(place: Place, member: Member, cause: string): string {
  const { instanceId } = member;
  const activity = beginActivity(place, { description: `Detaching EC2 instance: ${instanceId}`, cause, instanceId });
  member.activityId = activity.id;
  aim(place, member, "Detached");
  move(place, member, "Detaching", place.state.options.times.asideMs);
  return activity.id;
}

export function finishDetaching(place: Place, member: Member): void {
  endActivity(place, member, "Successful");
  move(place, member, "Detached");
  place.state.ec2.instances.get(member.instanceId)?.tags.delete(GROUP_TAG);
  forget(place, member);
}
