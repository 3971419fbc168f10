/**
 * How the stand-in runner and the simulated GitHub talk. The protocol is our own, under a prefix of its own, but it has
 * the moments of the real broker protocol, in the real order:
 *
 * session created; message delivered (the long poll returns); acknowledged; acquired; renewed (each 60 s); the Worker
 * starts; the Worker completes the job; session deleted.
 *
 * All bodies are JSON. The listener authenticates with `Bearer <AgentId>:<secret>` from its JIT configuration; renew,
 * start and complete take the job's own token instead, which outlives the registration, as in the real runner.
 */
export const PROTOCOL_PREFIX = "/stand-in/v1";

/**
 * POST `/sessions` -> 201 OpenedSession | 404 RunnerNotFound | 409 a session for this runner already exists | 403
 * AccessDenied for a version that GitHub talks to no more, which polls get too.
 */
export interface OpenSession {
  readonly agentId: number;
  readonly agentName: string;
  readonly version: string;
  readonly os: string;
}

export interface OpenedSession {
  readonly sessionId: string;
}

/**
 * GET `/sessions/{sessionId}/message?status=Online|Busy` -> 200 BrokerMessage | 202 nothing within the long poll |
 * 404 `errorKind` RunnerNotFound (registration deleted) or RunnerSessionInvalid.
 * DELETE `/sessions/{sessionId}` -> 204.
 */
export type BrokerMessage =
  | { readonly messageType: "RunnerJobRequest"; readonly messageId: number; readonly runnerRequestId: string }
  | { readonly messageType: "JobCancellation"; readonly messageId: number; readonly jobId: string };

export type RunnerState = "Online" | "Busy";

/** POST `/acknowledge` -> 204 | 404; POST `/acquire` -> 200 AcquiredJob | 404 | 409. */
export interface RequestReference {
  readonly runnerRequestId: string;
}

/** What the listener hands to the Worker as it is. */
export interface AcquiredJob {
  /** Grows by one with each acquired job; what the perf counters call the request id. */
  readonly requestId: number;
  readonly runnerRequestId: string;
  readonly planId: string;
  /** A GUID, not the number of REST. */
  readonly jobId: string;
  readonly jobDisplayName: string;
  /** For `/renew`, `/start` and `/complete`, in `Authorization`. */
  readonly token: string;
  readonly lockedUntilMs: number;
  readonly steps: readonly string[];
  readonly repository: string;
  readonly runId: number;
  readonly runAttempt: number;
  readonly workflowName: string;
  readonly headSha: string;
  readonly headBranch: string;
}

/** POST `/renew` with the job's token -> 200 | 404. */
export interface Renewal {
  readonly lockedUntilMs: number;
}

export type TaskResult = "Succeeded" | "Failed" | "Canceled" | "Skipped" | "Abandoned";

/** POST `/start` -> 204 | 404; POST `/complete` -> 204 | 404, both with the job's token. */
export interface Completion {
  readonly result: TaskResult;
  readonly failedStepIndex: number | null;
}

/** The body of every refusal. */
export interface BrokerRefusal {
  readonly errorKind:
    | "RunnerNotFound"
    | "RunnerSessionInvalid"
    | "SessionConflict"
    | "JobNotFound"
    | "JobAlreadyAcquired"
    | "Unauthorized"
    | "AccessDenied"
    | "Malformed";
  readonly message: string;
}

/** A Worker's exit code is this much more than the number of its result. */
const RESULT_CODE_OFFSET = 100;
/** In the order of the real runner's TaskResult; 1 is SucceededWithIssues. */
const RESULT_CODES: Readonly<Record<TaskResult, number>> = {
  Succeeded: 0,
  Failed: 2,
  Canceled: 3,
  Skipped: 4,
  Abandoned: 5,
};

export function exitCodeOf(result: TaskResult): number {
  return RESULT_CODE_OFFSET + RESULT_CODES[result];
}

/** What an exit code says. `crashed`: it is no result, so the Worker did not report either. */
export function resultOf(exitCode: number): TaskResult | "crashed" {
  for (const [result, code] of Object.entries(RESULT_CODES)) {
    if (RESULT_CODE_OFFSET + code === exitCode) return result as TaskResult;
  }
  return "crashed";
}
