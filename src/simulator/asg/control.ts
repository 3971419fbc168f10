/** What the world does to groups beside calling them. */
import { setDesired } from "./capacity.ts";
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
