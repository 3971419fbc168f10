/** The runs that jobs make up. GitHub has runs first and jobs in them; here a run is what its jobs say. */
import { type JobView, viewJob } from "./job-payloads.ts";
import type { Repository } from "./places.ts";
import type { GitHubState, Job } from "./state.ts";

export function ofLatestAttempt(jobs: readonly Job[]): readonly Job[] {
  const latest = jobs.reduce((attempt, job) => Math.max(attempt, job.runAttempt), 0);
  return jobs.filter((job) => job.runAttempt === latest);
}

/** The jobs of the latest attempt of one run. */
export interface Run {
  readonly id: number;
  readonly first: Job;
  readonly jobs: readonly Job[];
  readonly status: JobView["status"];
  readonly conclusion: string | null;
  readonly createdAtMs: number;
  /** When its latest attempt began. */
  readonly startedAtMs: number;
  readonly updatedAtMs: number;
}

/** Newest first. */
export function listRuns(state: GitHubState, repository: Repository): readonly Run[] {
  const jobsByRun = Map.groupBy(
    [...state.jobs.values()].filter((job) => job.repository === repository),
    (job) => job.runId,
  );
  return [...jobsByRun]
    .flatMap(([id, jobs]) => {
      const [first, ...rest] = ofLatestAttempt(jobs);
      const createdAtMs = Math.min(...jobs.map((job) => job.createdAtMs));
      return first === undefined ? [] : [{ ...summarize(state, id, first, [first, ...rest]), createdAtMs }];
    })
    .toReversed();
}

/** A run is in progress as soon as one of its jobs is, and completed when all are. */
function summarize(state: GitHubState, id: number, first: Job, jobs: readonly Job[]): Omit<Run, "createdAtMs"> {
  const views = jobs.map((job) => viewJob(state, job));
  const status = (["in_progress", "queued", "waiting"] as const).find((one) =>
    views.some((view) => view.status === one),
  );
  const conclusions = views.map(({ conclusion }) => conclusion);
  const conclusion =
    (["failure", "cancelled", "success"] as const).find((one) => conclusions.includes(one)) ?? "skipped";
  const times = views.flatMap(({ startedAtMs, completedAtMs }) => [startedAtMs, completedAtMs ?? 0]);
  return {
    id,
    first,
    jobs,
    status: status ?? "completed",
    conclusion: status === undefined ? conclusion : null,
    startedAtMs: Math.min(...jobs.map((job) => job.createdAtMs)),
    updatedAtMs: Math.max(...times),
  };
}
