/** Every call that a fault can be put on: the REST calls, and the runner's own calls. */
export type ApiOperation =
  | "get-app"
  | "get-installation"
  | "list-installations"
  | "create-installation-token"
  | "get-hook-config"
  | "list-hooks"
  | "get-hook"
  | "list-deliveries"
  | "get-delivery"
  | "redeliver"
  | "convert-manifest"
  | "get-user"
  | "list-installation-repositories"
  | "list-organization-repositories"
  | "list-user-repositories"
  | "list-runners"
  | "get-runner"
  | "delete-runner"
  | "generate-jitconfig"
  | "list-runner-groups"
  | "get-deprecation"
  | "get-job"
  | "rerun-job"
  | "get-run"
  | "list-runs"
  | "list-run-jobs"
  | RunnerOperation;

/** The runner's own. */
export type RunnerOperation =
  | "create-session"
  | "delete-session"
  | "poll-message"
  | "acknowledge"
  | "acquire"
  | "renew"
  | "start-job"
  | "complete-job";

/** `any`: whichever REST call comes next. Runners' own calls are hit by their names only. */
export type FaultTarget = ApiOperation | "any";

/**
 * What goes wrong with one call. `effect` says whether GitHub did what was asked before it went wrong: an answer that is
 * lost after the effect is the trap of actions/runner and runs-on #546 (the retry finds its own first try).
 * - `answer-lost`: the connection ends without an answer.
 * - `reset`: the same, by a TCP reset.
 * - `half-answer`: GitHub did it, and the connection is reset in the middle of the body.
 * - `slow-body`: the right answer, its body byte by byte over that time.
 * - `status`: this status and message instead of the answer.
 * - `delay`: the right answer, so much later.
 */
export type FaultOutcome =
  | { readonly kind: "answer-lost" | "reset"; readonly effect: "done" | "none" }
  | {
      readonly kind: "status";
      readonly effect: "done" | "none";
      readonly status: number;
      readonly message?: string;
      readonly headers?: { readonly [name: string]: string };
    }
  | { readonly kind: "half-answer" }
  | { readonly kind: "slow-body" | "delay"; readonly delayMs: number };

/** How an answer goes over the wire. */
export type Transmission =
  | { readonly kind: "whole" | "answer-lost" | "reset" | "half-answer" }
  | { readonly kind: "slow-body" | "delay"; readonly delayMs: number };

export interface ApiFault {
  readonly target: FaultTarget;
  readonly outcome: FaultOutcome;
  /** How many calls it still hits. */
  remainingCount: number;
}

const RUNNER_OPERATIONS: ReadonlySet<ApiOperation> = new Set<RunnerOperation>([
  "create-session",
  "delete-session",
  "poll-message",
  "acknowledge",
  "acquire",
  "renew",
  "start-job",
  "complete-job",
]);

/** The fault that this call meets, if any; it counts as met. Faults on one operation are met in the order given. */
export function takeFault(faults: ApiFault[], operation: ApiOperation): FaultOutcome | null {
  const isHit = ({ target }: ApiFault) =>
    target === operation || (target === "any" && !RUNNER_OPERATIONS.has(operation));
  const index = faults.findIndex(isHit);
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.remainingCount -= 1;
  if (fault.remainingCount <= 0) faults.splice(index, 1);
  return fault.outcome;
}

/** @param times how many calls it hits; 1 unless given. Returns how to take the fault back. */
export function addFault(faults: ApiFault[], target: FaultTarget, outcome: FaultOutcome, times = 1): () => void {
  const fault: ApiFault = { target, outcome, remainingCount: times };
  faults.push(fault);
  return () => {
    const index = faults.indexOf(fault);
    if (index >= 0) faults.splice(index, 1);
  };
}
