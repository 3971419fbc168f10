/**
 * Ends members, each by the call that fits where it is on the group's way, which is read right before. The desired
 * capacity is lowered by a member's end alone, once for each, and never below what the group counts: a number below the
 * members would end the next one that is not protected, whatever runs on it.
 */
import {
  CompleteLifecycleActionCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { ProviderError } from "../../domain/errors.ts";
import type { ProviderId } from "../../domain/ids.ts";
import type { MachinePermit } from "../../domain/permit.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Outcome } from "../aws/batch.ts";
import type { Owner } from "../aws/tags.ts";
import { endInstances, findStale } from "../aws/terminate.ts";
import type { AsgClients } from "./clients.ts";
import type { Desired } from "./desired.ts";
import { type GroupTrouble, readGroupFailure, toGroupError } from "./errors.ts";
import { countedOf, type GroupReading, type PlacedMember, readGroup, readMembers } from "./group.ts";
import type { Hook } from "./hooks.ts";
import type { Hooks } from "./known-hooks.ts";
import { endingOf, isCounted, waitsAt } from "./lifecycle.ts";
import type { Pace } from "./pace.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";

export interface LeaveContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly pace: Pace;
  readonly desired: Desired;
  readonly sights: Sights;
  /** Of the pool's other settings. */
  readonly otherGroups: ReadonlySet<string>;
  /** Instances, as `EndingContext` has them. */
  readonly refused: Set<ProviderId>;
}

/** One outcome for each permit, in their order: one that fails keeps no other from being asked for. */
export async function endMembers(
  context: LeaveContext,
  permits: readonly MachinePermit[],
): Promise<readonly Outcome<void>[]> {
  const reading = new Reading(context, permits);
  const tally = new Tally(context);
  const outcomes = new Map<MachinePermit, Outcome<void>>();
  const instances: MachinePermit[] = [];
  for (const permit of permits) {
    const read = await settled(reading.memberOf(permit));
    if ("error" in read) outcomes.set(permit, read);
    else if (read.value === undefined || endsAsInstance(read.value, context.settings)) instances.push(permit);
    else outcomes.set(permit, await settled(endMember(context, permit, read.value, { reading, tally })));
  }
  const ended = await endInstances({ ...context, clients: context.clients.ec2 }, "terminate", instances);
  for (const [index, permit] of instances.entries()) outcomes.set(permit, ended[index] ?? { value: undefined });
  return permits.map((permit) => outcomes.get(permit) ?? { value: undefined });
}

/** The members of a batch are ended one by one, in turns: what is older than this is not right before the last of them. */
const READING_AGE_MAX_MS = 2 * SECOND_MS;

/** Where the members of a batch are, read for all of them at once, and again where that took long. */
class Reading {
  readonly #context: LeaveContext;
  readonly #ids: readonly string[];
  #last: { readonly members: Promise<ReadonlyMap<string, PlacedMember>>; readonly untilMs: number } | null = null;

  constructor(context: LeaveContext, permits: readonly MachinePermit[]) {
    this.#context = context;
    this.#ids = permits.map(({ providerId }) => providerId);
  }

