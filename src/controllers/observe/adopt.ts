/** Machines of ours that the store does not know are adopted: presumed busy, and watched until their end like any other. */

import { adoptStray, adoptUnstarted, settingsThatShow, welcomeNewcomer } from "../../domain/adoption.ts";
import { ABSENT_FACT, ALARM_FACTS, SAID_GONE_FACT } from "../../domain/alarm-facts.ts";
import type { MachineId, ProviderId } from "../../domain/ids.ts";
import { type Machine, moveMachine } from "../../domain/machine.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { strayMachineId } from "../../domain/stray.ts";
import { ageMs } from "../../domain/time.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { listEvidence, recordEvidence } from "../../store/evidence/evidence.ts";
import { markRestored } from "../../store/facts.ts";
import { loadLaunch } from "../../store/launches/load.ts";
import { inLease } from "../../store/leases.ts";
import { loadMachine, loadMachines } from "../../store/machines/load.ts";
import { nameProviderIds } from "../../store/machines/names.ts";
import { savePresumed } from "../../store/machines/presume.ts";
import { insertMachine, saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject } from "../../store/subjects.ts";
import { insertTicket } from "../../store/tickets/save.ts";
import type { PoolContext } from "../context.ts";
import { tellRestored } from "../tell-restored.ts";

/** A listing may be older than the provider's word that the machine is gone; one that began so much later is not. */
const FOUND_AGAIN_MS = MINUTE_MS;

type Stray = ObservedMachine & { readonly machineId: MachineId };

/** So long a machine whose pool cannot be read is left to the pool that can: that one also knows its launch and its folder. */
const UNPLACED_MS = MINUTE_MS;

export interface Adoption {
  readonly adoptedCount: number;
  /** Whatever was listed has a row now. */
  readonly isWhole: boolean;
  /** Those that have one. */
  readonly known: readonly ProviderId[];
}

/**
 * @param listing complete. A machine whose pool cannot be read is shown by the provider of every pool: where none reads it
 *   for a minute, the first that sees it adopts it.
 */
export async function adoptStrays(context: PoolContext, listing: readonly ObservedMachine[]): Promise<Adoption> {
  // A pool that only observes may be a second look at machines that another store has the rows of.
  if (context.pool.mode === "observe") return { adoptedCount: 0, isWhole: true, known: [] };
  const lease = context.lease();
  if (lease === null) return { adoptedCount: 0, isWhole: false, known: [] };
  const { unplacedSinceMs } = context.memory;
  const shown = new Set(listing.map(({ machineId }) => machineId));
  for (const id of unplacedSinceMs.keys()) if (!shown.has(id)) unplacedSinceMs.delete(id);
  // Read here, after the listing, to spare the many that have a row a transaction; each of the others is read again inside.
  const rows = await loadMachines(
    context.store.db,
    listing.flatMap(({ machineId }) => machineId ?? []),
  );
  let adoptedCount = 0;
  let isWhole = true;
  const known: ProviderId[] = [];
  for (const observed of listing) {
    if (observed.machineId === null || observed.state === "gone" || observed.state === "not-found") continue;
    const stray: Stray = { ...observed, machineId: observed.machineId };
    const row = rows.get(stray.machineId) ?? null;
    if (row !== null && (!isUnaccounted(row, stray) || (await isRemainder(context, row, stray)))) {
      known.push(stray.providerId);
      continue;
    }
    if (isUncalledReserve(stray)) continue;
    if (row === null && isAnothersToPlace(context, stray)) {
      isWhole = false;
      continue;
    }
    const account = await inLease(context.store, lease, (tx) => accountFor(context, tx, stray));
    known.push(stray.providerId);
    if (account === "known") continue;
    adoptedCount += 1;
    if (account === "newcomer") continue;
    context.telemetry.count("holdfast_strays_adopted_total", { pool: context.pool.name });
    context.telemetry.warn("a machine of ours was adopted: the store did not know it", {
      machine: stray.machineId,
      pool: context.pool.name,
    });
  }
  return { adoptedCount, isWhole, known };
}

