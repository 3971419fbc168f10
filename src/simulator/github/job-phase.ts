import { announceJob } from "./outbox.ts";
import { endRegistration } from "./runners.ts";
import type { CompletionCause, Conclusion, GitHubState, Job, JobPhase } from "./state.ts";

/** The one way by which a job changes: runners' claims on it follow, and the driver learns of it. */
export function movePhase(state: GitHubState, job: Job, phase: JobPhase): void {
  const before = runnerOf(state, job.phase);
  if (before?.assignedJobId === job.id) before.assignedJobId = null;
  if (before?.acquiredJobId === job.id) before.acquiredJobId = null;
  job.phase = phase;
  if (phase.kind === "completed") state.openJobs.delete(job.id);
  const after = runnerOf(state, phase);
  if (after !== undefined && phase.kind === "assigned") after.assignedJobId = job.id;
  if (after !== undefined && phase.kind === "acquired") after.acquiredJobId = job.id;
  state.changedJobIds.add(job.id);
}

function runnerOf(state: GitHubState, phase: JobPhase) {
  return phase.kind === "assigned" || phase.kind === "acquired" ? state.runners.get(phase.runnerId) : undefined;
}

/** Ends the job, announces it, and ends the registration of an ephemeral runner that had acquired it. */
export function completeJob(
  state: GitHubState,
  job: Job,
  conclusion: Conclusion,
  cause: CompletionCause,
  nowMs: number,
): void {
  const { phase } = job;
  if (phase.kind === "completed") return;
  const acquired = phase.kind === "acquired" ? phase : null;
  const startedAtMs = acquired?.startedAtMs ?? null;
  movePhase(state, job, {
    kind: "completed",
    conclusion,
    cause,
    atMs: nowMs,
    startedAtMs,
    runnerId: acquired?.runnerId ?? null,
  });
  const runner = acquired === null ? undefined : state.runners.get(acquired.runnerId);
  if (runner?.isEphemeral === true) endRegistration(state, runner, "job-done", nowMs);
  const isAnnounced = job.lies.isCompletedWhileRunning === true && startedAtMs !== null;
  if (!isAnnounced) announceJob(state, job, "completed", nowMs);
}
