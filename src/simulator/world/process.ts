/**
 * A process of ours in the world. Whatever reaches it from outside (an answer, a timer, a call) comes through `deliver`: while
 * it stands still that waits, and once it is dead it is lost, with all that the process was doing.
 */
import type { Clock } from "../../ports/clock.ts";
import type { Scheduler } from "./scheduler.ts";

type State = "running" | "paused" | "dead";

export class WorldProcess {
  /** Unique: the name under which it holds leases. */
  readonly name: string;
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #wallOffsetMs: () => number;
  readonly #onDeath: () => void;
  readonly #startedAtMs: number;
  #state: State = "running";
  #held: (() => void)[] = [];
  #queriesLeft: number | null = null;
  #diesAfterQuery = false;

  /**
   * @param wallOffsetMs how far the computer's wall clock is ahead of the world's time.
   * @param onDeath right after it died.
   */
  constructor(name: string, scheduler: Scheduler, wallOffsetMs: () => number, onDeath: () => void) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#wallOffsetMs = wallOffsetMs;
    this.#onDeath = onDeath;
    this.#startedAtMs = scheduler.nowMs;
    this.clock = {
      nowMs: () => scheduler.nowMs + this.#wallOffsetMs(),
      monotonicMs: () => scheduler.nowMs - this.#startedAtMs,
      sleep: (durationMs, signal) => this.#sleep(durationMs, signal),
    };
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  /** Runs code of the process, now or when it goes on. */
  deliver(run: () => void): void {
    if (this.#state === "dead") return;
    if (this.#state === "paused") this.#held.push(run);
    else this.#run(run);
  }

  pause(forMs: number): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#scheduler.after(forMs, () => this.#goOn());
  }

  /** It dies where it stands. Idempotent. */
  kill(): void {
    if (this.#state === "dead") return;
    this.#state = "dead";
    this.#held = [];
    this.#onDeath();
  }

  /** It dies in the middle of what it does, at its so-many-th query from now on: before an even one, after an odd one. */
  killAtQuery(count: number): void {
    this.#queriesLeft = count;
    this.#diesAfterQuery = count % 2 === 1;
  }

  /** @returns when it dies, if this is the query at which it does. */
  countQuery(): "before" | "after" | null {
    if (this.#queriesLeft === null) return null;
    this.#queriesLeft -= 1;
    if (this.#queriesLeft > 0) return null;
    return this.#diesAfterQuery ? "after" : "before";
  }

  #goOn(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    // One after the other, each to its rest: a process that goes on finds all that waited for it.
    for (const run of held) this.#scheduler.after(0, () => this.deliver(run));
  }

  #run(run: () => void): void {
    this.#scheduler.disturb();
    run();
  }

  #sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = this.#scheduler.after(durationMs, () => this.deliver(end));
      signal?.addEventListener("abort", end, { once: true });
    });
  }
}

/** What a dead process waits for. */
export const NEVER: Promise<never> = new Promise(() => {});