function isAnothersToPlace({ memory, clock }: PoolContext, { machineId, pool }: Stray): boolean {
  if (pool !== null) return false;
  const monotonicMs = clock.monotonicMs();
  const sinceMs = memory.unplacedSinceMs.get(machineId) ?? monotonicMs;
  memory.unplacedSinceMs.set(machineId, sinceMs);
  return monotonicMs - sinceMs < UNPLACED_MS;
}

/** What waits in a group's reserve is the group's alone until it is called into service. One that had a row was there. */
function isUncalledReserve({ membership, hadRow = false }: Stray): boolean {
  return membership?.place === "reserve" && membership.departure === "none" && !hadRow;
}

function isUnaccounted(row: Machine, stray: Stray): boolean {
  if (row.state.kind === "planned") return true;
  return row.state.kind === "gone" && ageMs(row.state.sinceMs, stray.observedAtMs) >= FOUND_AGAIN_MS;
}

/** Facts of a closed row, of which few come after the one that closed it. */
const FACTS_MAX = 100;

/**
 * A group whose hook waits lists for two days whom its provider has called gone, and what runs machines shows those for an
 * hour only: after that the row alone remembers it. One that is called gone only because its id was not known may be shown
 * by its group first, so it is adopted; so is one whose agent was heard since, or somebody in its name.
 */
async function isRemainder({ hearing, store }: PoolContext, { id, state }: Machine, stray: Stray): Promise<boolean> {
  if (stray.isByGroupAlone !== true || state.kind !== "gone" || state.providerId !== stray.providerId) return false;
  if (hearing.stirredAtMs(id) !== null) return false;
  const facts = (await listEvidence(store.db, machineSubject(id), FACTS_MAX)).map(({ fact }) => fact);
  return facts.find((fact) => fact === SAID_GONE_FACT || fact === ABSENT_FACT) === SAID_GONE_FACT;
}

/** `adopted`: it had no row, or one that called it gone. `newcomer`: it had none because its group has just started it. */
type Account = "known" | "adopted" | "newcomer";

async function accountFor(context: PoolContext, tx: Queryable, stray: Stray): Promise<Account> {
  const nowMs = context.clock.nowMs();
  const row = await loadMachine(tx, stray.machineId);
  if (row === null) {
    // Its launch was answered since the listing was named: it is that machine, and no second one.
    if ((await nameProviderIds(tx, [stray.providerId])).size > 0) return "known";
    const isNewcomer = isNew(stray, context.pool.deadlines.bootMs, nowMs);
    await (isNewcomer ? welcome : adopt)(context, tx, stray, nowMs);
    return isNewcomer ? "newcomer" : "adopted";
  }
  if (!isUnaccounted(row, stray)) return "known";
  if (row.state.kind === "planned") {
    await bindLost(tx, row, stray, nowMs);
    return "known";
  }
  const anew = unstartedAnew(context, row, stray);
  if (anew !== null) return adoptAnew(context, tx, row, anew);
  const why = "the provider shows it after it was called gone";
  await savePresumed(tx, foundAgain(context, row, stray), { origin: "adopted", why, nowMs });
  return "adopted";
}

/**
 * A name can come back: somebody applies a manifest again, or a creation lands after its launch was called refused. What
 * the provider calls otherwise than the machine that is gone, and what has never run, is another one, and holds no ticket
 * of that. Null: nobody can tell, because the provider does not say so, or somebody spoke in the name meanwhile.
 */
function unstartedAnew({ hearing }: PoolContext, { id, state }: Machine, stray: Stray): Stray | null {
  const machineId = strayMachineId(stray.providerId);
  const isOther = state.kind === "gone" && state.providerId !== stray.providerId;
  if (machineId === null || !isOther || stray.hasNeverRun !== true) return null;
  const isStirred = [id, machineId].some((one) => hearing.stirredAtMs(one) !== null);
  return isStirred ? null : { ...stray, machineId };
}

