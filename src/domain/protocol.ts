/**
 * What agent and controller say to each other. The controller serves this version and, once there is one, the one before.
 *
 * Check-in: the agent proves by what its platform vouches for which machine it is, and gets a token that is worth this
 * machine only. Report: on every change and each heartbeat. Poll: a parked agent waits for a ticket; a ticket is answered
 * again to the same incarnation until a report confirms it.
 */
import type { IncarnationId, MachineId, ProviderId, TicketId } from "./ids.ts";
import type { TicketEnd, TicketStep } from "./ticket.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

export const PROTOCOL_VERSION = 1;
export const HEARTBEAT_MS = 15 * SECOND_MS;
/** How long the controller holds a poll open before it answers that there is nothing. */
export const POLL_HOLD_MS = 25 * SECOND_MS;
/** Ended tickets are reported until the controller confirms each; more than a machine can collect. */
export const REPORTED_ENDS_MAX = 100;

/** What the agent sees of the runner's processes. `unknown` where something could not be read or was not recognised. */
export type Sighting =
  | { readonly kind: "seen"; readonly hasListener: boolean; readonly workerCount: number }
  | { readonly kind: "unknown"; readonly why: string };

export type HostPhase =
  /** Started, has not yet read its journal and process table: says nothing about tickets. */
  | "starting"
  /**
   * Not ready: makes a fresh root for the next ticket, after the last one's remains are gone; or the machine's group has it
   * out of service, or was not heard yet.
   */
  | "preparing"
  | "parked"
  /** Holds a ticket. */
  | "engaged"
  /** Takes no more tickets; ends when the one it holds is over. */
  | "leaving";

/**
 * The controller asks for a ticket back. It is repeated with every answer until the host has either handed it back or
 * refused; what the host does about it goes through its fence. `attempt` tells two orders for the same ticket apart.
 */
export interface HandBackOrder {
  readonly ticketId: TicketId;
  readonly attempt: number;
}

/** The fence found work, or could not tell: the listener goes on as if nothing had been asked. */
export interface FenceRefusal extends HandBackOrder {
  /** In words: "a Worker runs", "the log could not be read". */
  readonly why: string;
}

export interface HostReport {
  readonly phase: HostPhase;
  readonly ticket: { readonly id: TicketId; readonly step: TicketStep } | null;
  /** Tickets that ended here and whose end the controller has not confirmed yet. */
  readonly ended: readonly { readonly id: TicketId; readonly end: TicketEnd }[];
  readonly sighting: Sighting;
  /** The latest order for the held ticket that the fence refused; null if there is none. */
  readonly fence: FenceRefusal | null;
  /** Null while no ticket is held, and where the agent cannot tell. */
  readonly stillness: Stillness | null;
}

/**
 * How long nothing has moved where a ticket is held, by the host's own monotonic clock: yes and no instead of durations,
 * so that an unchanged host says the same thing again. Each is true only where it was seen without a gap.
 */
export interface Stillness {
  /** The runner's log is readable, and its last line about the job's lease is older than `STILL_FOR_MS`. */
  readonly isLeaseOld: boolean;
  /** The Worker's whole tree used no CPU time, and neither runner nor Worker wrote a log, for `STILL_FOR_MS`. */
  readonly isWorkerStill: boolean;
  /** The controller took the last lines of the logs since it became still. */
  readonly areLogsSaved: boolean;
}

/** GitHub gives a job up whose lease was not renewed for 10 minutes; this is past it. */
export const STILL_FOR_MS = 15 * MINUTE_MS;

interface Message {
  readonly machineId: MachineId;
  readonly incarnation: IncarnationId;
}

/** What vouches for the machine. Each provider kind has its own. */
export type Identity =
  | { readonly kind: "process"; readonly secret: string }
  /** EC2's signed identity document (`rsa2048`, base64), as the metadata service gives it to the instance. */
  | { readonly kind: "ec2"; readonly document: string }
  /** A pod's projected service-account token, made for us (audience): its cluster says in which pod it is. */
  | { readonly kind: "kubernetes"; readonly token: string };

export interface CheckInRequest extends Message {
  readonly protocolVersion: number;
  readonly providerId: ProviderId;
  readonly identity: Identity;
  /** The kernel's boot id: incarnations of one boot share it. */
  readonly bootId: string;
  readonly agentVersion: string;
}

export interface CheckInAnswer {
  readonly protocolVersion: number;
  readonly token: string;
  /**
   * As whom the agent speaks from now on; absent from a controller of before: as it checked in. An instance does not know
   * its machine's id: it checks in under `strayMachineId` of its own, and again whenever it is told to.
   */
  readonly machineId?: MachineId;
}

export interface ReportRequest extends Message {
  /** Grows by one with every message of this incarnation; the controller drops older ones. */
  readonly sequence: number;
  /** Highest generation of the store that this agent ever saw: a lower one is a store restored from a backup. */
  readonly storeGeneration: number;
  readonly report: HostReport;
}

export interface ReportAnswer {
  readonly storeGeneration: number;
  /** Ends that are durable with the controller and need not be reported again. */
  readonly confirmedEnds: readonly TicketId[];
  /** The ticket that the controller believes to be out to this machine: the agent must account for it. */
  readonly ticketOut: TicketId | null;
  /** The machine gets no more tickets. */
  readonly isRetiring: boolean;
  readonly handBack: HandBackOrder | null;
  /** An operator pinned the machine, or froze its pool: the agent keeps this, and never powers off by itself meanwhile. */
  readonly isPinned: boolean;
}

export interface PollRequest extends Message {
  readonly sequence: number;
}

export type PollAnswer =
  | { readonly kind: "nothing" }
  | { readonly kind: "ticket"; readonly ticket: OfferedTicket }
  /** Something changed that a report's answer will tell. */
  | { readonly kind: "report" };

export interface OfferedTicket {
  readonly id: TicketId;
  readonly runnerName: string;
  /** GitHub's `encoded_jit_config`: a secret until the ticket is spent; goes to the runner through its environment. */
  readonly jitConfig: string;
}

export interface SavedLogs extends Message {
  readonly ticketId: TicketId | null;
  /** The last lines of each log, by the log's name. */
  readonly logs: readonly { readonly name: string; readonly lines: readonly string[] }[];
}
