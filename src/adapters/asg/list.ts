/**
 * Lists the members of the group: by the group's own word where each is on its way, by EC2's in what state it is. What EC2
 * shows terminated is gone, whatever the group says; what EC2 does not show, yet or any more, is not.
 *
 * A complete listing is three readings at once (further pages apart): the group, what EC2 has of it, and what carries our
 * marks: that may have been detached, and stays ours. One more is for a group with a warm pool, and one for members that
 * EC2 did not show.
 */
import type { Instance } from "@aws-sdk/client-ec2";
import { type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Batch, Outcome } from "../aws/batch.ts";
import { describeAll, describeBy, describeByIds } from "../aws/describe.ts";
import { demandInstanceId } from "../aws/instance-id.ts";
import { isAnothers, observeInstance } from "../aws/states.ts";
import { GROUP_TAG, type Owner } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import type { Ended } from "./ended.ts";
import { type Member, type PlacedMember, readAllMembers, readMembers } from "./group.ts";
import { isReserve } from "./lifecycle.ts";
import type { Newcomers, Sighted } from "./newcomers.ts";
import { observeLeft, observeMember, type View } from "./observe.ts";
import type { OpenLaunches } from "./open-launches.ts";
import { isMarked, markMembers } from "./pool-marks.ts";
import type { Protection } from "./protect.ts";
import type { RowMarks } from "./row-marks.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";

export interface ListContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly isObserving: boolean;
  readonly isLeft: boolean;
  readonly sights: Sights;
  readonly newcomers: Newcomers;
  readonly launches: OpenLaunches;
  /** Of the pool's other settings. */
  readonly otherGroups: ReadonlySet<string>;
  readonly rowMarks: RowMarks;
  readonly ended: Ended;
  readonly protection: Protection;
}

export async function listMachines(
  context: ListContext,
  reads: Batch<ProviderId, ObservedMachine>,
  which: "all" | readonly ProviderId[],
): Promise<readonly ObservedMachine[]> {
  if (which === "all") return listAll(context);
  return Promise.all(which.map((id) => reads.add(demandInstanceId(id))));
}

async function listAll(context: ListContext): Promise<readonly ObservedMachine[]> {
  const { clients, settings, owner, clock, sights, newcomers, launches } = context;
  const observedAtMs = clock.nowMs();
  const [{ group, members }, tagged, marked] = await Promise.all([
    readAllMembers(clients, settings.group),
    describeBy(clients.ec2, [{ Name: `tag:${GROUP_TAG}`, Values: [settings.group] }]),
    describeAll(clients.ec2, owner),
  ]);
  const found = new Map([...marked, ...tagged].map((one) => [one.InstanceId ?? "", one]));
  for (const [id, one] of await readUnshown(clients, members, found)) found.set(id, one);
  context.ended.note(found.values());
  const instances = ours(context, found);
  const shown = members.filter(({ id }) => instances.has(id) || !found.has(id));
  const placed = new Set(shown.map(({ id }) => id));
  sights.noteOwner(group);
  const isOurs = isGroupOurs(context);
  const present = shown.filter(({ id }) => isShownHere(context, isOurs, instances.get(id)));
  const left = [...instances.values()].filter(
    (one) => !placed.has(one.InstanceId ?? "") && isShownHere(context, isOurs, one),
  );
  sights.noteListing(group, present, observedAtMs);
  context.rowMarks.noteListing([...instances.values()]);
  // By AWS's clock, which every listing asks: two of ours may be of a clock that was set in between.
  const aheadMs = clients.aheadMs();
  const since = newcomers.note(observedAtMs + aheadMs, [
    ...present.map(({ id, lifecycle }) => sightedOf(context, id, instances.get(id), isReserve(lifecycle))),
    ...left.map((one) => sightedOf(context, one.InstanceId ?? "", one, null)),
  ]);
  await mark(
    context,
    present.flatMap(({ id }) => instances.get(id) ?? []),
  );
  if (isOurs && isSizedByUs(context)) await context.protection.protect(present);
  const view: View = {
    owner,
    observedAtMs,
    hasGroup: !sights.isGroupMissing(observedAtMs),
    launchOf: (id) => launches.launchOf(id),
    wasReserve: (id) => newcomers.wasReserve(id),
    hasEnded: (id) => context.ended.has(id),
    aheadMs,
  };
  const observed = [
    ...present.map((member) => observeMember(view, member, instances.get(member.id))),
    ...left.flatMap((one) => observeLeft(view, one)),
  ];
  return observed.map((one) => {
    const sinceMs = since.get(one.providerId);
    return { ...one, newcomerSinceMs: sinceMs === undefined ? null : sinceMs - aheadMs };
  });
}

/** Its name is the pool's, and it is not another controller's. */
function isGroupOurs({ isLeft, sights, owner }: ListContext): boolean {
  return !isLeft && !sights.isAnothers(owner);
}

function isSizedByUs({ settings, isObserving }: ListContext): boolean {
  return settings.scaling === "holdfast" && !isObserving;
}

