/**
 * What an operator's command about one machine writes, or why it writes nothing. Pure. A command is an intent: it ends
 * nothing and starts nothing, the controllers do, and they judge again.
 */
import type { ErrorCode } from "./errors.ts";
import type { Machine, OperatorMark } from "./machine.ts";
import type { PoolPolicy } from "./pool.ts";

export type CommandDecision =
  /** The machine as it is to be saved, its version moved by one. */
  | { readonly kind: "write"; readonly machine: Machine }
  /** What it asks for is so. */
  | { readonly kind: "already" }
  | { readonly kind: "refused"; readonly code: ErrorCode };

const ALREADY: CommandDecision = { kind: "already" };

function write(machine: Machine, changes: Partial<Machine>): CommandDecision {
  return { kind: "write", machine: { ...machine, ...changes, version: machine.version + 1 } };
}

function refuse(code: ErrorCode): CommandDecision {
  return { kind: "refused", code };
}

/** The first who holds it holds it: a second hold changes neither name nor reason. */
export function decideHold(machine: Machine, mark: OperatorMark): CommandDecision {
  if (machine.state.kind === "gone") return refuse("machine-gone");
  if (machine.hold !== null) return ALREADY;
  // What the provider was asked cannot be taken back.
  if (machine.state.kind === "retiring" && machine.state.stage === "confirming") return refuse("machine-ending");
  return write(machine, { hold: mark });
}

export function decideDrain(machine: Machine): CommandDecision {
  if (machine.state.kind === "gone" || machine.state.kind === "retiring") return ALREADY;
  return machine.retireWhenSpent === "drained" ? ALREADY : write(machine, { retireWhenSpent: "drained" });
}

/** Ends the hold; of a machine that is not held, the drain. Nothing leads out of `retiring`. */
export function decideRelease(machine: Machine): CommandDecision {
  if (machine.hold !== null) return write(machine, { hold: null });
  if (machine.state.kind === "retiring") return refuse("machine-ending");
  const isDrained = machine.retireWhenSpent === "drained" && machine.state.kind !== "gone";
  return isDrained ? write(machine, { retireWhenSpent: null }) : ALREADY;
}

export interface ForceSetting {
  readonly mark: OperatorMark;
  readonly isFrozen: boolean;
  readonly mode: PoolPolicy["mode"];
}

export function decideForce(machine: Machine, { mark, isFrozen, mode }: ForceSetting): CommandDecision {
  if (machine.state.kind === "gone") return refuse("machine-gone");
  if (mode === "observe") return refuse("pool-observes");
  if (machine.hold !== null) return refuse("machine-held");
  if (isFrozen) return refuse("pool-frozen");
  return machine.forced === null ? write(machine, { forced: mark }) : ALREADY;
}
