import { MINUTE_MS, SECOND_MS } from "./units.ts";

export interface BackoffPolicy {
  readonly firstMs: number;
  readonly limitMs: number;
}

/** For calls to GitHub and providers whose failure is expected to pass. */
export const CALL_BACKOFF: BackoffPolicy = { firstMs: SECOND_MS, limitMs: 2 * MINUTE_MS };

const DOUBLINGS_MAX = 30;

/**
 * How long to wait after the given number of failures in a row: doubles from `firstMs` up to `limitMs`.
 * @param spread a number in [0, 1) that takes up to a quarter off, so that many waiters do not come back at once.
 */
export function backoffMs(policy: BackoffPolicy, failureCount: number, spread: number): number {
  if (failureCount <= 0) return 0;
  const doublings = Math.min(failureCount - 1, DOUBLINGS_MAX);
  const fullMs = Math.min(policy.limitMs, policy.firstMs * 2 ** doublings);
  return Math.round(fullMs * (1 - spread / 4));
}
