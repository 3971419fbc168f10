/**
 * For how long at a stretch the controllers could hear: deadlines of theirs count over no gap (`domain/time`). A crash, a
 * standstill or a clock that was set begins them anew, and so do those that the world makes.
 */
import type { Scheduler } from "./scheduler.ts";

export class Attention {
  readonly #scheduler: Pick<Scheduler, "nowMs">;
  /** When each gap began and was over, in their order. */
  readonly #gaps: { readonly fromMs: number; readonly toMs: number }[] = [];

  constructor(scheduler: Pick<Scheduler, "nowMs">) {
    this.#scheduler = scheduler;
  }

  /** @param forMs 0 where it is over at once. */
  interrupt(forMs = 0): void {
    const { nowMs } = this.#scheduler;
    this.#gaps.push({ fromMs: nowMs, toMs: nowMs + forMs });
  }

  /** The longest stretch without a gap of all that reach into the time since then, whole. */
  longestMs(sinceMs: number): number {
    const { nowMs } = this.#scheduler;
    let [freeSinceMs, longestMs] = [Number.NEGATIVE_INFINITY, 0];
    for (const { fromMs, toMs } of this.#gaps) {
      if (fromMs > sinceMs) longestMs = Math.max(longestMs, fromMs - freeSinceMs);
      freeSinceMs = Math.max(freeSinceMs, toMs);
    }
    return Math.max(longestMs, nowMs - freeSinceMs);
  }
}
