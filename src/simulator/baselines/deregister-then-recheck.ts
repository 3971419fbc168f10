/**
 * The published mend of the race (terraform-aws-github-runner #5086 and #5201, and a fork's of 2026-03-27): check busy;
 * deregister; check busy again; a runner that is busy then keeps its machine, which is left to the orphan clean-up. Never
 * merged there.
 *
 * How it loses jobs, as its own review says: after the DELETE the runner's GET is answered 404, which reads as not busy, so
 * the second check is always passed; and what it would leave alone is no longer registered, so the orphan clean-up ends it a
 * pass or two later.
 */
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import type { Calls } from "./calls.ts";
import { readRunner, removeRunner } from "./github-rest.ts";
import { terminateInstance } from "./instances.ts";
import { makeScaledFleet, type RegisteredInstance } from "./scale-down.ts";

export function makeDeregisterThenRecheck(world: FleetWorld): Fleet {
  return makeScaledFleet(world, async (calls, instance) => {
    if ((await isBusy(calls, instance)) !== false) return;
    if ((await removeRunner(calls, instance.scope, instance.runnerId)) !== "deleted") return;
    if ((await isBusy(calls, instance)) !== false) return;
    await terminateInstance(calls, instance.providerId, "not busy after it was deregistered");
  });
}

/** A 404 reads as not busy; null where GitHub did not answer. */
async function isBusy(calls: Calls, { scope, runnerId }: RegisteredInstance): Promise<boolean | null> {
  const reading = await readRunner(calls, scope, runnerId);
  return reading === null ? null : reading.kind === "found" && reading.isBusy;
}
