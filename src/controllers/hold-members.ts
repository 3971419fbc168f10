/**
 * Makes a group wait for machines that it wants to end, for as long as they may run a job.
 *
 * What is held again and again is held no longer than until its hook's global limit; that it comes near is told once.
 */

import { HoldfastError, ProviderError } from "../domain/errors.ts";
import type { MachineId } from "../domain/ids.ts";
import { formatInstant } from "../domain/instant.ts";
import { isDeparting, isHeldByHook, isHoldEnding, isSamePlace, type Membership } from "../domain/membership.ts";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";
import type { Group, Hold } from "../ports/provider.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { machineSubject } from "../store/subjects.ts";
import type { HeldMember, PoolContext, UntoldFact } from "./context.ts";
import { awaitAtMost } from "./hold-members/await-at-most.ts";
import { forgetDenials, isDeniedLately, rememberDenial, UNSHOWN_AGAIN_MS } from "./hold-members/denials.ts";
import { findToHold } from "./hold-members/find-to-hold.ts";
import { askAlone, type HeldUpMember, isListingFresh, listHeldUp } from "./hold-members/held-up.ts";
import { gaugePool } from "./pool-gauge.ts";

export const HOLD_MEMBERS_PERIOD_MS = 5 * SECOND_MS;
/** Four tries before the group would go on. */
const HOLDS_PER_TIMEOUT = 4;
/** A limit that is earlier by less is the one that was told. */
const TOLD_WITHIN_MS = MINUTE_MS;
/** Facts of one machine that wait for the store to take them. */
const UNTOLD_MAX = 4;
/** A reading takes less; the least time between two heartbeats of a hook is 7.5 s. */
export const READING_WAIT_MS = 2 * SECOND_MS;
/** So does a member's hold. One that hangs goes on by itself, and keeps its place among the calls at a time no longer. */
export const HOLD_WAIT_MS = 5 * SECOND_MS;
/** Calls at a time: a group that ends all its machines at once must not use up the rate for the calls that end them. */
const CONCURRENT_HOLDS_MAX = 10;

export async function holdMembers(context: PoolContext): Promise<void> {
  const group = context.abilities?.group ?? null;
  if (group === null || context.lease() === null) return;
  const { clock } = context;
  const asking = askAlone(context, group);
  let hooksComing: Promise<string> | null = null;
  // Both readings end by the limits of their calls: until then all that is known is held again and again, as it becomes due.
  for (let isRead = false; !isRead && context.lease() !== null; ) {
    const asked = await awaitAtMost(clock, READING_WAIT_MS, asking);
    const wanted = await findToHold(context, listHeldUp(context, asked ?? []));
    if (wanted.length > 0) hooksComing ??= group.readHookEdition();
    const hookEdition = hooksComing === null ? null : await awaitAtMost(clock, READING_WAIT_MS, hooksComing);
    await holdWanted(context, { group, hookEdition }, wanted);
    isRead = asked !== null && (hooksComing === null || hookEdition !== null);
  }
}

async function holdWanted(context: PoolContext, by: AskedGroup, wanted: readonly HeldUpMember[]): Promise<void> {
  // What an old listing shows back in service may have left it since.
  if (isListingFresh(context)) forgetReturned(context, new Set(wanted.map(({ machineId }) => machineId)));
  forgetDenials(context, wanted);
  const { holds } = context.memory;
  await holdDue(context, by, wanted);
  const held = wanted.flatMap(({ machineId }) => {
    const member = holds.get(machineId);
    return member === undefined ? [] : [{ machineId, member }];
  });
  tellEnding(context, held);
  gaugeHolds(context, held);
  await noteHolds(context);
}

async function holdDue(context: PoolContext, by: AskedGroup, wanted: readonly HeldUpMember[]): Promise<void> {
  const { holds } = context.memory;
  const due = wanted.filter((one) => isDue(context, one, holds.get(one.machineId), by.hookEdition));
  const queue = due.toSorted(
    (one, other) => Number(isDeparting(other.membership)) - Number(isDeparting(one.membership)),
  );
  const workers = Array.from({ length: Math.min(CONCURRENT_HOLDS_MAX, queue.length) }, async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift())
      await awaitAtMost(context.clock, HOLD_WAIT_MS, holdAlone(context, by, one));
  });
  await Promise.all(workers);
}

/**
 * Of what its group let go, how long it was held is known until it is gone: that tells what its end was. One that is still
 * to be held is not back because a reading says so.
 */
function forgetReturned({ memory }: PoolContext, wanted: ReadonlySet<MachineId>): void {
  for (const id of memory.holds.keys()) {
    if (wanted.has(id)) continue;
    const observed = memory.observed.get(id);
    const isAlive = observed?.state === "starting" || observed?.state === "running" || observed?.state === "stopped";
    const isOnItsWay = isHeldByHook(observed?.membership) || observed?.membership?.departure === "under-way";
    if (observed === undefined || (isAlive && !isOnItsWay)) memory.holds.delete(id);
  }
}

/** One that may run a job, and that its group waits for. */
interface Held {
  readonly machineId: MachineId;
  readonly member: HeldMember;
}

/**
 * What waits somewhere else by now waits for another hook, which may give up sooner; and so may one that somebody changed,
 * if what it says now counts for those that wait already.
 */
function isDue(
  context: PoolContext,
  wanted: HeldUpMember,
  held: HeldMember | undefined,
  hookEdition: string | null,
): boolean {
  if (isDeniedLately(context, wanted) || context.memory.holdsUnderWay.has(wanted.machineId)) return false;
  if (held === undefined || !isSamePlace(wanted.membership, held.membership)) return true;
  if (hookEdition !== null && held.hookEdition !== hookEdition) return true;
  const intervalMs = held.hold.forMs / HOLDS_PER_TIMEOUT;
  const { clock } = context;
  return clock.monotonicMs() - held.heldAtMs >= (wanted.isShown ? intervalMs : Math.min(intervalMs, UNSHOWN_AGAIN_MS));
}

