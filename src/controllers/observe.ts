/** The provider's listing becomes the last word about each machine. A listing that fails changes nothing. */

import { ProviderError } from "../domain/errors.ts";
import type { MachineId } from "../domain/ids.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { machineSubject } from "../store/subjects.ts";
import type { PoolContext } from "./context.ts";

export async function observe(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const listing = await listOrNull(context);
  if (listing === null) return;
  let deadCount = 0;
  for (const observed of listing) {
    // A machine of no known id carries our mark but no readable launch: shown, never touched.
    if (observed.machineId === null) continue;
    const before = context.memory.observed.get(observed.machineId);
    context.memory.observed.set(observed.machineId, observed);
    if (before?.state === observed.state) continue;
    if (observed.state === "dead") deadCount += 1;
    await noteObserved(context, observed.machineId, observed);
  }
  if (deadCount > 0) context.wake.controller("retire", context.pool.name);
}

async function listOrNull(context: PoolContext): Promise<readonly ObservedMachine[] | null> {
  try {
    return await context.provider.list("all");
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    context.telemetry.error("the provider's listing failed; nothing is concluded from it", error, {
      pool: context.pool.name,
    });
    return null;
  }
}

async function noteObserved(context: PoolContext, machineId: MachineId, observed: ObservedMachine): Promise<void> {
  await recordEvidence(context.store.db, {
    subject: machineSubject(machineId),
    source: "provider",
    fact: `provider says ${observed.state}`,
    observedAtMs: observed.observedAtMs,
  });
}
