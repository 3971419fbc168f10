/** Lets a model whose things happen by themselves go on whenever the next of them is due. */
import type { Scheduler } from "../world/scheduler.ts";

export interface DueModel {
  /** Null: nothing happens by itself. */
  nextDueMs(): number | null;
  /** Lets happen what is due by then, and whatever follows from it. */
  goOn(nowMs: number): void;
}

export class DueWatch {
  readonly #scheduler: Scheduler;
  readonly #model: DueModel;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(scheduler: Scheduler, model: DueModel) {
    this.#scheduler = scheduler;
    this.#model = model;
  }

  /** To be called after whatever may have brought the next moment nearer. */
  watch(): void {
    const dueMs = this.#model.nextDueMs();
    if (dueMs === null || dueMs >= this.#dueMs) return;
    this.#dueMs = dueMs;
    this.#scheduler.at(Math.max(dueMs, this.#scheduler.nowMs), () => {
      if (this.#dueMs === dueMs) this.#dueMs = Number.POSITIVE_INFINITY;
      this.#model.goOn(this.#scheduler.nowMs);
    });
  }
}
