/**
 * The world in which a mutant is tried: small and busy, with the faults that it needs and no others, so that what is found
 * there is found by it. Faults stop after two thirds, so that what was left behind shows as well.
 */

import type { PoolPolicy } from "../../domain/pool.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { PLAIN_GROUP } from "../scenario/group-plan.ts";
import { PLAIN_POOL } from "../scenario/plain-pool.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { Chance } from "../world/chance.ts";
import type { Mutant } from "./mutant.ts";

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000;
const DURATION_MS = 40 * MINUTE_MS;
/** What the sound product leaves is over in less, in such a world. */
const SETTLE_MAX_MS = 80 * MINUTE_MS;
const POOL: PoolPolicy = { ...PLAIN_POOL, machineCountMax: 12, warmParkedCount: 1 };

/** @param seed also draws how busy it is, so that seeds are worlds of their own. */
export function worldForMutant(name: string, mutant: Mutant, seed: number): Scenario {
  const { faults, group, pool, deadlines, arrivals, bootMs = [10 * SECOND_MS, MINUTE_MS] } = mutant.world;
  const { provider = "cloud", durationMs = DURATION_MS, settleMaxMs = SETTLE_MAX_MS, pace = 8 } = mutant.world;
  const chance = new Chance(seed).fork("world for a mutant");
  return {
    name: `mutant-${name}`,
    startMs: START_MS,
    durationMs,
    algorithm: "holdfast",
    provider,
    ...(provider === "asg" ? { group: { ...PLAIN_GROUP, ...group } } : {}),
    pools: [{ ...POOL, ...pool, deadlines: { ...POOL.deadlines, ...deadlines } }],
    workload: {
      jobs: [],
      arrivals: {
        perHour: chance.whole([40, 90]),
        burst: null,
        duration: { p50Ms: 3 * MINUTE_MS, p95Ms: 15 * MINUTE_MS },
        labels: [POOL.labels],
        repositories: ["acme/widgets", "acme/gadgets"],
        ...arrivals,
      },
    },
    faults,
    faultsEndMs: Math.floor((durationMs * 2) / 3),
    settleMaxMs,
    bootMs,
    fleet: { isPersistent: false, passEveryMs: MINUTE_MS, firstPassMs: MINUTE_MS, minimumAgeMs: 0 },
    pace,
  };
}
