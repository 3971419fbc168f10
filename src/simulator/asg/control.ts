/** What the world does to groups beside calling them. */
import { setDesired } from "./capacity.ts";
import { depart, returnToPool } from "./depart.ts";
import { settle } from "./life.ts";
import { touch } from "./move.ts";
import type { AsgOptions } from "./options.ts";
import type { AsgState, Group, MemberChange } from "./state.ts";

/** A scaling policy or a schedule wants so many, within the group's bounds. */
export function scaleByPolicy(state: AsgState, groupName: string, wanted: number, nowMs: number): void {
  const group = demandKnown(state, groupName);
  const within = Math.min(Math.max(wanted, group.minSize), group.maxSize);
  setDesired({ state, group, nowMs }, within, "a scaling policy was triggered");
  settle(state, nowMs);
}

/** Scale-in that has chosen this member, whatever its policies say: it is on its way at once. */
export function scaleIn(state: AsgState, groupName: string, instanceId: string, nowMs: number): void {
  const group = demandKnown(state, groupName);
  const member = group.members.get(instanceId);
  if (member === undefined) throw new Error(`scale-in of ${instanceId}, which is not in group ${groupName}`);
  const place = { state, group, nowMs };
  setDesired(place, Math.max(group.minSize, group.desired - 1), "a scaling policy was triggered");
  const cause = "an instance was selected for termination.";
  if (group.warmPool?.isReusedOnScaleIn === true) returnToPool(place, member, cause);
  else depart(place, member, cause);
  settle(state, nowMs);
}

export type GroupChange = Partial<
  Pick<
    Group,
    "isNewProtected" | "lifetimeMs" | "retention" | "warmPool" | "minSize" | "maxSize" | "terminationPolicies"
  >
>;

/** A person changes its settings. */
export function changeGroup(state: AsgState, groupName: string, change: GroupChange, nowMs: number): void {
  const group = demandKnown(state, groupName);
  Object.assign(group, change);
  touch(group);
  settle(state, nowMs);
}

/** Whose state has changed since the last time, in the order of the changes. */
export function takeChanges(state: AsgState): readonly MemberChange[] {
  return state.changes.splice(0);
}

/** From now on nothing lags or fails. */
export function calmDown(state: AsgState, nowMs: number): void {
  const lags: AsgOptions["lags"] = { readingMs: [0, 0], omittedShare: 0 };
  state.options = { ...state.options, lags };
  state.faults.splice(0);
  for (const group of state.groups.values()) group.launchesFromMs = Math.min(group.launchesFromMs, nowMs);
  settle(state, nowMs);
}

function demandKnown({ groups }: AsgState, name: string): Group {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`the group ${name}, which there is not`);
  return group;
}
