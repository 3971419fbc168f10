/**
 * The provider's listing becomes the last word about each machine, and what it shows that the store does not know is
 * adopted. A listing that fails changes nothing; of one that is not whole what it shows counts, and no absence.
 *
 * The rows that should be in the listing are read before it, and whether a machine has a row after it: whatever a listing
 * shows had its row before it existed, so only what a later reading does not know has none.
 */
import { ProviderError } from "../domain/errors.ts";
import type { MachineId, ProviderId } from "../domain/ids.ts";
import { type Machine, providerIdOf } from "../domain/machine.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import { PartialListing } from "../domain/partial-listing.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { listMachinesOfPool } from "../store/machines/list.ts";
import { poolSubject } from "../store/subjects.ts";
import type { PoolContext } from "./context.ts";
import { concludeAbsence } from "./observe/absence.ts";
import { adoptStrays } from "./observe/adopt.ts";
import { findMissingPlace } from "./observe/missing-place.ts";
import { nameMachines } from "./observe/names.ts";
import { addUnnoted, noteSights, rememberSights } from "./observe/note-sights.ts";
import { concludeStop } from "./observe/stopped.ts";
import { findUnmarked } from "./observe/unmarked.ts";

const MACHINES_MAX = 20_000;

export async function observe(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const missing = await findMissingPlace(context);
  if (missing !== null) return noteTrouble(context, missing);
  const options = { includeGone: false, limitCount: MACHINES_MAX };
  const rows = await listMachinesOfPool(context.store.db, context.pool.name, options);
  const look = await lookAtProvider(context, rows);
  // Where the pool was lost meanwhile, and perhaps taken again, it shows what was before that.
  if (context.lease()?.epoch !== lease.epoch) return;
  noteListing(context, look);
  if (look === null) return;
  if (look.trouble === null) forgetUnshown(context, look);
  const { deadCount, movedCount } = rememberSights(context, [...look.listing, ...look.byId]);
  tellUnlisted(context, look.byId);
  // Before anything is noted: the store may take no note, and a hook does not wait for it.
  if (movedCount > 0) context.wake.controller("hold-members", context.pool.name);
  if (look.trouble !== null) await noteTrouble(context, look.trouble);
  await noteSights(context);
  const unmarked = await findUnmarked(context, look.listing);
  const { adoptedCount, isWhole, known } = await adoptStrays(context, [...look.listing, ...unmarked]);
  if (isWhole) noteFleetListed(context, look);
  if (movedCount > 0) wakeForMoves(context);
  if (deadCount + adoptedCount + movedCount > 0) context.wake.controller("retire", context.pool.name);
  await context.abilities?.group?.noteRows(known);
}

/** What came into service may take tickets now. */
function wakeForMoves({ wake, pool }: PoolContext): void {
  wake.controller("attend", pool.name);
  wake.controller("assign", pool.name);
}

/** Machines may be launched from now on: jobs that came before this wait for it. */
function noteFleetListed({ memory, wake, pool }: PoolContext, look: ProviderLook): void {
  // A place that was listed once stays so.
  const { unlistedSettings } = memory;
  const isUnlisted = (hash: string) => !memory.isFleetListed || unlistedSettings.has(hash);
  const unlisted = new Set(look.unlistedSettings.filter(isUnlisted));
  if (memory.isFleetListed || look.isCurrentListed) memory.unlistedSettings = unlisted;
  if (memory.isFleetListed || !look.isCurrentListed) return;
  memory.isFleetListed = true;
  wake.controller("assign", pool.name);
}

interface ProviderLook {
  readonly listing: readonly ObservedMachine[];
  /** What the provider says by id of machines that should be listed and are not: their absence alone says nothing. */
  readonly byId: readonly ObservedMachine[];
  /** The listing shows all that is where the settings of today put machines. */
  readonly isCurrentListed: boolean;
  /** Hashes of the settings of which it does not. */
  readonly unlistedSettings: readonly string[];
  /** Null where the listing shows all that there is, and all ids that were asked for have their answer. */
  readonly trouble: ProviderError | null;
}

