import { assignRunner, loseAssignment } from "./assignment.ts";
import { viewAsAlreadyCompleted } from "./job-payloads.ts";
import { completeJob, movePhase } from "./job-phase.ts";
import { announceJob } from "./outbox.ts";
import { expireRegistrations } from "./runners.ts";
import type { Conclusion, GitHubState, Job } from "./state.ts";

/** The runner's own words for how a job ended. */
export type JobResult = "Succeeded" | "Failed" | "Canceled" | "Skipped" | "Abandoned";

const CONCLUSIONS: Readonly<Record<JobResult, Conclusion>> = {
  Succeeded: "success",
  Failed: "failure",
  Canceled: "cancelled",
  Skipped: "skipped",
  Abandoned: "failure",
};

/** Holds the job for another lease from now on. `not-found`: the job is over or somebody else's. */
export function renew(
  state: GitHubState,
  requestId: string,
  nowMs: number,
): { readonly leaseUntilMs: number } | "not-found" {
  const held = findHeld(state, requestId);
  if (held === undefined) return "not-found";
  const leaseUntilMs = nowMs + state.options.leaseMs;
  movePhase(state, held.job, { ...held.phase, leaseUntilMs });
  return { leaseUntilMs };
}

/** The Worker began: only now does GitHub show the job as in progress. Repeating it changes nothing. */
export function startJob(state: GitHubState, requestId: string, nowMs: number): "ok" | "not-found" {
  const held = findHeld(state, requestId);
  if (held === undefined) return "not-found";
  const { job, phase } = held;
  if (phase.startedAtMs !== null) return "ok";
  movePhase(state, job, { ...phase, startedAtMs: nowMs });
  announceJob(state, job, "in_progress", nowMs);
  if (job.lies.isCompletedWhileRunning === true) {
    announceJob(state, job, "completed", nowMs, viewAsAlreadyCompleted(state, job, nowMs));
  }
  return "ok";
}

/** The runner reports the end. @param failedStepIndex index into the job's steps, if one failed. */
export function finishJob(
  state: GitHubState,
  requestId: string,
  result: JobResult,
  failedStepIndex: number | null,
  nowMs: number,
): "ok" | "not-found" {
  const held = findHeld(state, requestId);
  if (held === undefined) return "not-found";
  held.job.failedStepIndex = failedStepIndex;
  completeJob(state, held.job, CONCLUSIONS[result], "reported-by-runner", nowMs);
  return "ok";
}

function findHeld(state: GitHubState, requestId: string) {
  const request = state.requests.get(requestId);
  const job = request === undefined ? undefined : state.jobs.get(request.jobId);
  if (job?.phase.kind !== "acquired" || job.phase.requestId !== requestId) return undefined;
  return { job, phase: job.phase };
}

/** Lets everything happen whose time has come: lost assignments, expired leases, jobs and registrations too old. */
export function advance(state: GitHubState, nowMs: number): void {
  for (const job of state.openJobs.values()) {
    const deadlineMs = jobDeadlineMs(state, job);
    if (deadlineMs !== null && deadlineMs <= nowMs) overrun(state, job, nowMs);
  }
  expireRegistrations(state, nowMs);
}

function overrun(state: GitHubState, job: Job, nowMs: number): void {
  const { phase } = job;
  switch (phase.kind) {
    case "assigned":
      loseAssignment(state, job, nowMs);
      reuse(state, phase.runnerId, nowMs);
      return;
    case "acquired":
      // "The self-hosted runner: X lost communication with the server."
      completeJob(state, job, phase.isCancelRequested ? "cancelled" : "failure", "lost-communication", nowMs);
      return;
    case "queued":
      completeJob(state, job, "failure", "queued-too-long", nowMs);
      return;
    case "waiting":
    case "completed":
      return;
  }
}

/** A runner that lost an assignment is idle in GitHub's eyes and may get the next job. */
function reuse(state: GitHubState, runnerId: number, nowMs: number): void {
  const runner = state.runners.get(runnerId);
  if (runner !== undefined) assignRunner(state, runner, nowMs);
}

function jobDeadlineMs(state: GitHubState, job: Job): number | null {
  const { phase } = job;
  const { assignmentTimeoutMs, queuedMaxMs } = state.options;
  switch (phase.kind) {
    case "assigned":
      return phase.sinceMs + assignmentTimeoutMs;
    case "acquired":
      return phase.leaseUntilMs;
    case "queued":
      return job.createdAtMs + queuedMaxMs;
    case "waiting":
    case "completed":
      return null;
  }
}

/** When `advance` or the outbox has something to do next; null if never. */
export function nextDueMs(state: GitHubState): number | null {
  let dueMs: number | null = null;
  const consider = (candidateMs: number | null) => {
    if (candidateMs !== null && (dueMs === null || candidateMs < dueMs)) dueMs = candidateMs;
  };
  for (const job of state.openJobs.values()) consider(jobDeadlineMs(state, job));
  for (const send of state.sends) consider(send.dueMs);
  return dueMs;
}
