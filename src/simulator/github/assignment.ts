import { isPastRuntime } from "./deprecation.ts";
import { completeJob, movePhase } from "./job-phase.ts";
import { coversRepository, endRegistration, findSession, hasLabels, isOnline, isRegistered } from "./runners.ts";
import type { GitHubState, Job, Runner } from "./state.ts";

/** Gives the queued job to an idle online runner that fits, if there is one: a message waits on its session then. */
export function assignJob(state: GitHubState, job: Job, nowMs: number): void {
  if (job.phase.kind !== "queued") return;
  const candidates: Runner[] = [];
  for (const { runnerId } of state.sessions.values()) {
    const runner = state.runners.get(runnerId);
    if (runner !== undefined && canTake(state, runner, job, nowMs)) candidates.push(runner);
  }
  if (candidates.length === 0) return;
  candidates.sort((one, other) => one.id - other.id);
  assign(state, job, state.options.chooseRunner(candidates, job), nowMs);
}

/** Gives the oldest queued job that fits to this runner, if it is idle. */
export function assignRunner(state: GitHubState, runner: Runner, nowMs: number): void {
  for (const job of state.openJobs.values()) {
    if (job.phase.kind !== "queued" || !canTake(state, runner, job, nowMs)) continue;
    assign(state, job, runner, nowMs);
    return;
  }
}

function canTake(state: GitHubState, runner: Runner, job: Job, nowMs: number): boolean {
  return (
    isRegistered(runner) &&
    runner.acquiredJobId === null &&
    runner.assignedJobId === null &&
    isOnline(state, runner, nowMs) &&
    !(runner.version !== null && isPastRuntime(state, runner.version, nowMs)) &&
    hasLabels(runner, job.labels) &&
    coversRepository(state, runner, job.repository)
  );
}

function assign(state: GitHubState, job: Job, runner: Runner, nowMs: number): void {
  const session = findSession(state, runner);
  if (session === undefined) throw new Error(`assigning a job to runner ${runner.name} without a session`);
  const { ids } = state.options;
  const requestId = ids.uuid();
  state.requests.set(requestId, { jobId: job.id, runnerId: runner.id });
  movePhase(state, job, {
    kind: "assigned",
    runnerId: runner.id,
    requestId,
    sinceMs: nowMs,
    isDelivered: false,
    isAcknowledged: false,
  });
  session.messages.push({ kind: "job-request", messageId: ids.number("message"), requestId, jobId: job.id });
}

/** Takes the assignment back: the job queues again, or is cancelled when it was lost too often. */
export function loseAssignment(state: GitHubState, job: Job, nowMs: number): void {
  const { phase } = job;
  if (phase.kind !== "assigned") return;
  withdrawMessage(state, phase.runnerId, phase.requestId);
  job.lostAssignmentCount += 1;
  job.lostByRunnerIds.add(phase.runnerId);
  movePhase(state, job, { kind: "queued", sinceMs: nowMs });
  if (job.lostAssignmentCount >= state.options.lostAssignmentCountMax) {
    completeJob(state, job, "cancelled", "never-acquired", nowMs);
    return;
  }
  assignJob(state, job, nowMs);
}

/** A message that is still on the session is gone with its assignment; one that is on the wire cannot be called back. */
export function withdrawMessage(state: GitHubState, runnerId: number, requestId: string): void {
  const runner = state.runners.get(runnerId);
  const session = runner === undefined ? undefined : findSession(state, runner);
  if (session === undefined) return;
  const index = session.messages.findIndex(
    (message) => message.kind === "job-request" && message.requestId === requestId,
  );
  if (index >= 0) session.messages.splice(index, 1);
}

/** The listener says that it has the message. `not-found`: nobody waits for that job any more. */
export function acknowledge(state: GitHubState, runner: Runner, requestId: string): "ok" | "not-found" {
  const job = findRequestedJob(state, runner, requestId);
  if (job === undefined || job.phase.kind === "completed") return "not-found";
  if (job.phase.kind === "assigned" && job.phase.requestId === requestId) {
    movePhase(state, job, { ...job.phase, isAcknowledged: true });
  }
  return "ok";
}

export type Acquisition =
  | { readonly kind: "acquired"; readonly job: Job; readonly leaseUntilMs: number }
  | { readonly kind: "not-found" }
  | { readonly kind: "conflict" };

/**
 * The listener commits to the job, once. `conflict` (409): somebody took it, or the assignment was lost; `not-found`
 * (404): the job is over. After either, an ephemeral registration is used up although its listener does not know.
 */
export function acquire(state: GitHubState, runner: Runner, requestId: string, nowMs: number): Acquisition {
  const job = findRequestedJob(state, runner, requestId);
  const isDeleted = runner.registration.kind === "ended" && runner.registration.cause === "deleted";
  const isAllowed = !isDeleted || state.options.isAcquireAllowedAfterDelete;
  if (job?.phase.kind === "assigned" && job.phase.requestId === requestId && isAllowed) {
    const leaseUntilMs = nowMs + state.options.leaseMs;
    movePhase(state, job, {
      kind: "acquired",
      runnerId: runner.id,
      requestId,
      sinceMs: nowMs,
      leaseUntilMs,
      startedAtMs: null,
      isCancelRequested: false,
    });
    return { kind: "acquired", job, leaseUntilMs };
  }
  const isHolding = runner.acquiredJobId !== null;
  if (runner.isEphemeral && !isHolding) endRegistration(state, runner, "consumed", nowMs);
  return job === undefined || job.phase.kind === "completed" || !isAllowed
    ? { kind: "not-found" }
    : { kind: "conflict" };
}

export function findRequestedJob(state: GitHubState, runner: Runner, requestId: string): Job | undefined {
  const request = state.requests.get(requestId);
  return request === undefined || request.runnerId !== runner.id ? undefined : state.jobs.get(request.jobId);
}
