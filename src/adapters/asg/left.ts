/**
 * A launch of a group that the pool has left, or that is another controller's by now. Nothing more is asked for: who comes
 * there now has nobody who would take it. What it was raised for before may still come, and is waited for: it is as much of
 * the launch as ever.
 *
 * Whom the group starts now may also be of whoever has it by now. So the launch takes who carries the pool's marks, and
 * without any those whom its own order explains: started since its draft, no more than it is for, and only while the group
 * has no higher number than the order may have set and is not said to be another's.
 */
import { ageMs } from "../../domain/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { describeByIds } from "../aws/describe.ts";
import { type Owner, readMarks, TAG } from "../aws/tags.ts";
import { findArrivals } from "./arrivals.ts";
import type { AsgClients } from "./clients.ts";
import type { Desired } from "./desired.ts";
import { countedOf, type GroupReading, isAnothersGroup } from "./group.ts";
import { GIVE_UP_AFTER_MS, type OpenLaunches } from "./open-launches.ts";
import type { Order } from "./order.ts";
import { isMarked, markMembers } from "./pool-marks.ts";
import type { AsgSettings } from "./settings.ts";

interface LeftContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly launches: OpenLaunches;
  readonly desired: Desired;
}

interface LeftLook {
  readonly arrived: readonly string[];
  /** They are all there, nobody is on the way, or nobody waits for the rest any more. */
  readonly isOver: boolean;
  readonly heldBack: string | null;
}

export async function lookAtLeft(context: LeftContext, group: GroupReading | null, order: Order): Promise<LeftLook> {
  const { clock, desired } = context;
  const isGivenUp = ageMs(order.draftedAtMs, clock.nowMs()) >= GIVE_UP_AFTER_MS;
  if (group === null) return { arrived: [], isOver: isGivenUp, heldBack: null };
  const { arrived, unshownCount } = await takeArrivals(context, group, order);
  // A reading may be from before what the process before this one set.
  const wantedMax = Math.max(group.desiredCount, desired.othersMax());
  const isNobodyOnTheWay = wantedMax <= countedOf(group) && unshownCount === 0;
  const isOver = isGivenUp || arrived.length >= order.count || isNobodyOnTheWay;
  return { arrived, isOver, heldBack: heldBackBy(context, group) };
}

/** Why nothing more is asked for; null where that is no news to anybody. */
function heldBackBy({ settings, owner }: LeftContext, group: GroupReading): string | null {
  if (!isAnothersGroup(group, owner)) return describeOwed(settings, group);
  return `it carries the tag of another controller: ${TAG.controller}=${group.controllerId}`;
}

/** Marks them as well: no listing of a group that was left shows who carries no mark of the pool. */
async function takeArrivals(
  context: LeftContext,
  group: GroupReading,
  order: Order,
): Promise<{ readonly arrived: readonly string[]; readonly unshownCount: number }> {
  const { clients, owner } = context;
  const came = await findArrivals(context, group, order);
  const instances = await describeByIds(clients.ec2, came);
  const shown = came.flatMap((id) => instances.get(id) ?? []);
  const idsOf = (some: typeof shown) => some.flatMap(({ InstanceId }) => InstanceId ?? []);
  const marked = idsOf(shown.filter((one) => isMarked(one, owner)));
  const isAsOrdered = Math.max(group.desiredCount, countedOf(group)) <= (order.target?.desiredMax ?? 0);
  const isExplained = isAsOrdered && !isAnothersGroup(group, owner);
  const unmarked = isExplained ? idsOf(shown.filter(({ Tags }) => readMarks(Tags).controllerId === null)) : [];
  const taken = unmarked.slice(0, Math.max(0, order.count - marked.length));
  await markMembers(clients, owner, taken);
  return { arrived: [...marked, ...taken], unshownCount: came.length - shown.length };
}

/**
 * What the group owes, and nobody will own. Only a person can say that nobody else wants it: a number below the members ends
 * one of them, and the end of one with decrement leaves the rest owing what they owed.
 * @returns null where it owes nothing that could be taken back.
 */
export function describeOwed({ region, group: name }: AsgSettings, group: GroupReading): string | null {
  const hasCount = countedOf(group);
  const target = Math.max(hasCount, group.minCount);
  if (group.desiredCount <= target) return null;
  const command = `aws autoscaling set-desired-capacity --region ${region} --auto-scaling-group-name ${name} --desired-capacity ${target}`;
  return `the pool has left it, and it is to have ${group.desiredCount} instances and has ${hasCount}: whom it starts once no launch waits for them is nobody's; unless somebody else sizes it, and while it has no more than ${target}, take that back with \`${command}\``;
}
