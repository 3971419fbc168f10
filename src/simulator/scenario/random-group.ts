/** A group of any setting, for a random world. */
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { Chance } from "../world/chance.ts";
import type { GroupPlan } from "./group-plan.ts";

const EXTERNAL_SHARE = 0.25;
const HOOKLESS_SHARE = 0.1;
const WARM_SHARE = 0.4;
/** Of one that an outage may outlast, and of those that none does. */
const HEARTBEAT_MS = [5 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS] as const;
const POOL_STATES = ["Stopped", "Running", "Hibernated"] as const;
/** Room for whatever is launched by mistake; where others size the group, that is theirs to keep to. */
const BEYOND_MAX_COUNTS = [0, 0, 4, 12] as const;
const PREPARED_COUNTS = [2, 8] as const;

export function drawGroup(chance: Chance): GroupPlan {
  const isExternal = chance.happens(EXTERNAL_SHARE);
  return {
    scaling: isExternal ? "external" : "holdfast",
    minCount: isExternal ? chance.whole([2, 4]) : chance.pick([0, 0, 1, 3]),
    isProtected: chance.happens(0.7),
    market: chance.happens(0.3) ? "spot" : "on-demand",
    heartbeatTimeoutMs: chance.happens(HOOKLESS_SHARE) ? null : chance.pick(HEARTBEAT_MS),
    hasLaunchHook: chance.happens(0.3),
    retention: chance.happens(0.6) ? "retain" : "terminate",
    warmPool: chance.happens(WARM_SHARE)
      ? {
          state: chance.pick(POOL_STATES),
          isReusedOnScaleIn: chance.happens(0.5),
          preparedCount: chance.whole(PREPARED_COUNTS),
        }
      : null,
    lifetimeMs: null,
    beyondMaxCount: isExternal ? 0 : chance.pick(BEYOND_MAX_COUNTS),
  };
}
