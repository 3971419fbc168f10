/**
 * Which tickets are asked back. Pure. Asking ends nothing: the host decides by its fence, and a listener that may have a
 * job goes on as if nothing had been asked.
 *
 * A job that GitHub had on the wire when the fence closed goes back to GitHub's queue and is late. So while jobs wait, at
 * most one ticket of a pool is asked back in a minute, and none that a waiting job could still come to.
 */
import type { JobId, MachineId, TicketId } from "./ids.ts";
import { type PoolPolicy, scopeCovers } from "./pool.ts";
import { expectedSinceMs, isStandingRegistered, isTooOld, type StandingWanted } from "./supply.ts";
import { type HandBackReason, moveTicket, type Ticket } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { MINUTE_MS } from "./units.ts";

export interface HandBack {
  readonly ticketId: TicketId;
  /** Of the ticket that was judged: one that moved on is not asked back for what it was before. */
  readonly ticketVersion: number;
  readonly machineId: MachineId;
  readonly reason: HandBackReason;
}

export interface QueuedJob {
  readonly id: JobId;
  /** `owner/name` */
  readonly repository: string;
}

export interface HandBackInput {
  /** Every live ticket of the pool. */
  readonly tickets: readonly Ticket[];
  /** Every queued job that the pool accepts, whichever pool it waits in: GitHub gives it to any listener that fits. */
  readonly waiting: readonly QueuedJob[];
  /** Listeners that are kept online in advance. */
  readonly wanted: StandingWanted;
  /** Machines that go once they are free: drained, or everything is being taken down. */
  readonly draining: ReadonlySet<MachineId>;
  /** Machines whose host is not asked whatever is decided: none of them takes the minute's one place. None where left out. */
  readonly barred?: ReadonlySet<MachineId>;
  /** How long ago this pool last asked for a ticket back, drains aside; null if not since the start. */
  readonly askedAgoMs: number | null;
}

/** While jobs wait: one in a minute, for what was on the wire takes GitHub a minute to queue again. */
const ASK_INTERVAL_MS = MINUTE_MS;
/** A listener whose acquire failed says "Listening" for ever, without a registration (actions/runner #4617). */
const DEAF_AFTER_MS = 10 * MINUTE_MS;

export function decideHandBacks(input: HandBackInput, pool: PoolPolicy, time: HeardTime): readonly HandBack[] {
  if (pool.mode === "observe") return [];
  const standing = judgeStanding(input, time);
  const wanted = input.tickets.flatMap((ticket) => {
    const reason = standing.get(ticket) ?? reasonFor(ticket, input, pool, time);
    return reason === null || reason === "kept" || input.barred?.has(ticket.machineId)
      ? []
      : [{ ticketId: ticket.id, ticketVersion: ticket.version, machineId: ticket.machineId, reason }];
  });
  const drains = wanted.filter(({ reason }) => reason === "draining");
  const others = wanted.filter(({ reason }) => reason !== "draining");
  if (input.waiting.length === 0) return [...drains, ...others];
  const isTooSoon = input.askedAgoMs !== null && input.askedAgoMs < ASK_INTERVAL_MS;
  return [...drains, ...others.slice(0, isTooSoon ? 0 : 1)];
}

/** The ticket once its host is to be asked. One that is asked already keeps its attempt: only the reason is another. */
export function askBack(ticket: Ticket, reason: HandBackReason, nowMs: number): Ticket {
  const { state } = ticket;
  if (state.kind !== "handing-back") return moveTicket(ticket, { kind: "handing-back", sinceMs: nowMs, reason });
  return { ...ticket, state: { ...state, reason }, version: ticket.version + 1 };
}

/**
 * Whether a ticket is asked back because no job came, and none waited that could. Such an order rests while one does: it is
 * kept from its host, for hosts may hear of theirs late, and several at once, and one fence after the other would send the
 * same job back. It rests until it is given again for another reason.
 */
export function isForWantOfJob({ state }: Ticket): boolean {
  return state.kind === "handing-back" && (state.reason === "idle-ticket" || state.reason === "listener-old");
}

/**
 * Of the listeners that are online in advance: as many as are wanted are kept, the youngest first, while no waiting job
 * counts on them. The oldest of those goes where it has become too old, one at a time, and only once none is missing.
 */
function judgeStanding(input: HandBackInput, time: HeardTime): ReadonlyMap<Ticket, "kept" | "listener-old"> {
  const { tickets, wanted, draining } = input;
  const waitingIds = new Set(input.waiting.map(({ id }) => id));
  const online = tickets
    .filter(
      (one) => one.state.kind === "online" && isStandingRegistered(one, waitingIds) && !draining.has(one.machineId),
    )
    .sort((a, b) => b.state.sinceMs - a.state.sinceMs);
  const kept = online.slice(0, wanted.registeredCount);
  const verdicts = new Map<Ticket, "kept" | "listener-old">(kept.map((ticket) => [ticket, "kept"]));
  const oldest = kept.at(-1);
  const isMissing = kept.length < wanted.registeredCount;
  const isUnderWay = tickets.some(({ purpose, state }) => purpose === "registered" && state.kind === "handing-back");
  if (oldest === undefined || isMissing || isUnderWay || !isTooOld(oldest, time)) return verdicts;
  return isWaitedFor(oldest, input.waiting) ? verdicts : verdicts.set(oldest, "listener-old");
}

function reasonFor(ticket: Ticket, input: HandBackInput, pool: PoolPolicy, time: HeardTime): HandBackReason | null {
  const { kind, sinceMs } = ticket.state;
  if (kind !== "delivered" && kind !== "online" && !isForWantOfJob(ticket)) return null;
  if (input.draining.has(ticket.machineId)) return "draining";
  if (kind === "handing-back")
    return isWaitedFor(ticket, input.waiting) && isPast(sinceMs, DEAF_AFTER_MS, time) ? "deaf-listener" : null;
  const { onlineMs, idleTicketMs } = pool.deadlines;
  if (kind === "delivered") return isPast(sinceMs, onlineMs, time) ? "runner-late" : null;
  // A listener that was online in advance has waited for a job only since one was to come to it.
  const isInAdvance = ticket.purpose === "registered";
  const idleSinceMs = isInAdvance ? expectedSinceMs(ticket) : sinceMs;
  if (!isPast(idleSinceMs, idleTicketMs, time)) return null;
  if (!isWaitedFor(ticket, input.waiting)) return "idle-ticket";
  const isExpecting = !isInAdvance || input.waiting.some(({ id }) => id === ticket.jobId);
  return isExpecting && isPast(idleSinceMs, Math.max(DEAF_AFTER_MS, idleTicketMs), time) ? "deaf-listener" : null;
}

/** @param waiting every queued job that the ticket's pool accepts. */
export function isWaitedFor({ scope }: Ticket, waiting: readonly QueuedJob[]): boolean {
  return waiting.some(({ repository }) => scopeCovers(scope, repository));
}