/** The group, and what it waited by when the pass began; null: nobody waits, or its hooks cannot be read just now. */
interface AskedGroup {
  readonly group: Group;
  readonly hookEdition: string | null;
}

/** One call of a member at a time. */
async function holdAlone(context: PoolContext, by: AskedGroup, wanted: HeldUpMember): Promise<void> {
  const { holdsUnderWay } = context.memory;
  holdsUnderWay.add(wanted.machineId);
  try {
    await holdOne(context, by, wanted);
  } finally {
    holdsUnderWay.delete(wanted.machineId);
  }
}

async function holdOne(context: PoolContext, { group, hookEdition }: AskedGroup, wanted: HeldUpMember): Promise<void> {
  const { machineId, providerId, membership } = wanted;
  const { memory, clock, telemetry, pool, wake } = context;
  const heldAtMs = clock.monotonicMs();
  try {
    const now = await group.hold(providerId, memory.holds.get(machineId)?.membership);
    const last = memory.holds.get(machineId);
    if (now === null) {
      noteDenied(context, wanted);
      // The next listing tells whether it is gone, or what else became of it.
      return wake.controller("observe", pool.name);
    }
    const isNew = last === undefined || !isSamePlace(membership, last.membership);
    const hold = isNew ? now : ofOneWait(last.hold, now);
    // Since when it waits may be known only later: what was told then is put right.
    const isNews = isNew || hold.untilMs < last.hold.untilMs - TOLD_WITHIN_MS;
    const untold = [...(last?.untold ?? []), ...(isNews ? [heldFact(context, membership, hold)] : [])];
    memory.holds.set(machineId, {
      providerId,
      hold,
      heldAtMs,
      hookEdition: hookEdition ?? last?.hookEdition ?? null,
      membership,
      isTold: !isNew && last.isTold,
      deniedCount: 0,
      untold: untold.slice(-UNTOLD_MAX),
    });
    memory.denials.delete(machineId);
    telemetry.count("holdfast_holds_total", { pool: pool.name, outcome: "held" });
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    telemetry.count("holdfast_holds_total", { pool: pool.name, outcome: error.code });
    telemetry.error("a group was not made to wait for a machine; it is tried again", error, {
      pool: pool.name,
      machine: machineId,
    });
  }
}

/** The limit of one wait does not go later: who does not see it any more, by an old reading, counts it from now on. */
function ofOneWait(last: Hold, now: Hold): Hold {
  return { ...now, sinceMs: Math.min(last.sinceMs, now.sinceMs), untilMs: Math.min(last.untilMs, now.untilMs) };
}

/** Nothing waits for it. What its group does not want to end nothing will end. */
function noteDenied(context: PoolContext, wanted: HeldUpMember): void {
  const { memory } = context;
  const { machineId, membership } = wanted;
  rememberDenial(context, wanted);
  const last = memory.holds.get(machineId);
  if (last === undefined) return;
  if (!isDeparting(membership) && !isDeparting(last.membership)) memory.holds.delete(machineId);
  else memory.holds.set(machineId, { ...last, deniedCount: last.deniedCount + 1 });
}

function heldFact({ clock }: PoolContext, membership: Membership, { untilMs }: Hold): UntoldFact {
  const what = isDeparting(membership) ? "wants to end it and is made to wait" : "is made to wait for it";
  const fact = `its group ${what}, until ${formatInstant(untilMs)} at the latest`;
  return { fact, observedAtMs: clock.nowMs() };
}

/** Nobody can put the limit off: whoever runs the job has the rest of the time to do something about it. */
function tellEnding({ memory, clock, telemetry, pool }: PoolContext, held: readonly Held[]): void {
  for (const { machineId, member } of held) {
    if (member.isTold || !isHoldEnding(member.hold, clock.nowMs())) continue;
    const limit = formatInstant(member.hold.untilMs);
    const fact = `its group goes on at ${limit}, whatever runs there: the hook's global limit`;
    const untold = [...member.untold, { fact, observedAtMs: clock.nowMs() }].slice(-UNTOLD_MAX);
    memory.holds.set(machineId, { ...member, isTold: true, untold });
    telemetry.warn("a group will end a machine that may run a job: its hook can be held no longer than its limit", {
      pool: pool.name,
      machine: machineId,
      limit,
    });
  }
}

function gaugeHolds(context: PoolContext, held: readonly Held[]): void {
  const { clock, pool } = context;
  const ending = held.filter(({ member }) => isHoldEnding(member.hold, clock.nowMs()));
  gaugePool(context, "holdfast_members_held", held.length, { pool: pool.name });
  gaugePool(context, "holdfast_members_held_near_limit", ending.length, { pool: pool.name });
}

/** Last of all: a store that takes nothing keeps nobody from being held, and what it did not take a later pass notes. */
async function noteHolds({ store, memory, telemetry, pool }: PoolContext): Promise<void> {
  const { holds } = memory;
  try {
    for (const [machineId, { untold }] of holds)
      for (const [index, said] of untold.entries()) {
        const subject = machineSubject(machineId);
        await recordEvidence(store.db, { subject, source: "provider", ...said });
        const member = holds.get(machineId);
        if (member !== undefined) holds.set(machineId, { ...member, untold: untold.slice(index + 1) });
      }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== "store-unavailable") throw error;
    telemetry.error("the store takes no note of what a group is made to wait for; it is tried again", error, {
      pool: pool.name,
    });
  }
}
