/**
 * Breakers: what keeps failing is stopped, and tried one at a time until it works. Pure, and derived from stored rows
 * alone, so that a restart neither forgets a breaker nor opens one.
 *
 * Tries are in a row by when they were made. A failure counts until something that was made *after it* succeeds: what was
 * under way before proves nothing, and a job that runs for hours does not excuse what failed meanwhile.
 *
 * - Tickets: three barren ones in a row stop the pool's minting and launching. A job's own two stop that job's.
 * - Launches: five machines in a row that nobody was ever heard from stop the pool's launches.
 */
import { type BackoffPolicy, backoffMs } from "./backoff.ts";
import { MINUTE_MS } from "./units.ts";

export const POOL_BARREN_MAX = 3;
export const JOB_BARREN_MAX = 2;
export const UNHEARD_LAUNCHES_MAX = 5;

/** Between one probe's failure and the next probe. */
const PROBE_BACKOFF: BackoffPolicy = { firstMs: MINUTE_MS, limitMs: 15 * MINUTE_MS };

/** One try whose outcome is known. A try that is under way, or that proves nothing either way, is none. */
export interface Outcome {
  readonly madeAtMs: number;
  /** When it was known to have failed; null for one that succeeded. */
  readonly failedAtMs: number | null;
}

export type Breaker =
  | { readonly kind: "closed" }
  | {
      readonly kind: "open";
      /** When the failure that opened it was known. */
      readonly sinceMs: number;
      readonly failureCount: number;
      readonly nextProbeAtMs: number;
    };

export const CLOSED: Breaker = { kind: "closed" };

/**
 * @param outcomes in any order; of the successes the one made last is enough, and of the failures the last few.
 * @param failuresMax so many failures in a row open it.
 */
export function judgeBreaker(outcomes: readonly Outcome[], failuresMax: number): Breaker {
  const succeeded = outcomes.filter(({ failedAtMs }) => failedAtMs === null).map(({ madeAtMs }) => madeAtMs);
  const provenAtMs = Math.max(Number.NEGATIVE_INFINITY, ...succeeded);
  const failures = outcomes
    .flatMap(({ madeAtMs, failedAtMs }) => (failedAtMs === null ? [] : [{ madeAtMs, failedAtMs }]))
    .filter(({ madeAtMs }) => madeAtMs > provenAtMs)
    .sort((a, b) => a.failedAtMs - b.failedAtMs);
  const opening = failures[failuresMax - 1];
  const last = failures.at(-1);
  if (opening === undefined || last === undefined) return CLOSED;
  // Those that were under way at the opening make its pause no longer, however many there were.
  const probeCount = failures.filter(({ madeAtMs }) => madeAtMs > opening.failedAtMs).length;
  return {
    kind: "open",
    sinceMs: opening.failedAtMs,
    failureCount: failures.length,
    nextProbeAtMs: last.failedAtMs + backoffMs(PROBE_BACKOFF, 1 + probeCount, 0),
  };
}

/** Whether one may be tried now. @param isTrying whether one is on its way already. */
export function mayProbe(breaker: Breaker, isTrying: boolean, nowMs: number): boolean {
  return breaker.kind === "closed" || (!isTrying && nowMs >= breaker.nextProbeAtMs);
}
