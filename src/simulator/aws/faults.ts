/** What goes wrong with calls to one of AWS's services, put on them from outside. */
import type { Transmission } from "../github/faults.ts";

/**
 * `effect` says whether the service did what was asked before it went wrong: an answer that is lost after the effect is the
 * trap that idempotent calls are for.
 * - `error`: this error instead of the answer.
 * - `answer-lost`: the connection ends without an answer; `reset`: the same, by a TCP reset.
 * - `half-answer`: the service did it, and the connection is reset in the middle of the body.
 * - `slow-body`, `delay`: the right answer, byte by byte over that time, or so much later.
 */
export type AwsFaultOutcome<Code extends string> =
  | { readonly kind: "error"; readonly code: Code; readonly effect: "done" | "none"; readonly message?: string }
  | { readonly kind: "answer-lost" | "reset"; readonly effect: "done" | "none" }
  | { readonly kind: "half-answer" }
  | { readonly kind: "slow-body" | "delay"; readonly delayMs: number };

/** `any`: whichever call comes next. */
export type AwsFaultTarget<Action extends string> = Action | "any";

export interface AwsFault<Action extends string, Code extends string> {
  readonly target: AwsFaultTarget<Action>;
  readonly outcome: AwsFaultOutcome<Code>;
  /** How many calls it still hits. */
  remainingCount: number;
}

/** The fault that this call meets, if any; it counts as met. Faults on one action are met in the order given. */
export function takeFault<Action extends string, Code extends string>(
  faults: AwsFault<Action, Code>[],
  action: Action,
): AwsFaultOutcome<Code> | null {
  const index = faults.findIndex(({ target }) => target === action || target === "any");
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.remainingCount -= 1;
  if (fault.remainingCount <= 0) faults.splice(index, 1);
  return fault.outcome;
}

/** @param times how many calls it hits; 1 unless given. Returns how to take the fault back. */
export function addFault<Action extends string, Code extends string>(
  faults: AwsFault<Action, Code>[],
  target: AwsFaultTarget<Action>,
  outcome: AwsFaultOutcome<Code>,
  times = 1,
): () => void {
  const fault: AwsFault<Action, Code> = { target, outcome, remainingCount: times };
  faults.push(fault);
  return () => {
    const index = faults.indexOf(fault);
    if (index >= 0) faults.splice(index, 1);
  };
}

export type AwsResult<Code extends string, Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "refused"; readonly code: Code; readonly message: string };

/** What became of a call, and what the caller gets to see of it. */
export interface AwsOutcome<Code extends string, Answer> {
  readonly result: AwsResult<Code, Answer>;
  readonly transmission: Transmission;
}

export function meetFault<Code extends string, Answer>(
  fault: AwsFaultOutcome<Code> | null,
  effect: () => AwsResult<Code, Answer>,
  nothing: Answer,
): AwsOutcome<Code, Answer> {
  switch (fault?.kind) {
    case undefined:
      return { result: effect(), transmission: { kind: "whole" } };
    case "delay":
    case "slow-body":
    case "half-answer":
      return { result: effect(), transmission: fault };
    case "answer-lost":
    case "reset": {
      const lost: AwsResult<Code, Answer> = { kind: "answered", answer: nothing };
      return { result: fault.effect === "done" ? effect() : lost, transmission: { kind: fault.kind } };
    }
    case "error": {
      const { code, message = `The request failed with ${code}, as it was told to.` } = fault;
      if (fault.effect === "done") effect();
      return { result: { kind: "refused", code, message }, transmission: { kind: "whole" } };
    }
  }
}
