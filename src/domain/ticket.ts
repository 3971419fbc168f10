/**
 * A ticket: one single-use (JIT) registration handed to one machine, the permission to run one job.
 *
 *     minting -> issued -> delivered -> online -> running -> spent
 *     minting | issued -> void                     it never left us
 *     delivered | online -> barren                 its runner ended without a job
 *     delivered | online -> handing-back -> handed-back | delivered | online | running
 *     delivered | online -> handed-back            by its own host, which leaves or is left alone
 *     any that left us -> lost                     its machine is gone
 *     unknown -> delivered | online | running | spent | barren | handed-back | lost      adopted or restored rows
 *     any that is not over -> unknown              the store was restored: it may know less than the truth
 *     lost -> unknown                              its machine is there after all
 *     void -> unknown                              its host holds it: the store was restored, and we voided it before we knew
 *
 * An agent reports the present step, and may have missed to report the ones between: `delivered -> running` and
 * `delivered -> spent` are the same path walked faster.
 */

import type { ConnectionName, IncarnationId, JobId, MachineId, PoolName, RunnerId, TicketId } from "./ids.ts";
import { invariant } from "./invariant.ts";
import type { RegistrationScope } from "./pool.ts";

/** Why a ticket is asked back; unknown of those that an earlier version asked for. */
export type HandBackReason =
  /** Its runner is not online by its deadline. */
  | "runner-late"
  /** Online without a job, and no waiting job could come to it. */
  | "idle-ticket"
  /** Online without a job for so long that GitHub has forgotten its registration, though jobs wait. */
  | "deaf-listener"
  /** Kept online in advance (`warm.registered`), and so long that it is replaced by a new one. */
  | "listener-old"
  /** Its machine is to go as soon as it may. */
  | "draining";

export type TicketState =
  | { readonly kind: "minting"; readonly sinceMs: number }
  | { readonly kind: "issued"; readonly sinceMs: number }
  | { readonly kind: "delivered"; readonly sinceMs: number }
  | { readonly kind: "online"; readonly sinceMs: number }
  | { readonly kind: "running"; readonly sinceMs: number }
  | { readonly kind: "spent"; readonly sinceMs: number }
  | { readonly kind: "barren"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "handing-back"; readonly sinceMs: number; readonly reason: HandBackReason | null }
  | { readonly kind: "handed-back"; readonly sinceMs: number }
  | { readonly kind: "void"; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: "lost"; readonly sinceMs: number }
  | { readonly kind: "unknown"; readonly sinceMs: number };

export type TicketStateKind = TicketState["kind"];

/**
 * What became of the registration at GitHub. `unknown` from the moment we may have asked for it until the answer:
 * an answer that got lost is resolved by the runner's name.
 */
export type RegistrationState = "none" | "unknown" | "present" | "gone";

/**
 * What it was made for. `job`: one that waits. `registered`: a listener that is to be online before a job comes.
 * `ready`: to be here when a job comes; it does not leave us before it is aimed at one.
 */
export const TICKET_PURPOSES = ["job", "registered", "ready"] as const;
export type TicketPurpose = (typeof TICKET_PURPOSES)[number];

export interface Ticket {
  readonly id: TicketId;
  readonly pool: PoolName;
  readonly connection: ConnectionName;
  readonly scope: RegistrationScope;
  readonly machineId: MachineId;
  readonly purpose: TicketPurpose;
  /** The job that made us want it, or that it was aimed at. GitHub may give its runner any other that fits. */
  readonly jobId: JobId | null;
  /** When it began to count for that job; null where it counts for none. */
  readonly aimedAtMs: number | null;
  /** Written before GitHub is asked: unique, and the key by which a lost answer is resolved. */
  readonly runnerName: string;
  readonly runnerId: RunnerId | null;
  readonly registration: RegistrationState;
  /** Its agent once said that its listener has a session, or a job. */
  readonly wasOnline: boolean;
  /** The start of the agent that it was answered to; null until delivered. */
  readonly deliveredTo: IncarnationId | null;
  readonly state: TicketState;
  readonly version: number;
  readonly createdAtMs: number;
}

const NEXT: Readonly<Record<TicketStateKind, readonly TicketStateKind[]>> = {
  minting: ["issued", "void", "unknown"],
  issued: ["delivered", "void", "unknown"],
  delivered: ["online", "running", "spent", "barren", "handing-back", "handed-back", "lost", "unknown"],
  online: ["running", "spent", "barren", "handing-back", "handed-back", "lost", "unknown"],
  running: ["spent", "lost", "unknown"],
  "handing-back": ["handed-back", "delivered", "online", "running", "spent", "barren", "lost", "unknown"],
  unknown: ["delivered", "online", "running", "spent", "barren", "handed-back", "lost"],
  spent: [],
  barren: [],
  "handed-back": [],
  void: ["unknown"],
  lost: ["unknown"],
};

export function canTicketMove(from: TicketStateKind, to: TicketStateKind): boolean {
  return NEXT[from].includes(to);
}

/** The one transition function: anything not drawn above throws. Moves the version by one. */
export function moveTicket(ticket: Ticket, state: TicketState): Ticket {
  invariant(
    canTicketMove(ticket.state.kind, state.kind),
    `ticket ${ticket.id} does not go from ${ticket.state.kind} to ${state.kind}`,
  );
  const wasOnline = ticket.wasOnline || state.kind === "online" || state.kind === "running" || state.kind === "spent";
  return { ...ticket, state, wasOnline, version: ticket.version + 1 };
}

/** May have left the controller and is not known to be over: the presumption makes its machine busy. */
export function isTicketOut(ticket: { readonly state: Pick<TicketState, "kind"> }): boolean {
  switch (ticket.state.kind) {
    case "delivered":
    case "online":
    case "running":
    case "handing-back":
    case "unknown":
      return true;
    case "minting":
    case "issued":
    case "spent":
    case "barren":
    case "handed-back":
    case "void":
    case "lost":
      return false;
  }
}

/** Bound to its machine and still good for something: a machine has at most one such ticket. */
export function isTicketLive(ticket: { readonly state: Pick<TicketState, "kind"> }): boolean {
  return ticket.state.kind === "minting" || ticket.state.kind === "issued" || isTicketOut(ticket);
}

/** No job can come to it any more, by the host's word or because it never left us; its registration may be deleted. */
export function isTicketOver(ticket: Ticket): boolean {
  return !isTicketLive(ticket);
}

/** Made in advance and not meant for a job yet: it stays with us, whatever its machine asks for. */
export function isHeldReady({ purpose, jobId }: Ticket): boolean {
  return purpose === "ready" && jobId === null;
}

/** How an agent reports the end of a ticket; the same report may come many times. */
export type TicketEnd =
  | { readonly kind: "spent" }
  /** Its listener was killed by the fence while it certainly had no job; its registration is to be deleted at once. */
  | { readonly kind: "handed-back" }
  /** @property reason the runner's exit code, or why it never started. */
  | { readonly kind: "barren"; readonly reason: string };

/** The steps of a ticket that a host reports while it holds one, in their order. */
export const TICKET_STEPS = ["delivered", "online", "running"] as const;
export type TicketStep = (typeof TICKET_STEPS)[number];
