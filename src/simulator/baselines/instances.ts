/** The fleets' machines at their provider, found by the tags that every launch puts on them. */
import type { Calls } from "./calls.ts";

const FLEET_TAG = "fleet";
const FLEET_NAME = "baseline";

export interface Instance {
  readonly providerId: string;
  readonly launchedAtMs: number;
  readonly pool: string;
  readonly runnerName: string;
}

export function tagsOf({ pool, runnerName }: Pick<Instance, "pool" | "runnerName">): Readonly<Record<string, string>> {
  return { [FLEET_TAG]: FLEET_NAME, pool, runner: runnerName };
}

/** Those that are pending or running; null where the call failed. */
export async function listInstances(calls: Calls): Promise<readonly Instance[] | null> {
  const { provider } = calls.world;
  const listed = await calls.ask("provider", "list", () => provider.listTagged(FLEET_TAG, FLEET_NAME));
  if (listed === null) return null;
  return listed
    .filter(({ state }) => state !== "terminated")
    .map(({ providerId, launchedAtMs, tags }) => ({
      providerId,
      launchedAtMs,
      pool: tags.pool ?? "",
      runnerName: tags.runner ?? "",
    }));
}

/** @returns whether the call succeeded. */
export async function terminateInstance(calls: Calls, providerId: string, why: string): Promise<boolean> {
  const { provider, log } = calls.world;
  const isDone = await calls.ask("provider", "terminate", () => {
    log.note(`the fleet ends it: ${why}`, providerId);
    return provider.terminate(providerId, calls.world.cause(why));
  });
  return isDone === true;
}

export function ageOf(calls: Calls, { launchedAtMs }: Pick<Instance, "launchedAtMs">): number {
  return calls.world.scheduler.nowMs - launchedAtMs;
}
