/**
 * What an agent's report changes in the rows of its machine and tickets. Only an explicit word about a ticket moves it: a
 * report that lists none ends none. Pure and idempotent: the same report applied again changes nothing.
 */
import { isStandIn, provesNoneOut } from "./adoption.ts";
import { REFUSED_REASON } from "./host/journal.ts";
import { type Machine, type MachineEvent, moveMachine } from "./machine.ts";
import type { HostReport } from "./protocol.ts";
import { canTicketMove, isTicketOut, moveTicket, type Ticket, type TicketEnd, type TicketState } from "./ticket.ts";

export interface Attended {
  readonly machine: Machine;
  /** Only those that changed. */
  readonly tickets: readonly Ticket[];
}

/** @param tickets every ticket that the machine ever had. */
export function attendReport(
  machine: Machine,
  tickets: readonly Ticket[],
  report: HostReport,
  nowMs: number,
): Attended {
  const changed = tickets.flatMap((ticket) => {
    const state = nextTicketState(ticket, report, nowMs);
    return state === null ? [] : [moveTicket(ticket, state)];
  });
  const after = tickets.map((ticket) => changed.find((one) => one.id === ticket.id) ?? ticket);
  const event = nextMachineEvent(machine, after, report);
  const moved = event === null ? machine : moveMachine(machine, event, nowMs);
  return { machine: changed.some(hasFailed) ? markFailed(machine, moved) : moved, tickets: changed };
}

/** Its runner was started, or was to be, and ended without a job. A refused ticket says nothing of the machine. */
function hasFailed({ state }: Ticket): boolean {
  return state.kind === "barren" && state.reason !== REFUSED_REASON;
}

/** What failed once would fail the next job too, and each probe of a breaker: a machine that is free comes first. */
function markFailed(before: Machine, moved: Machine): Machine {
  const { kind } = moved.state;
  if (moved.retireWhenSpent !== null || (kind !== "engaged" && kind !== "parked")) return moved;
  return { ...moved, retireWhenSpent: "runner-failed", version: before.version + 1 };
}

function nextTicketState(ticket: Ticket, report: HostReport, nowMs: number): TicketState | null {
  if (!isTicketOut(ticket)) return null;
  if (isStandIn(ticket)) return provesNoneOut(report) ? { kind: "handed-back", sinceMs: nowMs } : null;
  const ended = report.ended.find(({ id }) => id === ticket.id);
  if (ended !== undefined && !contradictsItself(ticket, ended.end, report)) {
    const state = endState(ticket, ended.end, nowMs);
    return canTicketMove(ticket.state.kind, state.kind) ? state : null;
  }
  if (report.ticket?.id !== ticket.id) return null;
  const { step } = report.ticket;
  // Until the host has answered the order, what it says of its step is from before it. A job is a fact at any time.
  if (ticket.state.kind === "handing-back" && step !== "running" && !isRefused(ticket, report)) return null;
  return step !== ticket.state.kind && canTicketMove(ticket.state.kind, step) ? { kind: step, sinceMs: nowMs } : null;
}

/**
 * A ticket that is handed back has its registration deleted at once, which ends a job that runs there after all. So it is
 * not believed of a host that still holds the ticket, sees a Worker, or cannot look.
 */
function contradictsItself(ticket: Ticket, end: TicketEnd, { ticket: held, sighting }: HostReport): boolean {
  if (end.kind !== "handed-back") return false;
  return held?.id === ticket.id || sighting.kind === "unknown" || sighting.workerCount > 0;
}

function isRefused(ticket: Ticket, { fence }: HostReport): boolean {
  return fence !== null && fence.ticketId === ticket.id && fence.attempt === ticket.state.sinceMs;
}

/** A ticket that was seen running had a job: whatever its runner says of its end, it is spent. */
function endState(ticket: Ticket, end: TicketEnd, nowMs: number): TicketState {
  if (end.kind === "spent" || ticket.state.kind === "running") return { kind: "spent", sinceMs: nowMs };
  if (end.kind === "handed-back") return { kind: "handed-back", sinceMs: nowMs };
  return { kind: "barren", reason: end.reason, sinceMs: nowMs };
}

function nextMachineEvent(machine: Machine, tickets: readonly Ticket[], report: HostReport): MachineEvent | null {
  const { sighting } = report;
  const seesNone = sighting.kind === "seen" && !sighting.hasListener && sighting.workerCount === 0;
  const holdsNone = seesNone && report.ticket === null && !tickets.some(isTicketOut);
  switch (machine.state.kind) {
    case "provisioning":
      return holdsNone && report.phase === "parked" ? { kind: "parked" } : null;
    case "engaged":
      // Of a machine whose row was lost, only what rules out a ticket that is still on its way.
      if (machine.origin !== "launched" && !provesNoneOut(report)) return null;
      return holdsNone && report.phase !== "starting" ? { kind: "parked" } : null;
    case "planned":
    case "parked":
    case "stopping":
    case "stopped":
    case "retiring":
    case "gone":
      return null;
  }
}
