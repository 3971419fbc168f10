/** The provider's listing becomes the last word about each machine. A listing that fails changes nothing. */

import { ProviderError } from "../domain/errors.ts";
import type { MachineId } from "../domain/ids.ts";
import { providerIdOf } from "../domain/machine.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { listMachinesOfPool } from "../store/machines/list.ts";
import { machineSubject } from "../store/subjects.ts";
import type { PoolContext } from "./context.ts";

const MACHINES_MAX = 20_000;

export async function observe(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const reading = await listWithUnlisted(context);
  noteListing(context, reading);
  if (reading === null) return;
  const { listing } = reading;
  let deadCount = 0;
  for (const observed of listing) {
    // A machine of no known id carries our mark but no readable launch: shown, never touched.
    if (observed.machineId === null) continue;
    const before = context.memory.observed.get(observed.machineId);
    context.memory.observed.set(observed.machineId, observed);
    if (before?.state === observed.state) continue;
    if (observed.state === "dead" || observed.state === "gone") deadCount += 1;
    await noteObserved(context, observed.machineId, observed);
  }
  if (deadCount > 0) context.wake.controller("retire", context.pool.name);
}

interface Reading {
  readonly listing: readonly ObservedMachine[];
  /** How many of them the listing itself showed. */
  readonly listedCount: number;
}

/**
 * The listing, and with it what the provider says by id of machines that should be in it and are not: their absence alone
 * says nothing.
 */
async function listWithUnlisted(context: PoolContext): Promise<Reading | null> {
  try {
    const listing = await context.provider.list("all");
    const listed = new Set(listing.map((observed) => observed.machineId));
    const options = { includeGone: false, limitCount: MACHINES_MAX };
    const machines = await listMachinesOfPool(context.store.db, context.pool.name, options);
    const unlisted = machines
      .filter((machine) => !listed.has(machine.id))
      .flatMap((machine) => providerIdOf(machine) ?? []);
    const listedCount = listing.length;
    if (unlisted.length === 0) return { listing, listedCount };
    const byId = await context.provider.list(unlisted);
    const machineOf = new Map(machines.map((machine) => [providerIdOf(machine), machine.id]));
    const found = byId.map((one) => ({ ...one, machineId: machineOf.get(one.providerId) ?? null }));
    return { listing: [...listing, ...found], listedCount };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    context.telemetry.error("the provider's listing failed; nothing is concluded from it", error, {
      pool: context.pool.name,
    });
    return null;
  }
}

/** Before what it shows is remembered: the guards ask since when it has shown the same. */
function noteListing({ memory, clock }: PoolContext, reading: Reading | null): void {
  const { guards, observed } = memory;
  if (reading === null) {
    guards.listing = { ...guards.listing, isWhole: false, steadySinceMs: null };
    return;
  }
  const { listing, listedCount } = reading;
  const isSame = listing.every(
    ({ machineId, state }) => machineId === null || observed.get(machineId)?.state === state,
  );
  const steadySinceMs = isSame ? (guards.listing.steadySinceMs ?? clock.nowMs()) : clock.nowMs();
  guards.listing = { isWhole: true, listedCount, steadySinceMs };
}

async function noteObserved(context: PoolContext, machineId: MachineId, observed: ObservedMachine): Promise<void> {
  await recordEvidence(context.store.db, {
    subject: machineSubject(machineId),
    source: "provider",
    fact: `provider says ${observed.state}`,
    observedAtMs: observed.observedAtMs,
  });
}
