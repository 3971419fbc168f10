/** The jobs of a world: those of the file and of its trace, each with a name, a repository and a pool that takes it. */
import { parseJobId } from "../../domain/ids.ts";
import { isServedBy, type PoolPolicy } from "../../domain/pool.ts";
import { HOUR_MS } from "../../domain/units.ts";
import type { Arrivals, PlannedJob, Scenario } from "../../simulator/scenario/scenario.ts";
import type { ProblemList } from "../config/problems.ts";
import { sinceStartMs } from "./fields.ts";
import type { TraceRow } from "./read-trace.ts";
import { JOB_COUNT_MAX, type WrittenScenario } from "./schema.ts";

type WrittenWorkload = WrittenScenario["world"]["workload"];

/** A job and where the file has it. */
export interface PlacedJob {
  readonly path: string;
  readonly job: PlannedJob;
}

/** Without an own repository in its scope a pool's jobs are of this one. */
const NAME_DEFAULT = "app";
const OWNER_DEFAULT = "acme";
const ARRIVALS_DURATION_MS = 8 * HOUR_MS;
/** Jobs that nobody takes are one mistake, many times. */
const UNSERVED_COUNT_MAX = 10;
const ANY_JOB = parseJobId(1);

export function placeJobs(
  written: WrittenWorkload,
  trace: readonly TraceRow[],
  pools: readonly PoolPolicy[],
  startMs: number,
): readonly PlacedJob[] {
  const first = pools[0]?.labels ?? [];
  const named = written.jobs.map((job, index) => {
    const labels = job.labels ?? first;
    return {
      path: `world.workload.jobs[${index}]`,
      job: {
        name: job.name ?? `job-${index + 1}`,
        atMs: sinceStartMs(job.at, startMs),
        repository: job.repository ?? repositoryFor(labels, pools),
        labels,
        durationMs: job.duration,
      },
    };
  });
  const traced = trace.map(({ line, name, queuedAt, repository, labels, durationMs }) => ({
    path: `${written.traceFile}, line ${line}`,
    job: {
      name: name ?? `line-${line}`,
      atMs: sinceStartMs(queuedAt, startMs),
      repository: repository ?? repositoryFor(labels, pools),
      labels,
      durationMs,
    },
  }));
  return [...named, ...traced];
}

export function placeArrivals(written: WrittenWorkload["arrivals"], pools: readonly PoolPolicy[]): Arrivals | null {
  if (written === undefined) return null;
  const { perHour, burst, duration } = written;
  const repositories = written.repositories ?? [
    pools[0] === undefined ? `${OWNER_DEFAULT}/${NAME_DEFAULT}` : repositoryOf(pools[0]),
  ];
  const labels = pools.map((pool) => pool.labels);
  const fitting = labels.filter((one) =>
    repositories.every((repository) => isTaken({ repository, labels: one }, pools)),
  );
  return {
    perHour,
    burst: burst === undefined ? null : { everyMs: burst.every, jobs: burst.jobs },
    duration: { p50Ms: duration.p50, p95Ms: duration.p95 },
    labels: written.labels ?? (fitting.length === 0 ? labels.slice(0, 1) : fitting),
    repositories,
  };
}

function repositoryFor(labels: readonly string[], pools: readonly PoolPolicy[]): string {
  const fitting = pools.find((pool) => isTaken({ repository: repositoryOf(pool), labels }, [pool])) ?? pools[0];
  return fitting === undefined ? `${OWNER_DEFAULT}/${NAME_DEFAULT}` : repositoryOf(fitting);
}

function repositoryOf({ scope, acceptRepositories }: PoolPolicy): string {
  const [pattern] = acceptRepositories ?? (scope.kind === "repositories" ? scope.repositories : []);
  if (pattern !== undefined) return pattern.endsWith("/*") ? `${pattern.slice(0, -2)}/${NAME_DEFAULT}` : pattern;
  return `${scope.kind === "organization" ? scope.organization : OWNER_DEFAULT}/${NAME_DEFAULT}`;
}

function isTaken(
  job: { readonly repository: string; readonly labels: readonly string[] },
  pools: readonly PoolPolicy[],
) {
  return pools.some((pool) => isServedBy(pool, { ...job, id: ANY_JOB, connection: pool.connection }));
}

/** How long the world lasts where the file does not say it. */
export function durationFor(jobs: readonly PlacedJob[], hasArrivals: boolean): number {
  const lastMs = jobs.reduce((last, { job }) => Math.max(last, job.atMs + job.durationMs), 0);
  return hasArrivals ? Math.max(ARRIVALS_DURATION_MS, lastMs + HOUR_MS) : lastMs + HOUR_MS;
}

/** Whether each job has a name of its own and comes within the world. */
export function checkJobs(jobs: readonly PlacedJob[], durationMs: number, problems: ProblemList): void {
  if (jobs.length > JOB_COUNT_MAX)
    problems.add("world.workload", `has ${jobs.length} jobs`, `at most ${JOB_COUNT_MAX}: take fewer of them`);
  const seen = new Map<string, string>();
  for (const { path, job } of jobs) {
    const first = seen.get(job.name);
    if (first === undefined) seen.set(job.name, path);
    else problems.add(path, `has the name of ${first} too`, "give each its own name");
  }
  const outside = jobs.filter(({ job }) => job.atMs < 0 || job.atMs >= durationMs);
  for (const { path, job } of outside.slice(0, UNSERVED_COUNT_MAX)) {
    if (job.atMs < 0) problems.add(path, "is queued before the world's start", "set `start` to an earlier instant");
    else problems.add(path, "is queued when the world is over", "raise `duration`");
  }
}

/** Whether the pools take each job: one that nobody takes would wait for ever. @param of whose pools these are. */
export function checkServed(
  { jobs, arrivals }: { readonly jobs: readonly PlacedJob[]; readonly arrivals: Scenario["workload"]["arrivals"] },
  pools: readonly PoolPolicy[],
  of: string,
  problems: ProblemList,
): void {
  const mend = "let a pool offer its labels in its repository, or leave it out";
  const unserved = jobs.filter(({ job }) => !isTaken(job, pools));
  for (const { path } of unserved.slice(0, UNSERVED_COUNT_MAX)) problems.add(path, `fits no pool of ${of}`, mend);
  if (unserved.length > UNSERVED_COUNT_MAX)
    problems.add(
      "world.workload",
      `has ${unserved.length - UNSERVED_COUNT_MAX} more jobs that fit no pool of ${of}`,
      mend,
    );
  for (const labels of arrivals?.labels ?? []) {
    for (const repository of arrivals?.repositories ?? []) {
      if (isTaken({ labels, repository }, pools)) continue;
      problems.add(
        "world.workload.arrivals",
        `has jobs of ${repository} with ${labels.join(", ")}, which fit no pool of ${of}`,
        mend,
      );
    }
  }
}
