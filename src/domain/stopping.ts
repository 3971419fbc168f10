/**
 * The next step of a machine that is being stopped, or that waits stopped. Pure: `controllers/execute/standby` asks, does
 * the one step, and comes back.
 *
 *     stopping   void the ticket that never left us; wait for the host's word that it holds none; ask the provider, with a
 *                permit, until it says that the machine is stopped
 *     stopped    nothing, until it is to be started or runs without us: then ask the provider until it answers
 */
import type { TicketId } from "./ids.ts";
import { invariant } from "./invariant.ts";
import { type Machine, providerIdOf } from "./machine.ts";
import type { ObservedMachine } from "./observed.ts";
import { type MachinePermitRequest, missingForEnding } from "./permit.ts";
import type { ReasonCode } from "./reasons.ts";
import type { Ticket } from "./ticket.ts";
import { isPast } from "./time.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** After so long without the provider's word that it is stopped it is asked again. */
export const STOP_PATIENCE_MS = 30 * SECOND_MS;
/** A machine that is not stopped after so long ends instead: nobody gets anything from it meanwhile. */
export const STOP_DEADLINE_MS = 15 * MINUTE_MS;

/**
 * A call can take effect so long after it was made, where its answer was lost: a signed request has to reach AWS within five
 * minutes of its time stamp ("Signing AWS API requests", IAM user guide).
 */
export const LATE_CALL_MS = 5 * MINUTE_MS;

export type StoppingStep =
  | { readonly kind: "void-ticket"; readonly ticketId: TicketId }
  /** The executor issues the permit by the proof `parked` right before the call. */
  | { readonly kind: "stop" }
  | { readonly kind: "confirm-stopped" }
  /** It could not be stopped: it ends. */
  | { readonly kind: "give-up" }
  | { readonly kind: "wait"; readonly missing: readonly ReasonCode[] };

export interface StoppingInput {
  readonly machine: Machine;
  /** Every ticket it ever had. */
  readonly tickets: readonly Ticket[];
  /** The provider's word by id, read after the row said `stopping`; null where it could not be read. */
  readonly observed: ObservedMachine | null;
  /** How long ago the provider was last asked to stop it; null where this process did not. */
  readonly askedAgoMs: number | null;
  /** How long ago a call was made, by us or by the process before, of which nobody knows what came; null for none. */
  readonly unansweredAgoMs: number | null;
  /**
   * Whether this process heard its host since it is to be stopped. What a store says that was restored from a backup was
   * said before the machine was started again, and given a ticket of which that store knows nothing.
   */
  readonly isHeard: boolean;
  readonly epoch: MachinePermitRequest["epoch"];
  readonly time: MachinePermitRequest["time"];
}

export function decideStopping(input: StoppingInput): StoppingStep {
  const { machine, tickets, observed, epoch, time, askedAgoMs, unansweredAgoMs } = input;
  invariant(machine.state.kind === "stopping", "only a machine that is to wait stopped is stopped");
  const unsent = tickets.find(({ state }) => state.kind === "minting" || state.kind === "issued");
  if (unsent !== undefined) return { kind: "void-ticket", ticketId: unsent.id };
  const isTheOne = observed?.providerId === providerIdOf(machine);
  if (isTheOne && observed.state === "stopped")
    // A call that comes later would stop it in the middle of its next job.
    return unansweredAgoMs !== null && unansweredAgoMs < LATE_CALL_MS
      ? { kind: "wait", missing: ["stopping"] }
      : { kind: "confirm-stopped" };
  if (isPast(machine.state.sinceMs, STOP_DEADLINE_MS, time)) return { kind: "give-up" };
  const missing = missingForEnding({ kind: "end-machine", machine, tickets, proof: { kind: "parked" }, epoch, time });
  if (missing.length > 0) return { kind: "wait", missing };
  if (!input.isHeard) return { kind: "wait", missing: ["awaits-report"] };
  if (askedAgoMs !== null && askedAgoMs < STOP_PATIENCE_MS) return { kind: "wait", missing: ["stopping"] };
  return { kind: "stop" };
}

/**
 * Whether a stopped machine runs although nobody of us started it. Its agent's check-in says so, and so does the provider,
 * read by id: a listing may be older than the stop.
 */
export function startedByItself(machine: Machine, observed: ObservedMachine | null): boolean {
  if (machine.state.kind !== "stopped" || machine.state.isStarting) return false;
  if (machine.incarnation !== null) return true;
  const isTheOne = observed?.providerId === machine.state.providerId;
  return isTheOne && (observed.state === "starting" || observed.state === "running");
}
