/**
 * Which tickets are asked back. Pure. Asking ends nothing: the host decides by its fence, and a listener that may have a
 * job goes on as if nothing had been asked.
 *
 * A job that GitHub had on the wire when the fence closed goes back to GitHub's queue and is late. So while jobs wait, at
 * most one ticket of a pool is asked back in a minute, and none that a waiting job could still come to.
 */
import type { MachineId, TicketId } from "./ids.ts";
import { type PoolPolicy, scopeCovers } from "./pool.ts";
import type { Ticket } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { MINUTE_MS } from "./units.ts";

export type HandBackReason =
  /** Its runner is not online by its deadline. */
  | "runner-late"
  /** Online without a job, and no waiting job could come to it. */
  | "idle-ticket"
  /** Online without a job for so long that GitHub has forgotten its registration, though jobs wait. */
  | "deaf-listener"
  /** Its machine is to go as soon as it may. */
  | "draining";

export interface HandBack {
  readonly ticketId: TicketId;
  /** Of the ticket that was judged: one that moved on is not asked back for what it was before. */
  readonly ticketVersion: number;
  readonly machineId: MachineId;
  readonly reason: HandBackReason;
}

export interface HandBackInput {
  /** Every live ticket of the pool. */
  readonly tickets: readonly Ticket[];
  /** Repositories of the jobs that wait in the pool, `owner/name`. */
  readonly waitingRepositories: readonly string[];
  /** Machines that go once they are free: drained, or everything is being taken down. */
  readonly draining: ReadonlySet<MachineId>;
  /** How long ago this pool last asked for a ticket back, drains aside; null if not since the start. */
  readonly askedAgoMs: number | null;
}

/** While jobs wait: one in a minute, for what was on the wire takes GitHub a minute to queue again. */
const ASK_INTERVAL_MS = MINUTE_MS;
/** A listener whose acquire failed says "Listening" for ever, without a registration (actions/runner #4617). */
const DEAF_AFTER_MS = 10 * MINUTE_MS;

export function decideHandBacks(input: HandBackInput, pool: PoolPolicy, time: HeardTime): readonly HandBack[] {
  if (pool.mode === "observe") return [];
  const wanted = input.tickets.flatMap((ticket) => {
    const reason = reasonFor(ticket, input, pool, time);
    return reason === null
      ? []
      : [{ ticketId: ticket.id, ticketVersion: ticket.version, machineId: ticket.machineId, reason }];
  });
  const drains = wanted.filter(({ reason }) => reason === "draining");
  const others = wanted.filter(({ reason }) => reason !== "draining");
  if (input.waitingRepositories.length === 0) return [...drains, ...others];
  const isTooSoon = input.askedAgoMs !== null && input.askedAgoMs < ASK_INTERVAL_MS;
  return [...drains, ...others.slice(0, isTooSoon ? 0 : 1)];
}

function reasonFor(ticket: Ticket, input: HandBackInput, pool: PoolPolicy, time: HeardTime): HandBackReason | null {
  const { kind, sinceMs } = ticket.state;
  if (kind !== "delivered" && kind !== "online") return null;
  if (input.draining.has(ticket.machineId)) return "draining";
  const { onlineMs, idleTicketMs } = pool.deadlines;
  if (kind === "delivered") return isPast(sinceMs, onlineMs, time) ? "runner-late" : null;
  if (!isPast(sinceMs, idleTicketMs, time)) return null;
  const isWaitedFor = input.waitingRepositories.some((repository) => scopeCovers(ticket.scope, repository));
  if (!isWaitedFor) return "idle-ticket";
  return isPast(sinceMs, Math.max(DEAF_AFTER_MS, idleTicketMs), time) ? "deaf-listener" : null;
}
