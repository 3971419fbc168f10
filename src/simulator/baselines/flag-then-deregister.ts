/**
 * terraform-aws-github-runner's own way (v7.11.0, `removeRunner`): read the runner; where `busy` is false, or the runner is
 * not known (404), DELETE it; where that is answered 204, TerminateInstances. A DELETE that is refused (422), or that fails,
 * keeps the machine until the next pass (#5061).
 *
 * How it loses jobs, as reported: the flag lags a fresh job by 25 to more than 60 s and drops in the middle of one, and
 * DELETE succeeds wherever the flag is wrong (#5085, #5228; actions/runner #4422).
 */
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import type { Calls } from "./calls.ts";
import { readRunner, removeRunner } from "./github-rest.ts";
import { terminateInstance } from "./instances.ts";
import { makeScaledFleet, type RegisteredInstance } from "./scale-down.ts";

export function makeFlagThenDeregister(world: FleetWorld): Fleet {
  return makeScaledFleet(world, async (calls, instance) => {
    const reading = await readRunner(calls, instance.scope, instance.runnerId);
    if (reading === null || (reading.kind === "found" && reading.isBusy)) return;
    await deregisterAndEnd(calls, instance);
  });
}

export async function deregisterAndEnd(calls: Calls, instance: RegisteredInstance): Promise<void> {
  const deletion = await removeRunner(calls, instance.scope, instance.runnerId);
  if (deletion === "deleted") await terminateInstance(calls, instance.providerId, "not busy and deregistered");
}
