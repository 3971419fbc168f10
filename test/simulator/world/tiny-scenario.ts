/** A scenario of a few minutes, for tests to change. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Arrivals, PlannedJob, Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { pool } from "../../domain/builders.ts";

export const START_MS = 1_000 * HOUR_MS;
export const LABELS = ["self-hosted", "linux", "x64"] as const;
export const REPOSITORY = "acme/widgets";

/** Nothing happens in it by itself. */
export function tinyScenario(overrides: Partial<Scenario> = {}): Scenario {
  return {
    name: "tiny",
    startMs: START_MS,
    durationMs: 10 * MINUTE_MS,
    algorithm: "holdfast",
    provider: "cloud",
    pools: [pool()],
    workload: { jobs: [], arrivals: null },
    faults: [],
    faultsEndMs: 10 * MINUTE_MS,
    bootMs: [10 * SECOND_MS, 20 * SECOND_MS],
    fleet: { isPersistent: true, passEveryMs: 5 * MINUTE_MS, firstPassMs: 5 * MINUTE_MS, minimumAgeMs: 5 * MINUTE_MS },
    pace: 1,
    ...overrides,
  };
}

export function plannedJob(name: string, overrides: Partial<PlannedJob> = {}): PlannedJob {
  return { name, atMs: 0, repository: REPOSITORY, labels: LABELS, durationMs: MINUTE_MS, ...overrides };
}

export function arrivals(overrides: Partial<Arrivals> = {}): Arrivals {
  return {
    perHour: 60,
    burst: null,
    duration: { p50Ms: MINUTE_MS, p95Ms: 5 * MINUTE_MS },
    labels: [LABELS],
    repositories: [REPOSITORY],
    ...overrides,
  };
}
