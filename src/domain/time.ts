/**
 * Deadlines count only over time in which we could have heard: while this process ran without a gap, the store took
 * writes, our own agent API answered and nobody set the wall clock. After a gap or a step they start anew.
 */
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** A wall clock that moved by more than this against the monotonic one was set; less is drift, or a clock being slewed. */
export const CLOCK_STEP_MS = 5 * SECOND_MS;

/** The wall clocks of two processes on one store differ by less. */
const CLOCKS_APART_MAX_MS = MINUTE_MS;

/**
 * How long ago something was, by what the wall clock said then. Nobody knows where it was written before that was set back:
 * it may have been any time ago.
 */
export function ageMs(atMs: number, nowMs: number): number {
  return atMs > nowMs + CLOCKS_APART_MAX_MS ? Number.POSITIVE_INFINITY : Math.max(0, nowMs - atMs);
}

export interface HeardTime {
  /** Epoch milliseconds since when we could have heard without a gap. */
  readonly heardSinceMs: number;
  readonly nowMs: number;
}

/** Milliseconds of heard time since `sinceMs`. */
export function heardForMs(sinceMs: number, time: HeardTime): number {
  return Math.max(0, time.nowMs - Math.max(sinceMs, time.heardSinceMs));
}

export function isPast(sinceMs: number, deadlineMs: number, time: HeardTime): boolean {
  return heardForMs(sinceMs, time) >= deadlineMs;
}
