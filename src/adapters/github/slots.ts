/** How many calls are under way at once, and who is next: the most urgent, then who came first. */
import { CALL_PURPOSES, type CallPurpose } from "../../domain/budget.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** Over 100 at a time GitHub counts as abuse; it counts those of every program that uses the same account. */
export const SLOT_COUNT_MAX = 20;
/** So many of them are for safety and tickets only, so that slow looks cannot keep those waiting. */
const URGENT_SLOT_COUNT = 4;
export const WAITING_COUNT_MAX = 500;
export const WAIT_MS_MAX = 10 * SECOND_MS;

interface Waiting {
  readonly purpose: CallPurpose;
  /** @param hasSlot false: it waited too long, or gave way to more urgent ones. */
  readonly settle: (hasSlot: boolean) => void;
}

export class Slots {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #takenCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns whether there is a slot now; then it has to be given back. */
  async take(purpose: CallPurpose): Promise<boolean> {
    if (this.#hasRoomFor(purpose)) {
      this.#takenCount += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const patience = new AbortController();
    const waiting: Waiting = {
      purpose,
      settle: (hasSlot) => {
        patience.abort();
        resolve(hasSlot);
      },
    };
    this.#enqueue(waiting);
    void this.#clock.sleep(WAIT_MS_MAX, patience.signal).then(() => this.#leave(waiting));
    return await promise;
  }

  giveBack(): void {
    this.#takenCount -= 1;
    const next = this.#waiting[0];
    if (next === undefined || !this.#hasRoomFor(next.purpose)) return;
    this.#waiting.shift();
    this.#takenCount += 1;
    next.settle(true);
  }

  #hasRoomFor(purpose: CallPurpose): boolean {
    const isUrgent = purpose === "safety" || purpose === "ticket";
    return this.#takenCount < (isUrgent ? SLOT_COUNT_MAX : SLOT_COUNT_MAX - URGENT_SLOT_COUNT);
  }

  #enqueue(waiting: Waiting): void {
    const index = this.#waiting.findIndex(({ purpose }) => rank(purpose) > rank(waiting.purpose));
    this.#waiting.splice(index < 0 ? this.#waiting.length : index, 0, waiting);
    if (this.#waiting.length > WAITING_COUNT_MAX) this.#waiting.pop()?.settle(false);
  }

  #leave(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    waiting.settle(false);
  }
}

function rank(purpose: CallPurpose): number {
  return CALL_PURPOSES.indexOf(purpose);
}
