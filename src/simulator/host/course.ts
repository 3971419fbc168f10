/**
 * The course of one process through the world's time. Its steps are events of their own; while it stands still they wait, and
 * happen one after the other when it goes on; after its end they never do.
 */
import type { Scheduled, Scheduler } from "../world/scheduler.ts";

/** Why a process takes no step. `hang`: for ever. `asleep`: its machine is hibernated. */
export type Standstill = "signal" | "agent-pause" | "machine-pause" | "hang" | "asleep";

interface Step {
  run: (() => void) | null;
}

export class Course {
  readonly #scheduler: Scheduler;
  readonly #standstills = new Set<Standstill>();
  #waiting: Step[] = [];
  #isOver = false;
  #ranMs = 0;
  #runsSinceMs: number;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#runsSinceMs = scheduler.nowMs;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** How long it was able to take steps. */
  get ranMs(): number {
    const isRunning = !this.#isOver && this.#standstills.size === 0;
    return this.#ranMs + (isRunning ? this.#scheduler.nowMs - this.#runsSinceMs : 0);
  }

  /** A step of its own, so long from now by a clock that no standstill stops. */
  after(delayMs: number, run: () => void): Scheduled {
    const step: Step = { run };
    const event = this.#scheduler.after(delayMs, () => this.#take(step));
    return {
      cancel: () => {
        step.run = null;
        event.cancel();
      },
    };
  }

  /** Something reached it from outside, at this moment. */
  arrive(run: () => void): void {
    this.#take({ run });
  }

  standStill(why: Standstill): void {
    if (this.#isOver || this.#standstills.has(why)) return;
    if (this.#standstills.size === 0) this.#ranMs += this.#scheduler.nowMs - this.#runsSinceMs;
    this.#standstills.add(why);
  }

  goOn(why: Standstill): void {
    if (!this.#standstills.delete(why) || this.#standstills.size > 0) return;
    this.#runsSinceMs = this.#scheduler.nowMs;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const step of waiting) this.#scheduler.after(0, () => this.#take(step));
  }

  end(): void {
    if (this.#isOver) return;
    this.#ranMs = this.ranMs;
    this.#isOver = true;
    this.#waiting = [];
  }

  #take(step: Step): void {
    const { run } = step;
    if (this.#isOver || run === null) return;
    if (this.#standstills.size > 0) return void this.#waiting.push(step);
    step.run = null;
    run();
  }
}