async function lookAtProvider(context: PoolContext, rows: readonly Machine[]): Promise<ProviderLook | null> {
  try {
    const rowById = new Map(rows.map((machine) => [machine.id, machine]));
    const all = await listPart(context, "all");
    const shown = await nameMachines(context, all.shown, rowById);
    const conclude = (one: ObservedMachine) =>
      concludeStop(context, one, (one.machineId === null ? undefined : rowById.get(one.machineId)) ?? null);
    const listing = shown.map(conclude);
    const listed = new Set(listing.map((observed) => observed.machineId));
    const unlisted = new Map<ProviderId, MachineId>();
    for (const machine of rows) {
      const providerId = providerIdOf(machine);
      if (providerId !== null && !listed.has(machine.id)) unlisted.set(providerId, machine.id);
    }
    const present = new Set(rows.map((machine) => machine.id));
    const { notFound, stoppedSinceMs } = context.memory;
    for (const id of notFound.keys()) if (listed.has(id) || !present.has(id)) notFound.delete(id);
    for (const id of stoppedSinceMs.keys()) if (!present.has(id)) stoppedSinceMs.delete(id);
    const byId = unlisted.size === 0 ? NOTHING : await listPart(context, [...unlisted.keys()]);
    const trouble = all.trouble ?? byId.trouble;
    return {
      trouble,
      listing,
      isCurrentListed: all.isCurrentWhole,
      unlistedSettings: all.trouble?.unlistedSettings ?? [],
      byId: byId.shown.map((one) => {
        const named = { ...one, machineId: unlisted.get(one.providerId) ?? null };
        return conclude(concludeAbsence(context, named));
      }),
    };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    await noteTrouble(context, error);
    return null;
  }
}

interface Part {
  readonly shown: readonly ObservedMachine[];
  readonly isCurrentWhole: boolean;
  /** Null where it is whole. */
  readonly trouble: PartialListing | null;
}

const NOTHING: Part = { shown: [], isCurrentWhole: true, trouble: null };

async function listPart({ provider }: PoolContext, which: "all" | readonly ProviderId[]): Promise<Part> {
  try {
    return { shown: await provider.list(which), isCurrentWhole: true, trouble: null };
  } catch (error) {
    if (!(error instanceof PartialListing)) throw error;
    const { shown, isCurrentWhole } = error;
    return { shown, isCurrentWhole, trouble: error };
  }
}

/**
 * In the log and, with the place that could not be read, where people look at the pool. The guards know of it first: the store
 * may take no note.
 */
async function noteTrouble(context: PoolContext, error: ProviderError): Promise<void> {
  const { telemetry, pool, store, clock } = context;
  noteListing(context, null);
  const missing = error instanceof PartialListing ? "from what it does not show" : "from it";
  telemetry.error(`the provider's listing failed; nothing is concluded ${missing}`, error, { pool: pool.name });
  const fact = `its machines could not all be listed: ${error.message}`;
  const observedAtMs = clock.nowMs();
  await recordEvidence(store.db, { subject: poolSubject(pool.name), source: "provider", fact, observedAtMs });
}

/** Before what it shows is remembered: the guards ask since when it has shown the same. */
function noteListing({ memory, clock }: PoolContext, look: ProviderLook | null): void {
  const { guards, observed } = memory;
  if (look === null || look.trouble !== null) {
    guards.listing = { ...guards.listing, isWhole: false, steadySinceMs: null };
    return;
  }
  const isSame = [...look.listing, ...look.byId].every(
    ({ machineId, state }) => machineId === null || observed.get(machineId)?.state === state,
  );
  const steadySinceMs = isSame ? (guards.listing.steadySinceMs ?? clock.nowMs()) : clock.nowMs();
  guards.listing = { isWhole: true, listedCount: look.listing.length, steadySinceMs, wholeAtMs: clock.nowMs() };
}

/** What is neither shown nor has a row that it was asked for by id ended while another process held the pool. */
function forgetUnshown({ memory }: PoolContext, { listing, byId }: ProviderLook): void {
  const shown = new Set([...listing, ...byId].map(({ machineId }) => machineId));
  for (const id of memory.observed.keys()) if (!shown.has(id)) memory.observed.delete(id);
}

/** There, and not listed: without its marks, or in a place of others, a machine is still ours, and somebody has to act. */
function tellUnlisted(context: PoolContext, byId: readonly ObservedMachine[]): void {
  const { memory, telemetry, pool, clock } = context;
  const unmarked = byId.filter(({ state }) => state === "starting" || state === "running");
  const whys = new Map(unmarked.flatMap(({ machineId, why }) => (machineId === null ? [] : [[machineId, why]])));
  for (const id of memory.unlisted) if (!whys.has(id)) memory.unlisted.delete(id);
  for (const [id, why] of whys) {
    if (memory.unlisted.has(id)) continue;
    memory.unlisted.add(id);
    const fact = `the provider has it by its id and does not list it: ${why ?? "its marks are lost"}, and it is still ours`;
    telemetry.warn(fact, { machine: id, pool: pool.name });
    telemetry.count("holdfast_machines_unlisted_total", { pool: pool.name });
    addUnnoted(context, id, fact, clock.nowMs());
  }
}
