/**
 * Which tickets are on their way to run something, and which were made before any job needs them. A *standing* ticket of a
 * pool is one that counts for none of its waiting jobs: a listener that is online in advance, or a ticket held ready.
 */
import type { JobId } from "./ids.ts";
import type { PoolPolicy, RegistrationScope } from "./pool.ts";
import { registrationScopesOf } from "./pool.ts";
import { isHeldReady, type Ticket } from "./ticket.ts";
import { type HeardTime, isPast } from "./time.ts";
import { HOUR_MS } from "./units.ts";

/**
 * GitHub removes a registration that was never online after a day (docs "ephemeral runners"): a ticket held ready is made
 * anew well before, and a listener that waits does not grow old with its runner's version.
 */
const STANDING_AGE_MAX_MS = 12 * HOUR_MS;

/** How many standing tickets of each kind are wanted now. */
export interface StandingWanted {
  readonly registeredCount: number;
  readonly readyCount: number;
}

/** Where standing tickets are registered; null where only a job would tell. */
export function standingScope(pool: PoolPolicy): RegistrationScope | null {
  if (pool.scope.kind !== "repositories") return pool.scope;
  const named = registrationScopesOf(pool);
  return named.length === pool.scope.repositories.length && named.length === 1 ? (named[0] ?? null) : null;
}

export function standingWanted(pool: PoolPolicy, isShuttingDown: boolean): StandingWanted {
  const isNone = isShuttingDown || pool.mode !== "run" || standingScope(pool) === null;
  if (isNone) return { registeredCount: 0, readyCount: 0 };
  return { registeredCount: pool.warmRegisteredCount, readyCount: pool.readyTicketCount };
}

/** A listener kept online in advance, or on its way there, and not aimed at a job that waits. */
export function isStandingRegistered(ticket: Ticket, waiting: ReadonlySet<JobId>): boolean {
  return ticket.purpose === "registered" && isOpen(ticket) && !isAimed(ticket, waiting);
}

/** Held ready, and not so old that GitHub may have forgotten it. */
export function isStandingReady(ticket: Ticket, time: HeardTime): boolean {
  const { kind } = ticket.state;
  return isHeldReady(ticket) && (kind === "minting" || kind === "issued") && !isTooOld(ticket, time);
}

/** By our own clock alone: GitHub's day passes whether we hear anything or not. */
export function isTooOld(ticket: Ticket, time: HeardTime): boolean {
  return time.nowMs - ticket.state.sinceMs >= STANDING_AGE_MAX_MS;
}

/** It counts for a job that waits: then GitHub's bounds run from when it began to. */
function isAimed(ticket: Ticket, waiting: ReadonlySet<JobId>): boolean {
  return ticket.jobId !== null && waiting.has(ticket.jobId);
}

/** Since when it could have brought its job. */
export function expectedSinceMs(ticket: Ticket): number {
  return Math.max(ticket.state.sinceMs, ticket.aimedAtMs ?? 0);
}

function isOpen({ state: { kind } }: Ticket): boolean {
  return kind === "minting" || kind === "issued" || kind === "delivered" || kind === "online";
}

/** On its way to run something, and not late. */
export function isSupply(ticket: Ticket, waiting: ReadonlySet<JobId>, pool: PoolPolicy, time: HeardTime): boolean {
  return isOpen(ticket) && !isLate(ticket, waiting, pool, time);
}

/**
 * A ticket that stays where it is past its bound no longer counts as supply: something stands in its way. An issued one
 * has its machine's boot before it; GitHub's answer is waited for as long as it takes. A standing one waits in vain only
 * once a job does: until then a listener may be online, and a ticket held ready, for as long as it is fit for use.
 */
export function isLate(ticket: Ticket, waiting: ReadonlySet<JobId>, pool: PoolPolicy, time: HeardTime): boolean {
  const { bootMs, onlineMs, idleTicketMs } = pool.deadlines;
  switch (ticket.state.kind) {
    case "issued":
      if (isHeldReady(ticket)) return isTooOld(ticket, time);
      return isPast(expectedSinceMs(ticket), bootMs + onlineMs, time);
    case "delivered":
      return isPast(ticket.state.sinceMs, onlineMs, time);
    case "online":
      if (isStandingRegistered(ticket, waiting)) return false;
      return isPast(expectedSinceMs(ticket), idleTicketMs, time);
    default:
      return false;
  }
}
