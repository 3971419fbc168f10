/** Time comes from here and nowhere else. */
export interface Clock {
  /** Epoch milliseconds: for what people read and other systems compare. It may step. */
  nowMs(): number;
  /** Milliseconds that only grow: for measuring how long something took. */
  monotonicMs(): number;
  /** Resolves after `durationMs`, or at once when the signal aborts; never rejects. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
