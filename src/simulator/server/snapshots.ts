import type { Delivery, DeliveryAttempt, DeliveryStatus, JobAction } from "../github/delivery.ts";
import { type JobView, viewJob } from "../github/job-payloads.ts";
import type { Scope } from "../github/places.ts";
import { isOnline } from "../github/runners.ts";
import type { CompletionCause, GitHubState, Job, JobPhase, Registration, Runner } from "../github/state.ts";

/** What tests and the demo see of GitHub's ground truth: copies, so that nothing outside changes the model. */

export interface JobSnapshot {
  /** REST's and the webhooks' job id. */
  readonly id: number;
  readonly runId: number;
  readonly runAttempt: number;
  /** The GUID in the runner's log. */
  readonly jobGuid: string;
  readonly name: string;
  readonly repository: string;
  readonly labels: readonly string[];
  /** What GitHub shows; an acquired job is `queued` until its Worker started. */
  readonly status: JobView["status"];
  readonly conclusion: JobView["conclusion"];
  /** What is true. */
  readonly phase: JobPhase["kind"];
  readonly cause: CompletionCause | null;
  /** The runner that it is assigned to, that acquired it, or that ran it. */
  readonly runnerId: number | null;
  readonly runnerName: string | null;
  readonly lostAssignmentCount: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
}

export interface RunnerSnapshot {
  readonly id: number;
  readonly name: string;
  readonly scope: Scope;
  readonly groupId: number;
  readonly labels: readonly string[];
  readonly isEphemeral: boolean;
  readonly isOnline: boolean;
  readonly version: string | null;
  readonly assignedJobId: number | null;
  readonly acquiredJobId: number | null;
  readonly registration: Registration;
  readonly registeredAtMs: number;
}

export interface DeliverySnapshot {
  /** Of the event, as the webhook's header says; the same for every hook that it was for. */
  readonly guid: string;
  readonly hookId: number;
  readonly event: Delivery["event"];
  readonly action: JobAction | null;
  readonly jobId: number | null;
  readonly status: DeliveryStatus;
  readonly attempts: readonly DeliveryAttempt[];
  readonly createdAtMs: number;
  /** Parses the payload; the same object that was or would be sent. */
  payload(): unknown;
}

export function snapshotJob(state: GitHubState, job: Job): JobSnapshot {
  const { phase } = job;
  const { status, conclusion } = viewJob(state, job);
  const runnerId = phase.kind === "waiting" || phase.kind === "queued" ? null : phase.runnerId;
  return {
    id: job.id,
    runId: job.runId,
    runAttempt: job.runAttempt,
    jobGuid: job.jobGuid,
    name: job.name,
    repository: job.repository.fullName,
    labels: job.labels,
    status,
    conclusion,
    phase: phase.kind,
    cause: phase.kind === "completed" ? phase.cause : null,
    runnerId,
    runnerName: runnerId === null ? null : (state.runners.get(runnerId)?.name ?? null),
    lostAssignmentCount: job.lostAssignmentCount,
    createdAtMs: job.createdAtMs,
    startedAtMs: phase.kind === "acquired" || phase.kind === "completed" ? phase.startedAtMs : null,
    completedAtMs: phase.kind === "completed" ? phase.atMs : null,
  };
}

export function snapshotRunner(state: GitHubState, runner: Runner, nowMs: number): RunnerSnapshot {
  return {
    id: runner.id,
    name: runner.name,
    scope: runner.scope,
    groupId: runner.groupId,
    labels: runner.labels.map(({ name }) => name),
    isEphemeral: runner.isEphemeral,
    isOnline: isOnline(state, runner, nowMs),
    version: runner.version,
    assignedJobId: runner.assignedJobId,
    acquiredJobId: runner.acquiredJobId,
    registration: runner.registration,
    registeredAtMs: runner.registeredAtMs,
  };
}

export function snapshotDelivery(delivery: Delivery): DeliverySnapshot {
  const { guid, hookId, event, action, jobId, status, createdAtMs } = delivery;
  const payload = () => JSON.parse(delivery.render()) as unknown;
  return { guid, hookId, event, action, jobId, status, attempts: [...delivery.attempts], createdAtMs, payload };
}
