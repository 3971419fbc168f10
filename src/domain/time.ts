/**
 * Deadlines count only over time in which we could have heard: while this process ran without a gap, the store took
 * writes, our own agent API answered and nobody set the wall clock. After a gap or a step they start anew.
 */
import { SECOND_MS } from "./units.ts";

/** A wall clock that moved by more than this against the monotonic one was set; less is drift, or a clock being slewed. */
export const CLOCK_STEP_MS = 5 * SECOND_MS;

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
