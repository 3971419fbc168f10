/**
 * A machine: one EC2 instance, pod or process tree that hosts at most one runner at a time.
 *
 *     planned -> provisioning -> parked <-> engaged -> retiring -> gone
 *     planned -> gone                      the provider positively has nothing for this intent
 *     provisioning | parked -> retiring
 *     provisioning | parked | engaged | gone -> engaged      its row knew less than the truth (`adoption.ts`)
 *     engaged -> retiring                  dead, lost, past a limit, or forced
 *     retiring(proving) -> engaged         the host spoke after all; it retires once its ticket is over
 *     retiring stages: proving -> deregistering -> terminating -> confirming (-> terminating, where it did not take)
 *
 * Busy and idle are verdicts, not states. "Failed", "completed" and "too old" are reasons for retiring, not states.
 * `gone` is the provider's word alone.
 */

import type { IncarnationId, LaunchId, MachineId, PoolName, ProviderId, TicketId } from "./ids.ts";
import { invariant } from "./invariant.ts";
import type { HostReport } from "./protocol.ts";
import type { RetireReason } from "./reasons.ts";

/**
 * `proving`: waits for the proof that its ending is safe (for a machine with a ticket out that proof is the fence).
 * `deregistering`: a registration of its own that never left us is deleted. `terminating`: the provider is asked.
 * `confirming`: the provider was asked and has not yet said that the machine is gone.
 */
export const RETIRING_STAGES = ["proving", "deregistering", "terminating", "confirming"] as const;
export type RetiringStage = (typeof RETIRING_STAGES)[number];

export type MachineState =
  | { readonly kind: "planned"; readonly sinceMs: number }
  | { readonly kind: "provisioning"; readonly providerId: ProviderId; readonly sinceMs: number }
  | { readonly kind: "parked"; readonly providerId: ProviderId; readonly sinceMs: number }
  | {
      readonly kind: "engaged";
      readonly providerId: ProviderId;
      readonly ticketId: TicketId;
      readonly sinceMs: number;
    }
  | {
      readonly kind: "retiring";
      readonly providerId: ProviderId;
      readonly stage: RetiringStage;
      readonly reason: RetireReason;
      /** The agent's sequence number at the compare-and-set: only a later report can prove anything about after it. */
      readonly heardSequence: number;
      readonly sinceMs: number;
    }
  | {
      readonly kind: "gone";
      readonly providerId: ProviderId | null;
      readonly reason: GoneReason;
      readonly sinceMs: number;
    };

/** Why a row closed: what it was retired for, or that nothing was ever started for it. */
export type GoneReason = RetireReason | "never-launched";
export type MachineStateKind = MachineState["kind"];

export interface Machine {
  readonly id: MachineId;
  readonly pool: PoolName;
  readonly launchId: LaunchId;
  /** Whether our own launch intent wrote the row. What an adopted or restored machine did before, we cannot know. */
  readonly origin: "launched" | "adopted" | "restored";
  readonly state: MachineState;
  readonly version: number;
  readonly settingsHash: string;
  /** Tickets delivered in its life; at most `jobsPerMachine`, whatever its agent says. */
  readonly ticketsGiven: number;
  /** Somebody tried to check in or report as this machine, a refused try included. */
  readonly isAgentSeen: boolean;
  readonly incarnation: IncarnationId | null;
  /** The highest sequence number taken of this incarnation; 0 before its first report. */
  readonly sequence: number;
  readonly report: HostReport | null;
  /** Set while a ticket is out: the machine retires for this once the ticket is over. */
  readonly retireWhenSpent: RetireReason | null;
  /** An operator pinned it: it gets no ticket and is not ended until it is released. */
  readonly hold: OperatorMark | null;
  /** An operator forces its end. Never taken back. */
  readonly forced: OperatorMark | null;
  readonly createdAtMs: number;
}

/** An operator's word, as it is stored and shown. */
export interface OperatorMark {
  readonly operator: string;
  readonly reason: string;
  readonly atMs: number;
}

