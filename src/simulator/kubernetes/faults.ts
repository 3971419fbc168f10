/** What goes wrong with calls to the API server, put on them from outside. */
import type { Reason } from "./errors.ts";
import type { Operation } from "./requests.ts";

/**
 * `effect` says whether the API server did what was asked before it went wrong.
 * - `refused`: this status instead of the answer.
 * - `answer-lost`: the connection ends without an answer; `reset`: the same, by a TCP reset.
 * - `half-answer`: it was done, and the connection is reset in the middle of the body.
 * - `slow-body`, `delay`: the right answer, byte by byte over that time, or so much later.
 */
export type KubernetesFaultOutcome =
  | {
      readonly kind: "refused";
      readonly reason: Reason;
      readonly effect: "done" | "none";
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: "answer-lost" | "reset"; readonly effect: "done" | "none" }
  | { readonly kind: "half-answer" }
  | { readonly kind: "slow-body" | "delay"; readonly delayMs: number };

/** `any`: whichever call comes next. */
export type KubernetesFaultTarget = Operation | "any";

export interface KubernetesFault {
  readonly target: KubernetesFaultTarget;
  readonly outcome: KubernetesFaultOutcome;
  /** How many calls it still hits. */
  remainingCount: number;
}

/** The fault that this call meets, if any; it counts as met. Faults on one operation are met in the order given. */
export function takeKubernetesFault(faults: KubernetesFault[], operation: Operation): KubernetesFaultOutcome | null {
  const index = faults.findIndex(({ target }) => target === operation || target === "any");
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.remainingCount -= 1;
  if (fault.remainingCount <= 0) faults.splice(index, 1);
  return fault.outcome;
}

/** @param times how many calls it hits; 1 unless given. Returns how to take the fault back. */
export function addKubernetesFault(
  faults: KubernetesFault[],
  target: KubernetesFaultTarget,
  outcome: KubernetesFaultOutcome,
  times = 1,
): () => void {
  const fault: KubernetesFault = { target, outcome, remainingCount: times };
  faults.push(fault);
  return () => {
    const index = faults.indexOf(fault);
    if (index >= 0) faults.splice(index, 1);
  };
}