  /** One that failed is the answer for the rest: the next pass asks anew. */
  async memberOf({ providerId }: MachinePermit): Promise<PlacedMember | undefined> {
    const { clients, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    if (this.#last === null || nowMs >= this.#last.untilMs)
      this.#last = { members: readMembers(clients, this.#ids), untilMs: nowMs + READING_AGE_MAX_MS };
    const { members } = this.#last;
    const found = await members.catch((error: unknown) => {
      this.#last = { members, untilMs: Number.POSITIVE_INFINITY };
      throw error;
    });
    return found.get(providerId);
  }
}

/** What no group knows has left, and what waits in reserve takes no word of the group's: both end as instances do. */
function endsAsInstance({ group, lifecycle }: PlacedMember, settings: AsgSettings): boolean {
  return group === settings.group && endingOf(lifecycle) === "instance";
}

async function settled<Result>(work: Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { value: await work };
  } catch (error) {
    return { error };
  }
}

/** What is read for all the members of a batch. */
interface EndingBatch {
  readonly reading: Reading;
  readonly tally: Tally;
}

async function endMember(
  context: LeaveContext,
  permit: MachinePermit,
  member: PlacedMember,
  batch: EndingBatch,
): Promise<void> {
  if (member.group !== context.settings.group) return leaveToOthers(context, member);
  switch (endingOf(member.lifecycle)) {
    case "complete":
      return complete(context, permit, member);
    case "leave":
      return leaveInTurn(context, permit, batch);
    case "release":
      return leave(context, permit, member, false);
    case "under-way":
    case "instance":
      return;
    case "aside": {
      const why = `somebody has it in ${member.lifecycle}; it is ended once it is in service or in standby`;
      throw new ProviderError("provider-unavailable", `ending member ${member.id}: ${why}`);
    }
  }
}

/** Where another setting of the pool names the group, the provider of that is asked as well. Else nobody of ours may end it. */
function leaveToOthers({ otherGroups, settings }: LeaveContext, { id, group }: PlacedMember): void {
  if (otherGroups.has(group)) return;
  const found = `it was moved from group ${settings.group} to group ${group}, which no setting of the pool names`;
  throw new ProviderError(
    "provider-unavailable",
    `ending ${id}: ${found}; end it there, or detach it from that group, and it is ended as an instance`,
  );
}

/** The group waits for each of its hooks; one that does not wait for this member says so, which ends nothing. */
async function complete(context: LeaveContext, permit: MachinePermit, member: PlacedMember): Promise<void> {
  const { clients, settings, sights, clock, hooks } = context;
  const side = waitsAt(member.lifecycle) ?? "terminate";
  if (await completeHooks(context, permit, await hooks.of(side))) return;
  const now = (await readMembers(clients, [member.id])).get(member.id);
  if (now === undefined || waitsAt(now.lifecycle) !== side) return;
  sights.note(now, clock.nowMs());
  if (await completeHooks(context, permit, await hooks.again(side))) return;
  const attempted = `completing the end of member ${member.id} of group ${settings.group}`;
  throw new ProviderError(
    "provider-unavailable",
    `${attempted}: it waits, and none of the group's hooks says for what`,
  );
}

/** @returns whether any of them waited for it. */
async function completeHooks(context: LeaveContext, permit: MachinePermit, hooks: readonly Hook[]): Promise<boolean> {
  const { clients, settings } = context;
  let isHeard = false;
  for (const { name } of hooks) {
    const trouble = await call(context, permit, `completing hook ${name} for member ${permit.providerId}`, () =>
      clients.groups.write.send(
        new CompleteLifecycleActionCommand({
          AutoScalingGroupName: settings.group,
          LifecycleHookName: name,
          InstanceId: permit.providerId,
          LifecycleActionResult: "CONTINUE",
        }),
      ),
    );
    isHeard ||= trouble === null;
  }
  return isHeard;
}

/** What was read of it may have changed while it waited for its turn; then the next pass asks again. */
function leaveInTurn(context: LeaveContext, permit: MachinePermit, { reading, tally }: EndingBatch): Promise<void> {
  const { desired, settings } = context;
  return desired.inTurn(async () => {
    const member = await reading.memberOf(permit);
    if (member?.group === settings.group && endingOf(member.lifecycle) === "leave")
      return leave(context, permit, member, await tally.mayLower(member));
    const attempted = `ending member ${permit.providerId} of group ${settings.group}`;
    throw new ProviderError(
      "provider-unavailable",
      `${attempted}: it came to ${member?.lifecycle ?? "an end"} meanwhile`,
    );
  });
}

/** Where the minimum keeps the number from being lowered, the group starts another in its place. */
async function leave(
  context: LeaveContext,
  permit: MachinePermit,
  { id }: PlacedMember,
  lowers: boolean,
): Promise<void> {
  const { clients, desired, settings } = context;
  const attempted = `ending member ${id} of group ${settings.group}`;
  const ask = (ShouldDecrementDesiredCapacity: boolean) =>
    call(context, permit, attempted, () =>
      clients.groups.write.send(
        new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: id, ShouldDecrementDesiredCapacity }),
      ),
    );
  try {
    const trouble = await ask(lowers);
    if (trouble === "at-minimum") await ask(false);
    else if (lowers && trouble === null) desired.noteLowered(id);
  } catch (error) {
    if (lowers && mayBeDone(error)) desired.noteMaybeLowered(id);
    throw error;
  }
}

/** Nobody knows whether the group did what it was asked. */
function mayBeDone(error: unknown): boolean {
  const cause = error instanceof ProviderError ? error.cause : undefined;
  return cause !== undefined && readGroupFailure(cause).trouble === "unknown";
}

/** What such a refusal means the caller knows; any other is the caller's failure. */
const ANSWERS: ReadonlySet<GroupTrouble> = new Set(["no-action", "at-minimum", "no-member"]);

/** The permit is looked at right before the call: it is worth 30 s, and the call waited for its turn. */
async function call(
  { pace, clock }: LeaveContext,
  permit: MachinePermit,
  attempted: string,
  work: () => Promise<unknown>,
): Promise<GroupTrouble | null> {
  await pace.take(attempted);
  const stale = findStale(permit, clock.nowMs());
  if (stale !== null) throw stale;
  try {
    await work();
    return null;
  } catch (error) {
    const { trouble } = readGroupFailure(error);
    if (ANSWERS.has(trouble)) return trouble;
    throw toGroupError(error, attempted);
  }
}

/** How many the group counts and wants, for the endings of one batch: read once, and kept up to what was asked for since. */
class Tally {
  readonly #context: LeaveContext;
  #group: { desiredCount: number; countedCount: number; readonly minCount: number } | null = null;

  constructor(context: LeaveContext) {
    this.#context = context;
  }

  async mayLower({ id, lifecycle }: PlacedMember): Promise<boolean> {
    const { settings, desired } = this.#context;
    if (settings.scaling === "external" || !isCounted(lifecycle) || !desired.mayLowerFor(id)) return false;
    this.#group ??= tallyOf(await readGroup(this.#context.clients, settings.group));
    const { desiredCount, countedCount, minCount } = this.#group;
    const lowers = desiredCount > minCount && desiredCount >= countedCount;
    this.#group.countedCount -= 1;
    if (lowers) this.#group.desiredCount -= 1;
    return lowers;
  }
}

function tallyOf(group: GroupReading | null) {
  if (group === null) return { desiredCount: 0, countedCount: 0, minCount: 0 };
  return { desiredCount: group.desiredCount, countedCount: countedOf(group), minCount: group.minCount };
}
