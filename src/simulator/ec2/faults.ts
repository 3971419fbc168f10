/** What goes wrong with calls to EC2, put on them from outside. */
import type { Ec2Action } from "./api.ts";
import type { Ec2ErrorCode } from "./errors.ts";

/**
 * `effect` says whether EC2 did what was asked before it went wrong: an answer that is lost after the effect is the trap
 * that a ClientToken is for.
 * - `error`: this error instead of the answer.
 * - `answer-lost`: the connection ends without an answer; `reset`: the same, by a TCP reset.
 * - `half-answer`: EC2 did it, and the connection is reset in the middle of the body.
 * - `slow-body`, `delay`: the right answer, byte by byte over that time, or so much later.
 */
export type Ec2FaultOutcome =
  | {
      readonly kind: "error";
      readonly code: Ec2ErrorCode;
      readonly effect: "done" | "none";
      readonly message?: string;
    }
  | { readonly kind: "answer-lost" | "reset"; readonly effect: "done" | "none" }
  | { readonly kind: "half-answer" }
  | { readonly kind: "slow-body" | "delay"; readonly delayMs: number };

/** `any`: whichever call comes next. */
export type Ec2FaultTarget = Ec2Action | "any";

export interface Ec2Fault {
  readonly target: Ec2FaultTarget;
  readonly outcome: Ec2FaultOutcome;
  /** How many calls it still hits. */
  remainingCount: number;
}

/** The fault that this call meets, if any; it counts as met. Faults on one action are met in the order given. */
export function takeEc2Fault(faults: Ec2Fault[], action: Ec2Action): Ec2FaultOutcome | null {
  const index = faults.findIndex(({ target }) => target === action || target === "any");
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.remainingCount -= 1;
  if (fault.remainingCount <= 0) faults.splice(index, 1);
  return fault.outcome;
}

/** @param times how many calls it hits; 1 unless given. Returns how to take the fault back. */
export function addEc2Fault(
  faults: Ec2Fault[],
  target: Ec2FaultTarget,
  outcome: Ec2FaultOutcome,
  times = 1,
): () => void {
  const fault: Ec2Fault = { target, outcome, remainingCount: times };
  faults.push(fault);
  return () => {
    const index = faults.indexOf(fault);
    if (index >= 0) faults.splice(index, 1);
  };
}
