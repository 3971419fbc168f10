/**
 * Deadlines count only over time in which we could have heard: while this process ran without a gap, the store took
 * writes and our own agent API answered. After a gap they start anew.
 */
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
