/**
 * Has the group start machines. The group takes no token, so a repeat looks first: what came since the draft counts, what
 * the group is about to bring counts, and only what is still missing is wished for. That makes every repeat the same,
 * whether the call before was made, lost or never heard.
 *
 * The desired capacity is raised and never lowered here: a number below the members would end the next one that is not
 * protected, whatever runs on it.
 */
import { SetDesiredCapacityCommand } from "@aws-sdk/client-auto-scaling";
import { ProviderError } from "../../domain/errors.ts";
import { type LaunchId, parseProviderId } from "../../domain/ids.ts";
import { ageMs } from "../../domain/time.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LaunchedMachine, LaunchRequest, LaunchTenure } from "../../ports/provider.ts";
import type { Owner } from "../aws/tags.ts";
import { lastFailure, readActivities } from "./activities.ts";
import { findArrivals } from "./arrivals.ts";
import type { AsgClients } from "./clients.ts";
import type { Desired } from "./desired.ts";
import { readGroupFailure, toGroupError } from "./errors.ts";
import { countedOf, type GroupReading, isAnothersGroup, readGroup } from "./group.ts";
import { lookAtLeft } from "./left.ts";
import { ABANDONED_AFTER_MS, GIVE_UP_AFTER_MS, type OpenLaunches } from "./open-launches.ts";
import type { Order } from "./order.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";

const LOOK_EVERY_MS = 5 * SECOND_MS;
/** A call is answered by then, or never: nobody else may hold the pool before. */
const RAISE_MAX_MS = 15 * SECOND_MS;
/** Of one attempt: other launches of other pools wait no longer for it than for a fleet of EC2. */
const LOOKS_MAX = 10;
const ATTEMPT_MAX_MS = 50 * SECOND_MS;

export interface LaunchContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly launches: OpenLaunches;
  readonly desired: Desired;
  readonly tenure: LaunchTenure;
  readonly sights: Sights;
  /** No pool names the group any more: nothing is asked of it. */
  readonly isLeft: boolean;
  /** `machines.max`. */
  readonly machineCountMax: number;
  /** What keeps the group from launching, in its own words; null: nothing that we know. */
  noteObstacle(obstacle: string | null): void;
}

export async function carryOut(
  context: LaunchContext,
  order: Order,
  request: LaunchRequest,
): Promise<readonly LaunchedMachine[]> {
  const { launches, clock } = context;
  const { launchId } = request;
  const answered = launches.answerOf(launchId);
  if (answered !== null) return answered;
  const other = launches.otherThan(launchId, clock.nowMs());
  if (other !== null) {
    const attempted = `launching ${order.count} machines: the group is still about launch ${other}`;
    throw new ProviderError("provider-unavailable", attempted);
  }
  launches.open(launchId, order);
  const arrived = await awaitArrivals(context, order, request).catch((error: unknown) => {
    if (error instanceof ProviderError && error.code !== "provider-unavailable") launches.refuse(launchId);
    throw error;
  });
  const launched = bind(order, request, arrived);
  launches.answer(launchId, launched);
  return launched;
}

/**
 * @returns fewer than were ordered where the group itself says why it started no more.
 * @throws {ProviderError} `provider-unavailable` where they are not there yet.
 */
async function awaitArrivals(
  context: LaunchContext,
  order: Order,
  { launchId }: LaunchRequest,
): Promise<readonly string[]> {
  const { clock, settings } = context;
  // Its store is a backup of what was, or nobody asked for long: whoever came since may have had a row, and a ticket.
  if (ageMs(order.draftedAtMs, clock.nowMs()) >= ABANDONED_AFTER_MS) return [];
  const untilMonotonicMs = clock.monotonicMs() + ATTEMPT_MAX_MS;
  let arrived: readonly string[] = [];
  let heldBack: string | null = null;
  for (let look = 0; look < LOOKS_MAX && clock.monotonicMs() < untilMonotonicMs; look += 1) {
    if (look > 0) await clock.sleep(LOOK_EVERY_MS);
    const found = await context.desired.inTurn(() => lookAndRaise(context, order, launchId));
    ({ arrived, heldBack } = found);
    if (found.isOver) {
      context.noteObstacle(arrived.length >= order.count ? null : await obstacleOf(context, order));
      return arrived;
    }
  }
  const obstacle = await obstacleOf(context, order);
  context.noteObstacle(obstacle);
  // Jobs wait for those that are there. The group goes on trying: who comes later is a newcomer, or the next launch's. Where
  // it was left there are neither, and nobody would take them.
  if (obstacle !== null && arrived.length > 0 && !context.isLeft) return arrived;
  const whys = [obstacle, heldBack].flatMap((why) => why ?? []);
  const said = whys.length === 0 ? "" : `: ${whys.join("; ")}`;
  const found = `${arrived.length} of ${order.count} machines have come${said}`;
  throw new ProviderError("provider-unavailable", `waiting for group ${settings.group} to launch: ${found}`);
}

