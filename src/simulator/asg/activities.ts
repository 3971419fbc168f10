/** The history of a group: what it did, and why. */
import { formatInstant } from "../../domain/instant.ts";
import { newUuid } from "./ids.ts";
import type { Place } from "./move.ts";
import type { Activity, Member } from "./state.ts";

const ACTIVITY_COUNT_MAX = 2_000;

export interface Begun {
  readonly description: string;
  readonly cause: string;
  readonly instanceId?: string;
}

export function beginActivity({ state, group, nowMs }: Place, { description, cause, instanceId }: Begun): Activity {
  const activity: Activity = {
    id: newUuid(state, "activity"),
    startedAtMs: nowMs,
    description,
    cause: `At ${formatInstant(nowMs)} ${cause}`,
    instanceId: instanceId ?? null,
    endedAtMs: null,
    statusCode: "InProgress",
    statusMessage: null,
  };
  group.activities.push(activity);
  if (group.activities.length > ACTIVITY_COUNT_MAX) group.activities.shift();
  return activity;
}

/** Of the member's activity, if one goes on. */
export function noteStatus({ group }: Place, { activityId }: Member, statusCode: string): void {
  const activity = group.activities.findLast(({ id }) => id === activityId);
  if (activity !== undefined && activity.endedAtMs === null) activity.statusCode = statusCode;
}

export function endActivity(place: Place, member: Member, statusCode: string, message: string | null = null): void {
  const activity = place.group.activities.findLast(({ id }) => id === member.activityId);
  member.activityId = null;
  if (activity !== undefined) closeActivity(activity, statusCode, message, place.nowMs);
}

export function closeActivity(activity: Activity, statusCode: string, message: string | null, nowMs: number): void {
  activity.endedAtMs = nowMs;
  activity.statusCode = statusCode;
  activity.statusMessage = message;
}
