import { assignJob, withdrawMessage } from "./assignment.ts";
import type { WebhookLies } from "./delivery.ts";
import { completeJob, movePhase } from "./job-phase.ts";
import { announceJob } from "./outbox.ts";
import { ensureRepository } from "./repositories.ts";
import { findSession } from "./runners.ts";
import type { GitHubState, Job, JobPhase } from "./state.ts";

export interface JobRequest {
  /** `owner/name`; the repository is made if GitHub did not have it. */
  readonly repository: string;
  readonly labels: readonly string[];
  /** Shell commands, run one after the other; the first that fails fails the job. */
  readonly steps: readonly string[];
  readonly name?: string;
  readonly workflowName?: string;
  readonly headBranch?: string;
  /** Jobs of one run share it; a new run unless given. */
  readonly runId?: number;
  readonly runAttempt?: number;
  /**
   * The job waits until `approveJob`. Both events exist for this: `waiting`, and `queued` whose job has the status
   * "waiting" (the official `deployment` example). `true` means "waiting".
   */
  readonly approval?: boolean | "waiting" | "queued";
  readonly webhooks?: WebhookLies;
}

export function queueJob(state: GitHubState, request: JobRequest, nowMs: number): Job {
  const isWaiting = request.approval !== undefined && request.approval !== false;
  const job = addJob(state, request, isWaiting ? { kind: "waiting" } : { kind: "queued", sinceMs: nowMs }, nowMs);
  announceJob(state, job, isWaiting && request.approval !== "queued" ? "waiting" : "queued", nowMs);
  assignJob(state, job, nowMs);
  return job;
}

function addJob(state: GitHubState, request: JobRequest, phase: JobPhase, nowMs: number): Job {
  const { ids } = state.options;
  const id = ids.number("job");
  const job: Job = {
    id,
    runId: request.runId ?? ids.number("run"),
    runAttempt: request.runAttempt ?? 1,
    planId: ids.uuid(),
    jobGuid: ids.uuid(),
    repository: ensureRepository(state, request.repository),
    name: request.name ?? "build",
    workflowName: request.workflowName ?? "CI",
    headBranch: request.headBranch ?? "main",
    headSha: ids.uuid().replaceAll("-", "").padEnd(40, "0"),
    labels: [...request.labels],
    steps: [...request.steps],
    lies: request.webhooks ?? {},
    createdAtMs: nowMs,
    phase,
    lostAssignmentCount: 0,
    lostByRunnerIds: new Set(),
    failedStepIndex: null,
  };
  state.jobs.set(id, job);
  if (phase.kind !== "completed") state.openJobs.set(id, job);
  state.changedJobIds.add(id);
  return job;
}

export type RerunAnswer = "queued" | "unknown" | "already-running" | "not-of-current-attempt";

/**
 * The job runs again, as a new attempt of its run. The other jobs of the run are in that attempt with new ids and the ends
 * that they had, and each end is announced once more (actions-runner-controller #4315).
 */
export function rerunJob(state: GitHubState, jobId: number, nowMs: number): RerunAnswer {
  const job = state.jobs.get(jobId);
  if (job === undefined) return "unknown";
  const ofRun = [...state.jobs.values()].filter(({ runId }) => runId === job.runId);
  const attempt = Math.max(...ofRun.map(({ runAttempt }) => runAttempt));
  const latest = ofRun.filter(({ runAttempt }) => runAttempt === attempt);
  if (latest.some(({ phase }) => phase.kind !== "completed")) return "already-running";
  if (job.runAttempt !== attempt) return "not-of-current-attempt";
  for (const one of latest) {
    const { repository, labels, steps, name, workflowName, headBranch, runId } = one;
    const { fullName } = repository;
    const same = {
      repository: fullName,
      labels,
      steps,
      name,
      workflowName,
      headBranch,
      runId,
      runAttempt: attempt + 1,
    };
    if (one === job) {
      queueJob(state, same, nowMs);
      continue;
    }
    const carried = addJob(state, same, one.phase, nowMs);
    carried.failedStepIndex = one.failedStepIndex;
    announceJob(state, carried, "completed", nowMs);
  }
  return "queued";
}

/** Somebody approved the deployment: the job queues. False if it was not waiting. */
export function approveJob(state: GitHubState, jobId: number, nowMs: number): boolean {
  const job = state.jobs.get(jobId);
  if (job?.phase.kind !== "waiting") return false;
  movePhase(state, job, { kind: "queued", sinceMs: nowMs });
  announceJob(state, job, "queued", nowMs);
  assignJob(state, job, nowMs);
  return true;
}

/**
 * Cancels the job. Before pick-up it is over at once (a listener that has the message finds out at acquire); after it
 * the runner is told and reports the end itself, or its lease runs out. False if there was nothing to cancel.
 */
export function cancelJob(state: GitHubState, jobId: number, nowMs: number): boolean {
  const job = state.jobs.get(jobId);
  if (job === undefined) return false;
  const { phase } = job;
  switch (phase.kind) {
    case "waiting":
    case "queued":
      completeJob(state, job, "cancelled", "cancelled-before-pick-up", nowMs);
      return true;
    case "assigned":
      withdrawMessage(state, phase.runnerId, phase.requestId);
      completeJob(state, job, "cancelled", "cancelled-before-pick-up", nowMs);
      return true;
    case "acquired":
      requestCancellation(state, job, phase);
      return true;
    case "completed":
      return false;
  }
}

function requestCancellation(state: GitHubState, job: Job, phase: Extract<Job["phase"], { kind: "acquired" }>): void {
  if (phase.isCancelRequested) return;
  movePhase(state, job, { ...phase, isCancelRequested: true });
  const runner = state.runners.get(phase.runnerId);
  const session = runner === undefined ? undefined : findSession(state, runner);
  session?.messages.push({ kind: "job-cancellation", messageId: state.options.ids.number("message"), jobId: job.id });
}
