import type { Clock } from "../../src/ports/clock.ts";

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #steppedMs = 0;
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();

  nowMs(): number {
    return this.#nowMs + this.#steppedMs;
  }

  /** Sets the wall clock forward, or back where negative; the monotonic one goes on. */
  step(byMs: number): void {
    this.#steppedMs += byMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = {
      untilMs: this.#nowMs + durationMs,
      wake: () => {
        this.#sleepers.delete(sleeper);
        resolve();
      },
    };
    this.#sleepers.add(sleeper);
    signal?.addEventListener("abort", sleeper.wake, { once: true });
    return promise;
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
    for (const sleeper of this.#sleepers) if (sleeper.untilMs <= this.#nowMs) sleeper.wake();
  }
}
