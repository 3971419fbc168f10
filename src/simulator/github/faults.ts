/** Every call that a fault can be put on: the REST calls, and the runner's own calls. */
export type ApiOperation =
  | "get-app"
  | "get-installation"
  | "create-installation-token"
  | "list-runners"
  | "get-runner"
  | "delete-runner"
  | "generate-jitconfig"
  | "list-runner-groups"
  | "get-job"
  | "list-run-jobs"
  | "create-session"
  | "delete-session"
  | "poll-message"
  | "acknowledge"
  | "acquire"
  | "renew"
  | "start-job"
  | "complete-job";

/**
 * What goes wrong with one call. `effect` says whether GitHub did what was asked before it went wrong: an answer that is
 * lost after the effect is the trap of actions/runner and runs-on #546 (the retry finds its own first try).
 * - `answer-lost`: the connection ends without an answer.
 * - `status`: this status and message instead of the answer.
 * - `delay`: the right answer, so much later.
 */
export type FaultOutcome =
  | { readonly kind: "answer-lost"; readonly effect: "done" | "none" }
  | {
      readonly kind: "status";
      readonly effect: "done" | "none";
      readonly status: number;
      readonly message?: string;
      readonly headers?: { readonly [name: string]: string };
    }
  | { readonly kind: "delay"; readonly delayMs: number };

export interface ApiFault {
  readonly operation: ApiOperation;
  readonly outcome: FaultOutcome;
  /** How many calls it still hits. */
  remainingCount: number;
}

/** The fault that this call meets, if any; it counts as met. Faults on one operation are met in the order given. */
export function takeFault(faults: ApiFault[], operation: ApiOperation): FaultOutcome | null {
  const index = faults.findIndex((fault) => fault.operation === operation);
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.remainingCount -= 1;
  if (fault.remainingCount <= 0) faults.splice(index, 1);
  return fault.outcome;
}

/** @param times how many calls it hits; 1 unless given. Returns how to take the fault back. */
export function addFault(faults: ApiFault[], operation: ApiOperation, outcome: FaultOutcome, times = 1): () => void {
  const fault: ApiFault = { operation, outcome, remainingCount: times };
  faults.push(fault);
  return () => {
    const index = faults.indexOf(fault);
    if (index >= 0) faults.splice(index, 1);
  };
}
