/**
 * What the group says that it does, and why it failed: its activities are the only place where that is told. They are read
 * seldom, because readings of them are throttled before others.
 */
import { type Activity, DescribeScalingActivitiesCommand } from "@aws-sdk/client-auto-scaling";
import type { AsgClients } from "./clients.ts";
import { toGroupError } from "./errors.ts";

/** By the API's reference. */
const PAGE_SIZE = 100;
/** The newest come first; what is further back is no news. */
const PAGES_MAX = 5;

/**
 * @param isEnough says when nothing further back is looked for.
 * @throws {ProviderError} `provider-unavailable`
 */
export async function readActivities(
  { groups }: AsgClients,
  group: string,
  isEnough: (found: readonly Activity[]) => boolean,
): Promise<readonly Activity[]> {
  const found: Activity[] = [];
  let next: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    try {
      const input = { AutoScalingGroupName: group, MaxRecords: PAGE_SIZE, NextToken: next };
      const answer = await groups.read.send(new DescribeScalingActivitiesCommand(input));
      found.push(...(answer.Activities ?? []));
      next = answer.NextToken;
    } catch (error) {
      throw toGroupError(error, `reading the scaling activities of group ${group}`);
    }
    if (next === undefined || isEnough(found)) break;
  }
  return found;
}

const INSTANCE_ID = /\bi-[0-9a-f]{8,17}\b/g;
/** An activity that is over holds nothing up. */
const OVER = /^(?:Successful|Failed|Cancelled)$/;

/** When the group began what it is still about, by instance; the newest where there are several. */
export function beginnings(activities: readonly Activity[]): ReadonlyMap<string, number> {
  const begun = new Map<string, number>();
  for (const { Description: description = "", StartTime: start, StatusCode: status = "" } of activities) {
    if (start === undefined || OVER.test(status)) continue;
    for (const [id] of description.matchAll(INSTANCE_ID)) {
      const known = begun.get(id);
      if (known === undefined || known < start.getTime()) begun.set(id, start.getTime());
    }
  }
  return begun;
}

const MESSAGE_LENGTH_MAX = 400;

/** Why the group's last try to launch failed since then; null: none did. */
export function lastFailure(activities: readonly Activity[], sinceMs: number): string | null {
  const failed = activities.filter(
    ({ StatusCode, StartTime, StatusMessage }) =>
      StatusCode === "Failed" &&
      StatusMessage !== undefined &&
      StartTime !== undefined &&
      StartTime.getTime() >= sinceMs,
  );
  const [last] = [...failed].sort((a, b) => (b.StartTime?.getTime() ?? 0) - (a.StartTime?.getTime() ?? 0));
  return last?.StatusMessage?.slice(0, MESSAGE_LENGTH_MAX) ?? null;
}
