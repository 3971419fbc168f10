/**
 * A job as GitHub tells of it, and the one function that lets an event change it.
 *
 * GitHub loses, delays, repeats and reorders events, so applying one is a join: the status only moves forward
 * (waiting < queued < in_progress < completed), and every other field takes the greater of two values. Any order and any
 * repetition of the same events therefore gives the same job.
 */
import type { ConnectionName, JobId, RunnerId } from "./ids.ts";
import type { RoutableJob } from "./pool.ts";

export const JOB_STATUSES = ["waiting", "queued", "in_progress", "completed"] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export interface Job extends RoutableJob {
  readonly id: JobId;
  readonly connection: ConnectionName;
  readonly repository: string;
  readonly runId: number;
  readonly runAttempt: number;
  readonly name: string;
  readonly workflowName: string;
  readonly htmlUrl: string;
  readonly labels: readonly string[];
  readonly status: JobStatus;
  /** GitHub's word for how it ended; null until completed. */
  readonly conclusion: string | null;
  readonly runnerId: RunnerId | null;
  readonly runnerName: string | null;
  /** GitHub's `created_at`. (`started_at` is set on queued jobs too and says nothing about running.) */
  readonly createdAtMs: number;
  /** GitHub's `started_at`, once in progress. */
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
  /** When GitHub last said, by event or answer, that it is still queued: epoch milliseconds of our clock. */
  readonly queuedSeenAtMs: number | null;
}

/** Our own word, not GitHub's: the job was not found for so long that its run counts as deleted. It proves no idleness. */
export const RUN_DELETED = "run-deleted";

/** An event or an answer about one job, already parsed. The same fields as a job: GitHub sends all of them each time. */
export type JobEvent = Job;

export type AppliedJobEvent =
  | { readonly kind: "changed"; readonly job: Job }
  | { readonly kind: "ignored"; readonly reason: "nothing-new" };

function jobStatusRank(status: JobStatus): number {
  return JOB_STATUSES.indexOf(status);
}

/** The status of a webhook's action and its job's own status: action `queued` may carry `status: "waiting"`. */
export function parseJobStatus(action: string | null, status: string): JobStatus | null {
  if (action === "completed" || status === "completed") return "completed";
  if (action === "in_progress" || status === "in_progress") return "in_progress";
  if (action === "waiting" || status === "waiting" || status === "pending" || status === "requested") return "waiting";
  return action === "queued" || status === "queued" ? "queued" : null;
}

function greater<T extends string | number>(a: T | null, b: T | null): T | null {
  if (a === null) return b;
  if (b === null) return a;
  return a >= b ? a : b;
}

/** Our own guess is the least of all words: whatever GitHub says of the job's end counts. */
function greaterConclusion(a: string | null, b: string | null): string | null {
  if (a === RUN_DELETED) return b ?? a;
  return b === RUN_DELETED ? (a ?? b) : greater(a, b);
}

function greaterList(a: readonly string[], b: readonly string[]): readonly string[] {
  if (a.length !== b.length) return a.length > b.length ? a : b;
  return JSON.stringify(a) >= JSON.stringify(b) ? a : b;
}

/** Fields that mean something only at a status are dropped from events that cannot know them. */
function withoutHearsay(event: JobEvent): Job {
  const isRunning = event.status === "in_progress" || event.status === "completed";
  const isCompleted = event.status === "completed";
  return {
    ...event,
    runnerId: isRunning ? event.runnerId : null,
    runnerName: isRunning ? event.runnerName : null,
    startedAtMs: isRunning ? event.startedAtMs : null,
    conclusion: isCompleted ? event.conclusion : null,
    completedAtMs: isCompleted ? event.completedAtMs : null,
    queuedSeenAtMs: event.status === "queued" ? event.queuedSeenAtMs : null,
  };
}

function join(a: Job, b: Job): Job {
  return {
    id: a.id,
    connection: a.connection,
    repository: greater(a.repository, b.repository) ?? a.repository,
    runId: Math.max(a.runId, b.runId),
    runAttempt: Math.max(a.runAttempt, b.runAttempt),
    name: greater(a.name, b.name) ?? "",
    workflowName: greater(a.workflowName, b.workflowName) ?? "",
    htmlUrl: greater(a.htmlUrl, b.htmlUrl) ?? "",
    labels: greaterList(a.labels, b.labels),
    status: jobStatusRank(a.status) >= jobStatusRank(b.status) ? a.status : b.status,
    conclusion: greaterConclusion(a.conclusion, b.conclusion),
    runnerId: greater(a.runnerId, b.runnerId),
    runnerName: greater(a.runnerName, b.runnerName),
    createdAtMs: Math.min(a.createdAtMs, b.createdAtMs),
    startedAtMs: greater(a.startedAtMs, b.startedAtMs),
    completedAtMs: greater(a.completedAtMs, b.completedAtMs),
    queuedSeenAtMs: greater(a.queuedSeenAtMs, b.queuedSeenAtMs),
  };
}

/**
 * Lets one event change what we know of a job; idempotent, and indifferent to order.
 * @param job what we know so far; null for a job never seen, whatever the event (a `completed` may be the first we hear).
 */
export function applyJobEvent(job: Job | null, event: JobEvent): AppliedJobEvent {
  const news = withoutHearsay(event);
  if (job === null) return { kind: "changed", job: news };
  const joined = join(job, news);
  const isSame = JSON.stringify(joined) === JSON.stringify(join(job, job));
  return isSame ? { kind: "ignored", reason: "nothing-new" } : { kind: "changed", job: joined };
}
