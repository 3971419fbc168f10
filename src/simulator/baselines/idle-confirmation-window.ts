/**
 * terraform-aws-github-runner's `scale_down_idle_confirmation_seconds` (#5228, merged as #5397), with 300 s: the first reading
 * that is not busy tags the machine and defers; a busy one takes the tag off; a later one that is still not busy, when the
 * window has passed, removes the runner as before.
 *
 * How it loses jobs: it reads twice and knows nothing of what lies between. A job that starts just before the second reading
 * is behind the flag's lag, and a flag that is wrong for the whole window confirms itself.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { Fleet, FleetWorld } from "../world/algorithm.ts";
import { deregisterAndEnd } from "./flag-then-deregister.ts";
import { readRunner } from "./github-rest.ts";
import { makeScaledFleet } from "./scale-down.ts";

const WINDOW_MS = 300 * SECOND_MS;

export function makeIdleConfirmationWindow(world: FleetWorld): Fleet {
  /** The tag `ghr:idle_detected_at`. */
  const idleSinceMs = new Map<string, number>();
  return makeScaledFleet(world, async (calls, instance) => {
    const { providerId } = instance;
    const reading = await readRunner(calls, instance.scope, instance.runnerId);
    if (reading === null) return;
    const sinceMs = idleSinceMs.get(providerId);
    if (reading.kind === "found" && reading.isBusy) {
      if (sinceMs !== undefined) await calls.ask("provider", "tag", () => idleSinceMs.delete(providerId));
      return;
    }
    const { nowMs } = world.scheduler;
    if (sinceMs === undefined) await calls.ask("provider", "tag", () => idleSinceMs.set(providerId, nowMs));
    else if (nowMs - sinceMs >= WINDOW_MS) await deregisterAndEnd(calls, instance);
  });
}