interface Look {
  readonly arrived: readonly string[];
  /** They are all there, nobody waits for the rest any more, or nothing more may be asked for. */
  readonly isOver: boolean;
  /** Why the group was not asked for what is missing; null where it was, or nothing is. */
  readonly heldBack: string | null;
}

async function lookAndRaise(context: LaunchContext, order: Order, launchId: LaunchId): Promise<Look> {
  const { clients, settings, clock } = context;
  const group = await readGroup(clients, settings.group);
  if (context.isLeft || isAnothersGroup(group, context.owner)) {
    if (group !== null) context.sights.noteGroup(group);
    return lookAtLeft(context, group, order);
  }
  const arrived = group === null ? [] : await findArrivals(context, group, order);
  const isDone = arrived.length >= order.count || ageMs(order.draftedAtMs, clock.nowMs()) >= GIVE_UP_AFTER_MS;
  if (group === null || isDone) return { arrived, isOver: isDone, heldBack: null };
  const wanted = wantedFor(context, group, order, arrived.length);
  if (isAllThatMayCome(context, group, wanted)) return { arrived, isOver: true, heldBack: null };
  return { arrived, isOver: false, heldBack: await raise(context, group, wanted, launchId) };
}

/**
 * What the group is to have with the rest of an order. What it lacks of its own number is on its way, or is the shortfall that
 * somebody left who lowered the number while the members were protected: both are in it.
 *
 * Never more than the order said before anything was asked for: members may come that are no answer to it, because a process
 * before this one gave them rows, or because they are somebody else's; for them nothing is asked for a second time.
 */
function wantedFor(
  { machineCountMax }: LaunchContext,
  group: GroupReading,
  { count, target }: Order,
  arrivedCount: number,
): number {
  const limit = Math.min(machineCountMax, target?.desiredMax ?? machineCountMax);
  return Math.min(countedOf(group) + count - arrivedCount, limit);
}

/** Nobody is on the way, and nothing more may be asked for. */
function isAllThatMayCome({ desired }: LaunchContext, group: GroupReading, wanted: number): boolean {
  const knownCount = desired.atLeast(group.desiredCount);
  return wanted <= knownCount && knownCount <= countedOf(group);
}

/** @returns why it was not asked for; null where it was, or is on its way. */
async function raise(
  { clients, settings, desired, launches, tenure }: LaunchContext,
  { desiredCount, maxCount }: GroupReading,
  wantedCount: number,
  launchId: LaunchId,
): Promise<string | null> {
  const wanted = Math.min(desired.atLeast(wantedCount), maxCount);
  if (wantedCount <= desiredCount || wanted <= desiredCount) return null;
  // Then it is a later reading that is raised: this one may be from before what we or another process set.
  const knownMax = desired.atLeast(desired.othersMax());
  if (wanted < knownMax)
    return `the group shows ${desiredCount} of at most ${maxCount}, and another process may have set ${knownMax} a moment ago`;
  const attempted = `raising the desired capacity of group ${settings.group} to ${wanted} for launch ${launchId}`;
  if (tenure.leftMs() < RAISE_MAX_MS)
    throw new ProviderError("provider-unavailable", `${attempted}: another process may hold the pool by now`);
  const input = { AutoScalingGroupName: settings.group, DesiredCapacity: wanted, HonorCooldown: false };
  try {
    await clients.groups.write.send(new SetDesiredCapacityCommand(input));
    launches.noteAsked(launchId);
    desired.noteRaised(wanted);
  } catch (error) {
    const { trouble } = readGroupFailure(error);
    // What is called refused may have been done; what AWS found wrong with the call itself was not.
    if (trouble !== "denied" && trouble !== "validation") {
      launches.noteAsked(launchId);
      desired.noteRaised(wanted);
    }
    const isRefused = trouble === "denied" && !launches.mayBeAsked(launchId);
    throw toGroupError(error, attempted, isRefused ? "provider-invalid" : "provider-unavailable");
  }
  return null;
}

async function obstacleOf({ clients, settings }: LaunchContext, { draftedAtMs }: Order): Promise<string | null> {
  try {
    const activities = await readActivities(clients, settings.group, () => true);
    return lastFailure(activities, draftedAtMs + clients.aheadMs());
  } catch {
    // Why it takes so long is worth telling, and not worth failing for.
    return null;
  }
}

/** In the order of their ids, which is the same in every repeat. */
function bind({ count }: Order, { machines }: LaunchRequest, arrived: readonly string[]): readonly LaunchedMachine[] {
  const ids = [...arrived].sort();
  return machines.slice(0, count).flatMap(({ machineId }, index) => {
    const id = ids[index];
    return id === undefined ? [] : [{ machineId, providerId: parseProviderId(id) }];
  });
}