export type MachineEvent =
  | { readonly kind: "launched"; readonly providerId: ProviderId }
  | { readonly kind: "never-launched" }
  /** The agent is connected, holds no ticket and is ready for one. */
  | { readonly kind: "parked" }
  /** Its ticket is about to leave us. */
  | { readonly kind: "engaged"; readonly ticketId: TicketId }
  /** A ticket may be out to it of which its row did not know. */
  | { readonly kind: "presumed"; readonly ticketId: TicketId }
  | { readonly kind: "retired"; readonly reason: RetireReason }
  | { readonly kind: "stage"; readonly stage: RetiringStage }
  /** Its host was heard with a ticket before any permit was issued: it goes on, and retires once the ticket is over. */
  | { readonly kind: "resumed"; readonly ticketId: TicketId }
  /** The provider's word that it no longer exists. */
  | { readonly kind: "confirmed-gone" };

function refuse(machine: Machine, event: MachineEvent): never {
  invariant(false, `machine ${machine.id} in ${machine.state.kind} does not take ${JSON.stringify(event)}`);
}

function nextState(machine: Machine, event: MachineEvent, nowMs: number): MachineState {
  const { state } = machine;
  switch (event.kind) {
    case "launched":
      if (state.kind !== "planned") return refuse(machine, event);
      return { kind: "provisioning", providerId: event.providerId, sinceMs: nowMs };
    case "never-launched":
      if (state.kind !== "planned") return refuse(machine, event);
      return { kind: "gone", providerId: null, reason: "never-launched", sinceMs: nowMs };
    case "parked":
      if (state.kind !== "provisioning" && state.kind !== "engaged") return refuse(machine, event);
      return { kind: "parked", providerId: state.providerId, sinceMs: nowMs };
    case "engaged":
      if (state.kind !== "parked") return refuse(machine, event);
      return { kind: "engaged", providerId: state.providerId, ticketId: event.ticketId, sinceMs: nowMs };
    case "presumed":
      if (state.kind === "planned" || state.kind === "retiring" || state.providerId === null)
        return refuse(machine, event);
      return { kind: "engaged", providerId: state.providerId, ticketId: event.ticketId, sinceMs: nowMs };
    case "retired":
      if (state.kind !== "provisioning" && state.kind !== "parked" && state.kind !== "engaged")
        return refuse(machine, event);
      return {
        kind: "retiring",
        providerId: state.providerId,
        stage: "proving",
        reason: event.reason,
        heardSequence: machine.sequence,
        sinceMs: nowMs,
      };
    case "stage":
      if (state.kind !== "retiring" || !canStageMove(state.stage, event.stage)) return refuse(machine, event);
      return { ...state, stage: event.stage, sinceMs: nowMs };
    case "resumed":
      if (state.kind !== "retiring" || state.stage !== "proving") return refuse(machine, event);
      return { kind: "engaged", providerId: state.providerId, ticketId: event.ticketId, sinceMs: nowMs };
    case "confirmed-gone":
      if (state.kind !== "retiring") return refuse(machine, event);
      return { kind: "gone", providerId: state.providerId, reason: state.reason, sinceMs: nowMs };
  }
}

/** Forward one or more stages, or from `confirming` back to `terminating`; never back to where no permit was needed. */
export function canStageMove(from: RetiringStage, to: RetiringStage): boolean {
  if (from === "confirming" && to === "terminating") return true;
  return RETIRING_STAGES.indexOf(to) > RETIRING_STAGES.indexOf(from);
}

/** The one transition function: anything not drawn above throws. Moves the version by one. */
export function moveMachine(machine: Machine, event: MachineEvent, nowMs: number): Machine {
  const state = nextState(machine, event, nowMs);
  const ticketsGiven = machine.ticketsGiven + (event.kind === "engaged" ? 1 : 0);
  const resumedFor = event.kind === "resumed" && machine.state.kind === "retiring" ? machine.state.reason : null;
  const retireWhenSpent = resumedFor ?? machine.retireWhenSpent;
  return { ...machine, state, ticketsGiven, retireWhenSpent, version: machine.version + 1 };
}

/** Whether the machine may exist: only the provider's word that it is gone ends our responsibility. */
export function countsAsMachine(machine: Machine): boolean {
  return machine.state.kind !== "gone";
}

export function providerIdOf(machine: Machine): ProviderId | null {
  return machine.state.kind === "planned" ? null : machine.state.providerId;
}

/** Whether the machine may still be given a ticket in its life. */
export function hasTicketsLeft(machine: Machine, jobsPerMachine: number): boolean {
  return machine.ticketsGiven < jobsPerMachine;
}
