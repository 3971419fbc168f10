/**
 * For how long each host's fence has refused to hand its ticket back, order after order. What is between two refusals counts
 * only where they follow one another, and where nothing was seen that a job would have shown.
 */
import type { TicketId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { HostReport } from "../../domain/protocol.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { type HeardTime, isPast } from "../../domain/time.ts";
import { MINUTE_MS } from "../../domain/units.ts";

/** A ticket that is to be handed back is asked for every few minutes. */
const REFUSALS_APART_MAX_MS = 15 * MINUTE_MS;
const LASTING_MS = 30 * MINUTE_MS;

export interface Refusals {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly attempt: number;
}

/**
 * Those that have gone on for so long that nobody will ever know: what the runner wrote is lost, because its disk was full
 * when it started, or nobody can read it. Its listener could take a job at any moment, so nothing but that job, or an
 * operator's word, ends it.
 */
export function countLasting(refusals: ReadonlyMap<TicketId, Refusals>, time: HeardTime): number {
  return [...refusals.values()].filter(({ sinceMs }) => isPast(sinceMs, LASTING_MS, time)).length;
}

/** @param before as of the last pass. @param tickets the live ones. */
export function followRefusals(
  before: ReadonlyMap<TicketId, Refusals>,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
  nowMs: number,
): ReadonlyMap<TicketId, Refusals> {
  const byId = new Map(machines.map((machine) => [machine.id, machine]));
  return new Map(
    tickets.flatMap((ticket) => {
      const machine = byId.get(ticket.machineId);
      const after = machine === undefined ? null : follow(before.get(ticket.id) ?? null, machine, ticket, nowMs);
      return after === null ? [] : [[ticket.id, after] as const];
    }),
  );
}

function follow(before: Refusals | null, { report }: Machine, ticket: Ticket, nowMs: number): Refusals | null {
  const { kind } = ticket.state;
  if (kind !== "delivered" && kind !== "online" && kind !== "handing-back") return null;
  if (!isWorkerless(report)) return null;
  const isRecent = before !== null && Math.abs(nowMs - before.lastMs) <= REFUSALS_APART_MAX_MS;
  const fence = report?.fence?.ticketId === ticket.id ? report.fence : null;
  if (fence === null || fence.attempt === before?.attempt) return isRecent ? before : null;
  return { sinceMs: isRecent ? before.sinceMs : nowMs, lastMs: nowMs, attempt: fence.attempt };
}

/** Its host sees its processes, and no Worker among them. */
function isWorkerless(report: HostReport | null): boolean {
  return report?.sighting.kind === "seen" && report.sighting.workerCount === 0;
}