/** Members that EC2's listing does not show, which lags more than a reading by ids: few, and only for a moment. */
function readUnshown(
  clients: AsgClients,
  members: readonly Member[],
  found: ReadonlyMap<string, Instance>,
): Promise<ReadonlyMap<string, Instance>> {
  return describeByIds(
    clients.ec2,
    members.map(({ id }) => id).filter((id) => !found.has(id)),
  );
}

/** Not another controller's, and not of another group, which another pool or a former setting of this one names. */
function ours({ owner, settings }: ListContext, found: ReadonlyMap<string, Instance>): ReadonlyMap<string, Instance> {
  return new Map(
    [...found].filter(([, one]) => !isAnothers(one, owner.controllerId) && !isOfAnotherGroup(one, settings.group)),
  );
}

/** Of a group that is not ours only those are ours without a row who were marked while it was. */
function isShownHere({ owner }: ListContext, isOurs: boolean, instance: Instance | undefined): boolean {
  return isOurs || (instance !== undefined && isMarked(instance, owner));
}

function isOfAnotherGroup(instance: Instance, group: string): boolean {
  const named = groupTagOf(instance);
  return named !== undefined && named !== group;
}

function groupTagOf({ Tags: tags }: Instance): string | undefined {
  return tags?.find(({ Key }) => Key === GROUP_TAG)?.Value;
}

/**
 * What somebody has put into a group that no setting of the pool names has left ours and is there all the same: it counts as
 * gone only once EC2 says so. Without our marks it may be another pool's, whose listing puts its own there: then it is ours
 * only where a row of ours knows it.
 */
function observeMoved(
  { settings, owner, otherGroups }: ListContext,
  member: PlacedMember | undefined,
  instance: Instance | undefined,
  observedAtMs: number,
): ObservedMachine | null {
  if (instance === undefined || isAnothers(instance, owner.controllerId)) return null;
  const group = member?.group ?? groupTagOf(instance);
  if (group === undefined || group === settings.group || otherGroups.has(group)) return null;
  const observed = observeInstance(instance, observedAtMs);
  const why = `it is in group ${group} now, which no setting of the pool names`;
  const own = isMarked(instance, owner) ? {} : { needsRow: true };
  return observed && { ...observed, machineId: null, launchId: null, pool: owner.pool, membership: null, why, ...own };
}

function sightedOf(
  { launches }: ListContext,
  id: string,
  instance: Instance | undefined,
  isReserve: boolean | null,
): Sighted {
  const isAwaited = launches.launchOf(id) !== null;
  return { id, launchedAtMs: instance?.LaunchTime?.getTime() ?? null, isReserve, isAwaited };
}

async function mark(context: ListContext, instances: readonly Instance[]): Promise<void> {
  const { clients, owner, isObserving } = context;
  const unmarked = instances.filter(
    (one) => !isMarked(one, owner) && !/^(?:terminated|shutting-down)$/.test(one.State?.Name ?? ""),
  );
  if (isObserving) return;
  await markMembers(
    clients,
    owner,
    unmarked.flatMap(({ InstanceId }) => InstanceId ?? []),
  );
}

/** The work of a batch of readings by id. */
export async function readByIds(
  context: ListContext,
  ids: readonly ProviderId[],
): Promise<readonly Outcome<ObservedMachine>[]> {
  const { clients, owner, clock, settings, sights, launches } = context;
  const observedAtMs = clock.nowMs();
  const unique = [...new Set(ids)];
  const [members, found] = await Promise.all([readMembers(clients, unique), describeByIds(clients.ec2, unique)]);
  context.ended.note(found.values());
  const instances = ours(context, found);
  const view: View = {
    owner,
    observedAtMs,
    hasGroup: !sights.isGroupMissing(observedAtMs),
    launchOf: (id) => launches.launchOf(id),
    wasReserve: (id) => context.newcomers.wasReserve(id),
    hasEnded: (id) => context.ended.has(id),
    aheadMs: clients.aheadMs(),
  };
  const isOurs = isGroupOurs(context);
  const unknown = {
    machineId: null,
    launchId: null,
    pool: null,
    state: "not-found",
    observedAtMs,
    membership: null,
  } as const;
  return ids.map((id) => {
    const providerId = parseProviderId(id);
    const instance = instances.get(id);
    const member = members.get(id);
    const moved = observeMoved(context, members.get(id), found.get(id), observedAtMs);
    if (moved !== null) return { value: moved };
    const own = isShownHere(context, isOurs, instance) ? {} : { needsRow: true };
    const isElsewhere = member !== undefined && member.group !== settings.group;
    const isForeign = instance === undefined && found.has(id);
    if (isElsewhere || isForeign) return { value: { providerId, ...unknown } };
    if (member !== undefined) {
      sights.note(member, observedAtMs);
      return { value: { ...observeMember(view, member, instance), ...own } };
    }
    const [left] = instance === undefined ? [] : observeLeft(view, instance);
    return { value: left === undefined ? { providerId, ...unknown } : { ...left, ...own } };
  });
}