async function adoptAnew(context: PoolContext, tx: Queryable, gone: Machine, anew: Stray): Promise<Account> {
  if ((await nameProviderIds(tx, [anew.providerId])).size > 0) return "known";
  const nowMs = context.clock.nowMs();
  await adopt(context, tx, anew, nowMs);
  const fact = `the provider shows another machine under its name, which has never run: that is ${anew.machineId}`;
  await recordEvidence(tx, { subject: machineSubject(gone.id), source: "provider", fact, observedAtMs: nowMs });
  return "adopted";
}

/** One that is older than it takes to boot has had the time for a ticket of which nothing here would tell. */
function isNew({ newcomerSinceMs = null, hadRow = false }: Stray, bootMs: number, nowMs: number): boolean {
  return newcomerSinceMs !== null && nowMs - newcomerSinceMs < bootMs && !hadRow;
}

async function welcome(context: PoolContext, tx: Queryable, stray: Stray, nowMs: number): Promise<void> {
  const isStirred = context.hearing.stirredAtMs(stray.machineId) !== null;
  const machine = welcomeNewcomer(stray, context.pool, isStirred, nowMs);
  await insertMachine(tx, machine);
  const fact = `machine provisioning as ${stray.providerId}: its group started it`;
  await recordEvidence(tx, { subject: machineSubject(machine.id), source: "provider", fact, observedAtMs: nowMs });
}

/** One that was taken for never launched has no provider's id yet. */
function foundAgain({ pool }: PoolContext, row: Machine, stray: Stray): Machine {
  if (row.state.kind !== "gone") return row;
  const { providerId } = stray;
  return { ...row, state: { ...row.state, providerId }, foundBySettings: settingsThatShow(stray, pool) };
}

async function adopt(context: PoolContext, tx: Queryable, stray: Stray, nowMs: number): Promise<void> {
  const isUnstarted = stray.hasNeverRun === true && context.hearing.stirredAtMs(stray.machineId) === null;
  const { machine, standIn } = isUnstarted
    ? { machine: adoptUnstarted(stray, context.pool, nowMs), standIn: null }
    : adoptStray(stray, context.pool, nowMs);
  const sign = await signOfLater(tx, stray);
  if (sign !== null && (await markRestored(tx, context.store.generation, nowMs)))
    tellRestored(context.telemetry, `machine ${machine.id} ${sign}`);
  await insertMachine(tx, machine);
  if (standIn !== null) await insertTicket(tx, standIn);
  const fact = ALARM_FACTS["stray-adopted"];
  await recordEvidence(tx, { subject: machineSubject(machine.id), source: "provider", fact, observedAtMs: nowMs });
}

/** What shows that a later store than this knew it; null: nothing. */
async function signOfLater(tx: Queryable, { launchId, hadRow = false }: Stray): Promise<string | null> {
  if (hadRow) return "carries the mark of a row that the store does not know";
  if (launchId === null || (await loadLaunch(tx, launchId)) !== null) return null;
  return "is of a launch that the store does not know";
}

/** Its launch was answered and the answer is lost; while the launch is open it is repeated, and binds the machine itself. */
async function bindLost(tx: Queryable, row: Machine, stray: Stray, nowMs: number): Promise<void> {
  if ((await loadLaunch(tx, row.launchId))?.state === "open") return;
  const launched = moveMachine(row, { kind: "launched", providerId: stray.providerId }, nowMs);
  if (!(await saveMachine(tx, launched, row.version))) return;
  const fact = `machine provisioning as ${stray.providerId}: the answer to its launch is lost`;
  await recordEvidence(tx, { subject: machineSubject(row.id), source: "provider", fact, observedAtMs: nowMs });
  if (launched.origin === "launched") return;
  const why = "its launch was answered after the store was restored";
  await savePresumed(tx, launched, { origin: launched.origin, why, nowMs });
}
