/** Who is replaced although nothing is wrong with it: by an instance refresh, by the greatest lifetime. */
import { HOUR_MS } from "../../domain/units.ts";
import { listMembers } from "./counts.ts";
import { type Place, touch } from "./move.ts";
import type { Group, Member, Refresh } from "./state.ts";

/** So long a refresh waits for members that are protected or stand by. */
const WAIT_MS_MAX = HOUR_MS;

interface Replacement {
  readonly member: Member;
  readonly cause: string;
}

export function findReplacement(place: Place): Replacement | null {
  return findToRefresh(place) ?? findOld(place);
}

export function runningRefresh({ refreshes }: Group): Refresh | null {
  return refreshes.find(({ status }) => status === "InProgress") ?? null;
}

function findToRefresh({ group }: Place): Replacement | null {
  const refresh = runningRefresh(group);
  if (refresh === null || group.suspended.has("InstanceRefresh")) return null;
  const [member] = listMembers(group, (one) => refresh.remaining.has(one.instanceId) && mayReplace(refresh, one));
  return member === undefined
    ? null
    : { member, cause: "an instance was taken out of service by an instance refresh." };
}

function mayReplace({ ofProtected, ofStandby }: Refresh, { state, isProtected }: Member): boolean {
  if (state === "Standby") return ofStandby === "Terminate";
  return state === "InService" && (!isProtected || ofProtected === "Refresh");
}

/** Protection delays it; `ClosestToNextInstanceHour` and alike play no part. */
function findOld({ group, nowMs }: Place): Replacement | null {
  if (group.lifetimeMs === 0 || group.suspended.has("Terminate")) return null;
  const [member] = listMembers(
    group,
    ({ state, isProtected, joinedAtMs }) =>
      state === "InService" && !isProtected && nowMs - joinedAtMs >= group.lifetimeMs,
  ).sort((one, other) => one.number - other.number);
  return member === undefined ? null : { member, cause: "an instance reached its maximum instance lifetime." };
}

/** Drops what is replaced or passed over, and ends a refresh that is done or has waited too long. */
export function stepRefresh({ group, nowMs }: Place): void {
  const refresh = runningRefresh(group);
  if (refresh === null) return;
  for (const id of refresh.remaining) {
    const member = group.members.get(id);
    if (member === undefined || isPassed(refresh, member)) refresh.remaining.delete(id);
  }
  if (refresh.remaining.size === 0) {
    endRefresh(group, refresh, "Successful", null, nowMs);
    return;
  }
  const isBlocked = [...refresh.remaining].every((id) => {
    const member = group.members.get(id);
    return member !== undefined && !mayReplace(refresh, member);
  });
  refresh.waitingSinceMs = isBlocked ? (refresh.waitingSinceMs ?? nowMs) : null;
  if (refresh.waitingSinceMs !== null && nowMs - refresh.waitingSinceMs >= WAIT_MS_MAX)
    endRefresh(group, refresh, "Failed", "Instances were protected from scale in or in Standby for too long.", nowMs);
}

function isPassed({ ofProtected, ofStandby }: Refresh, { state, isProtected }: Member): boolean {
  if (state === "Standby") return ofStandby === "Ignore";
  if (state === "InService") return isProtected && ofProtected === "Ignore";
  return true;
}

export function endRefresh(
  group: Group,
  refresh: Refresh,
  status: Refresh["status"],
  reason: string | null,
  nowMs: number,
): void {
  refresh.status = status;
  refresh.statusReason = reason;
  refresh.endedAtMs = nowMs;
  touch(group);
}

/** When a refresh gives up, or the next member is too old; null: neither will be. */
export function replacementDueMs({ group, nowMs }: Place): number | null {
  const waiting = runningRefresh(group)?.waitingSinceMs ?? null;
  const moments = waiting === null ? [] : [waiting + WAIT_MS_MAX];
  if (group.lifetimeMs > 0)
    for (const { joinedAtMs, state } of group.members.values())
      if (state === "InService") moments.push(joinedAtMs + group.lifetimeMs);
  const later = moments.filter((atMs) => atMs > nowMs);
  return later.length === 0 ? null : Math.min(...later);
}
