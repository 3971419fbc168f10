/**
 * A machine: one EC2 instance, pod or process tree that hosts at most one runner at a time.
 *
 *     planned -> provisioning -> parked <-> engaged -> retiring -> gone
 *     planned -> gone                      the provider positively has nothing for this intent
 *     provisioning | parked -> retiring
 *     parked -> stopping -> stopped -> provisioning        it waits stopped (`warm.stopped`), and is started for a job
 *     stopping | stopped -> retiring
 *     any but planned -> engaged           its row knew less than the truth (`adoption.ts`)
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
      /** It gets no ticket any more; the provider is asked to stop it once a later report says that it holds none. */
      readonly kind: "stopping";
      readonly providerId: ProviderId;
      /** The agent's sequence number at the compare-and-set, as of a retiring machine. */
      readonly heardSequence: number;
      readonly sinceMs: number;
    }
  | {
      /** The provider's word that nothing runs there. */
      readonly kind: "stopped";
      readonly providerId: ProviderId;
      /** Of the state `stopping`. */
      readonly heardSequence: number;
      /** It is to be started: the provider is asked until it answers, after a restart of ours too. */
      readonly isStarting: boolean;
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
/** All of them, in the order in which a machine may come to them. */
export const MACHINE_STATES = [
  "planned",
  "provisioning",
  "parked",
  "stopping",
  "stopped",
  "engaged",
  "retiring",
  "gone",
] as const satisfies readonly MachineStateKind[];

export interface Machine {
  readonly id: MachineId;
  readonly pool: PoolName;
  readonly launchId: LaunchId;
  /**
   * `launched`: our own launch intent wrote the row, or it was written at first sight of a machine that had never run; either
   * way the row knows all of it. What an adopted or restored machine did before, we cannot know.
   */
  readonly origin: "launched" | "adopted" | "restored";
  readonly state: MachineState;
  readonly version: number;
  /** What it was made from; whatever was found is of none that a pool has, and is replaced. */
  readonly settingsHash: string;
  /**
   * Hashes of the settings by whose places it was found: it is in one of those. Null: where its own settings put it, or, of
   * a machine that was adopted by an older version, wherever the pool ever was.
   */
  readonly foundBySettings: readonly string[] | null;
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
  /** It is to wait stopped. Whoever gave it a ticket in between has won, by the row's version. */
  | { readonly kind: "stopping" }
  /** The provider says that it is stopped: whoever spoke as it until now speaks no more. */
  | { readonly kind: "stopped" }
  | { readonly kind: "start-wanted" }
  /** The provider's word that it stays stopped. */
  | { readonly kind: "start-refused" }
  /** The provider started it, or somebody else did. It boots like a new one. */
  | { readonly kind: "started" }
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
      if (state.kind === "planned" || state.providerId === null) return refuse(machine, event);
      return { kind: "engaged", providerId: state.providerId, ticketId: event.ticketId, sinceMs: nowMs };
    case "retired":
      return retire(machine, event, nowMs);
    case "stopping":
    case "stopped":
    case "start-wanted":
    case "start-refused":
    case "started":
      return moveStandby(machine, event, nowMs);
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

type EventOf<Kind extends MachineEvent["kind"]> = MachineEvent & { readonly kind: Kind };

function retire(machine: Machine, event: EventOf<"retired">, nowMs: number): MachineState {
  const { state } = machine;
  const isStandby = state.kind === "stopping" || state.kind === "stopped";
  if (state.kind !== "provisioning" && state.kind !== "parked" && state.kind !== "engaged" && !isStandby)
    return refuse(machine, event);
  return {
    kind: "retiring",
    providerId: state.providerId,
    stage: "proving",
    reason: event.reason,
    heardSequence: machine.sequence,
    sinceMs: nowMs,
  };
}

function moveStandby(
  machine: Machine,
  event: EventOf<"stopping" | "stopped" | "start-wanted" | "start-refused" | "started">,
  nowMs: number,
): MachineState {
  const { state, sequence } = machine;
  if (event.kind === "stopping") {
    if (state.kind !== "parked") return refuse(machine, event);
    return { kind: "stopping", providerId: state.providerId, heardSequence: sequence, sinceMs: nowMs };
  }
  if (event.kind === "stopped") {
    if (state.kind !== "stopping") return refuse(machine, event);
    return { ...state, kind: "stopped", isStarting: false, sinceMs: nowMs };
  }
  if (state.kind !== "stopped") return refuse(machine, event);
  if (event.kind === "started") return { kind: "provisioning", providerId: state.providerId, sinceMs: nowMs };
  const isStarting = event.kind === "start-wanted";
  if (state.isStarting === isStarting) return refuse(machine, event);
  return { ...state, isStarting, sinceMs: nowMs };
}

/**
 * Who spoke as a machine before it was stopped does not after. One that boots is as unheard of as a new one, unless its new
 * agent was faster than the provider's answer.
 */
function voiceAfter(machine: Machine, event: MachineEvent): Pick<Machine, "incarnation" | "sequence" | "report"> {
  const { incarnation, sequence, report } = machine;
  if (event.kind === "stopped") return { incarnation: null, sequence, report };
  const isUnheard = event.kind === "started" && incarnation === null;
  return isUnheard ? { incarnation, sequence: 0, report: null } : { incarnation, sequence, report };
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
  const voice = voiceAfter(machine, event);
  return { ...machine, ...voice, state, ticketsGiven, retireWhenSpent, version: machine.version + 1 };
}

/** Whether the machine may exist: only the provider's word that it is gone ends our responsibility. */
export function countsAsMachine(machine: Machine): boolean {
  return machine.state.kind !== "gone";
}

export function providerIdOf(machine: Machine): ProviderId | null {
  return machine.state.kind === "planned" ? null : machine.state.providerId;
}

/**
 * Its row was written at first sight, when it had never run. Who made it nobody knows, and the controller of another store
 * may give it tickets: what it does once it has started only its host's word tells.
 */
export function isOfFirstSight({ origin, retireWhenSpent }: Machine): boolean {
  return origin === "launched" && retireWhenSpent === "adopted";
}

/** Whether the machine may still be given a ticket in its life. */
export function hasTicketsLeft(machine: Machine, jobsPerMachine: number): boolean {
  return machine.ticketsGiven < jobsPerMachine;
}
