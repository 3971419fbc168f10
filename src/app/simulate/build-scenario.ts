/** Puts a scenario together, and finds what is right in itself and wrong together. */
import type { PoolPolicy } from "../../domain/pool.ts";
import { HOUR_MS } from "../../domain/units.ts";
import type { Fault } from "../../simulator/scenario/fault.ts";
import type { Scenario } from "../../simulator/scenario/scenario.ts";
import { buildPool } from "../config/build.ts";
import { nearestOf } from "../config/issues.ts";
import type { ProblemList } from "../config/problems.ts";
import { SPAN_MS_MAX, sinceStartMs } from "./fields.ts";
import { firstHourMs, type TraceRow } from "./read-trace.ts";
import type { WrittenScenario, WrittenScenarioPool } from "./schema.ts";
import { planOf } from "./schema-group.ts";
import { checkJobs, checkServed, durationFor, type PlacedJob, placeArrivals, placeJobs } from "./workload.ts";

/** Other pools for the same world. */
export interface Setting {
  readonly name: string;
  readonly pools: readonly PoolPolicy[];
}

export type WrittenSettings = readonly { readonly name: string; readonly pools: readonly WrittenScenarioPool[] }[];

export interface ScenarioParts {
  readonly written: WrittenScenario;
  readonly faults: readonly Fault[];
  readonly trace: readonly TraceRow[];
  readonly settings: WrittenSettings;
  readonly nameDefault: string;
}

/** 2026-01-05T00:00:00Z, a Monday. */
const DAY_OF_START_MS = Date.parse("2026-01-05T00:00:00Z");
const START_IN_DAY_MS = 8 * HOUR_MS;
/** Where no path is looked for; the same on every computer, for it goes into the hash of a pool's settings. */
const FOLDER = "/";
const AGENTS_URL = "https://holdfast.example";

function policyOf(pool: WrittenScenarioPool): PoolPolicy {
  return buildPool(pool, FOLDER, AGENTS_URL).policy;
}

/** @param parts each without a problem of its own. @returns what is sound if no problem was added. */
export function buildScenario(
  parts: ScenarioParts,
  problems: ProblemList,
): { readonly scenario: Scenario; readonly settings: readonly Setting[] } {
  const { written, faults, trace, nameDefault } = parts;
  const settings = parts.settings.map(({ name, pools }) => ({ name, pools: pools.map(policyOf) }));
  const pools = written.pools.map(policyOf);
  const startMs = startOf(written, trace);
  const { workload } = written.world;
  const jobs = placeJobs(workload, trace, pools, startMs);
  const arrivals = placeArrivals(workload.arrivals, pools);
  const durationMs = written.duration ?? durationFor(jobs, arrivals !== null);
  checkTimes(written, durationMs, problems);
  checkJobs(jobs, durationMs, problems);
  checkServed({ jobs, arrivals }, pools, "the scenario", problems);
  for (const { name, pools: others } of settings)
    checkServed({ jobs, arrivals }, others, `setting \`${name}\``, problems);
  checkConnections(pools, problems);
  checkFaultedJobs(faults, jobs, problems);
  const { fleet } = written;
  const scenario: Scenario = {
    name: written.name ?? nameDefault,
    startMs,
    durationMs,
    algorithm: written.algorithm,
    provider: written.provider,
    pools,
    ...(written.provider === "asg" ? { group: planOf(written.group) } : {}),
    workload: { jobs: jobs.map(({ job }) => job), arrivals },
    faults,
    faultsEndMs: written.faultsEnd ?? null,
    bootMs: written.boot,
    fleet: {
      isPersistent: fleet.persistent,
      passEveryMs: fleet.passEvery,
      firstPassMs: fleet.firstPass ?? fleet.passEvery,
      minimumAgeMs: fleet.minimumAge,
    },
    pace: written.pace,
  };
  return { scenario, settings };
}

function startOf({ start }: WrittenScenario, trace: readonly TraceRow[]): number {
  if (start === undefined) return firstHourMs(trace) ?? DAY_OF_START_MS + START_IN_DAY_MS;
  return start.kind === "instant" ? start.atMs : DAY_OF_START_MS + sinceStartMs(start, DAY_OF_START_MS);
}

function checkTimes({ faultsEnd, world }: WrittenScenario, durationMs: number, problems: ProblemList): void {
  if (durationMs > SPAN_MS_MAX)
    problems.add("duration", "is, with the last job, more than 31d", "take a part of the jobs, or set `start`");
  if (faultsEnd !== undefined && faultsEnd > durationMs)
    problems.add("faultsEnd", "is after the world's end", "let it be at most `duration`, or remove it");
  const { arrivals } = world.workload;
  if (arrivals !== undefined && arrivals.duration.p95 < arrivals.duration.p50)
    problems.add("world.workload.arrivals.duration.p95", "is less than `p50`", "raise it, or lower `p50`");
}

function checkConnections(pools: readonly PoolPolicy[], problems: ProblemList): void {
  const first = pools[0]?.connection;
  for (const [index, { connection }] of pools.entries()) {
    if (connection === first) continue;
    problems.add(
      `pools[${index}].github`,
      `is another connection than that of pools[0]`,
      "a world has one: name the same",
    );
  }
}

function checkFaultedJobs(faults: readonly Fault[], jobs: readonly PlacedJob[], problems: ProblemList): void {
  const names = jobs.map(({ job }) => job.name);
  const known = new Set(names);
  for (const [index, fault] of faults.entries()) {
    if (!("job" in fault) || fault.job === undefined || known.has(fault.job)) continue;
    const nearest = nearestOf(fault.job, names);
    const mend = nearest === null ? "name one of `world.workload.jobs`" : `did you mean \`${nearest}\`?`;
    problems.add(`world.faults[${index}].job`, "is the name of no job", mend);
  }
}
