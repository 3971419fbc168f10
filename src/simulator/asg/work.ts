/** What a group does of its own accord: heals, launches, draws, ends, fills its pool, replaces, makes its zones even. */
import { beginActivity, closeActivity } from "./activities.ts";
import { chooseVictim, findImbalance } from "./choose-victims.ts";
import { countMembers, isActive, isInPool, isReady, listMembers, poolSizeOf } from "./counts.ts";
import { depart, returnToPool } from "./depart.ts";
import { drawMember, launchMember } from "./join.ts";
import { draw, type Place, touch } from "./move.ts";
import { findReplacement, stepRefresh } from "./replace.ts";
import type { Member } from "./state.ts";

const WORK_COUNT_MAX = 1_000;

export type Work =
  | { readonly kind: "launch"; readonly zone: string | null; readonly isExtra: boolean; readonly cause: string }
  | { readonly kind: "draw"; readonly member: Member; readonly cause: string }
  | { readonly kind: "fill" }
  | { readonly kind: "end"; readonly member: Member; readonly cause: string; readonly isReplacement: boolean }
  | { readonly kind: "return"; readonly member: Member; readonly cause: string };

/** Null: it is content, or nothing can be done about it now. */
export function findWork(place: Place): Work | null {
  return findUnhealthy(place) ?? findLack(place) ?? findSurplus(place) ?? findPoolWork(place) ?? findReplacing(place);
}

/** Everything that it wants to do now. */
export function doWork(place: Place): void {
  for (let count = 0; count < WORK_COUNT_MAX; count += 1) {
    const work = findWork(place);
    if (work === null) return;
    perform(place, work);
  }
}

function perform(place: Place, work: Work): void {
  switch (work.kind) {
    case "launch": {
      const member = launchMember(place, { into: "service", cause: work.cause, zone: work.zone });
      if (work.isExtra) pause(place);
      if (member !== null && work.isExtra) place.group.rebalancing.add(member.instanceId);
      return;
    }
    case "draw":
      drawMember(place, work.member, work.cause);
      return;
    case "fill":
      launchMember(place, { into: "pool", cause: "the warm pool was smaller than it should be.", zone: null });
      return;
    case "end":
      if (work.isReplacement) pause(place);
      depart(place, work.member, work.cause);
      return;
    case "return":
      returnToPool(place, work.member, work.cause);
      return;
  }
}

function pause({ state, group, nowMs }: Place): void {
  group.replacesFromMs = nowMs + draw(state, "replacement pause", state.options.times.replacementPauseMs);
}

/** Whatever protection it has. */
function findUnhealthy({ group }: Place): Work | null {
  if (group.suspended.has("ReplaceUnhealthy")) return null;
  const [member] = listMembers(
    group,
    ({ state, isHealthy }) => !isHealthy && (state === "InService" || state === "Standby"),
  );
  if (member === undefined) return null;
  const cause = "an instance was taken out of service in response to an EC2 health check.";
  return { kind: "end", member, cause, isReplacement: false };
}

/** How many more than desired are in service or on their way; those who come to make the zones even do not count. */
function surplusOf({ group }: Place): number {
  return countMembers(group, isActive) - group.rebalancing.size - group.desired;
}

function findLack(place: Place): Work | null {
  const { group, nowMs } = place;
  if (surplusOf(place) >= 0 || nowMs < group.launchesFromMs || group.suspended.has("Launch")) return null;
  const [ready] = listMembers(group, isReady).sort((one, other) => one.number - other.number);
  const cause = group.lastCause;
  if (ready !== undefined) return { kind: "draw", member: ready, cause };
  return { kind: "launch", zone: null, isExtra: false, cause };
}

function findSurplus(place: Place): Work | null {
  const { group } = place;
  if (surplusOf(place) <= 0 || group.suspended.has("Terminate")) return null;
  const member = chooseVictim(place);
  if (member === null) return null;
  const cause = `${group.lastCause} an instance was selected for termination.`;
  if (group.warmPool?.isReusedOnScaleIn === true) return { kind: "return", member, cause };
  return { kind: "end", member, cause, isReplacement: false };
}

const PROTECTED = "Could not scale to desired capacity because all remaining instances are protected from scale in.";

/** What it finds out before it acts: that nobody may be ended, that a refresh is done or has waited for too long. */
export function noteSituation(place: Place): void {
  stepRefresh(place);
  const { group } = place;
  const isBlocked = surplusOf(place) > 0 && !group.suspended.has("Terminate") && chooseVictim(place) === null;
  if (!isBlocked || countMembers(group, ({ state }) => state === "InService") === 0) return;
  // Once, until something else happens: the deficit itself goes on waiting for the next unprotected member.
  if (group.activities.at(-1)?.statusMessage === PROTECTED) return;
  const activity = beginActivity(place, { description: PROTECTED, cause: group.lastCause });
  closeActivity(activity, "Failed", PROTECTED, place.nowMs);
  touch(group);
}

function findPoolWork(place: Place): Work | null {
  const { group, nowMs } = place;
  // Who is wanted in service is not trimmed meanwhile.
  if (surplusOf(place) < 0) return null;
  const count = countMembers(group, isInPool);
  const size = poolSizeOf(group);
  if (count < size && nowMs >= group.launchesFromMs && !group.suspended.has("Launch")) return { kind: "fill" };
  if (count <= size || group.suspended.has("Terminate")) return null;
  const [member] = listMembers(group, isInPool).sort((one, other) => one.number - other.number);
  if (member === undefined) return null;
  return { kind: "end", member, cause: "the warm pool was larger than it should be.", isReplacement: false };
}

/** One at a time, while nothing else is on its way. */
function findReplacing(place: Place): Work | null {
  const { group, nowMs } = place;
  if (surplusOf(place) !== 0 || group.rebalancing.size > 0) return null;
  if (countMembers(group, (member) => isActive(member) && member.state !== "InService") > 0) return null;
  if (nowMs < group.replacesFromMs) return null;
  const replacement = findReplacement(place);
  if (replacement !== null) return { kind: "end", ...replacement, isReplacement: true };
  return findRebalance(place);
}

/** A tenth more than the greatest size, and one at least. */
const EXCESS_SHARE = 0.1;

function findRebalance(place: Place): Work | null {
  const { group } = place;
  if (group.suspended.has("AZRebalance") || group.suspended.has("Launch") || group.suspended.has("Terminate"))
    return null;
  const excess = Math.max(1, Math.floor(group.maxSize * EXCESS_SHARE));
  if (countMembers(group, isActive) + 1 > group.maxSize + excess) return null;
  const imbalance = findImbalance(place);
  if (imbalance === null || place.nowMs < group.launchesFromMs) return null;
  const cause = "instances were launched to balance instances in zones.";
  return { kind: "launch", zone: imbalance.emptier, isExtra: true, cause };
}
