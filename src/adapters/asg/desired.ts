/**
 * What we know of the group's desired capacity besides what it says. Its answers lag, and a number that is set from an old
 * one could be lower than the present one: the group would end somebody for it. So what we set counts as a floor until
 * every reading shows it; and no machine's end lowers the number twice.
 *
 * Whoever changes it does so in turn, from the reading to the answer: a number that is set undoes what lowered the group in
 * between, and an end whose answer comes after that of a later set would take from a floor that has it in already.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** Readings show after this what was set before. */
export const READING_LAG_MS = 2 * MINUTE_MS;
/** Members whose end lowered it; the oldest is forgotten, and has ended long since. */
const LOWERED_MAX = 10_000;

export class Desired {
  readonly #clock: Clock;
  #floor: { readonly count: number; readonly untilMonotonicMs: number } | null = null;
  readonly #loweredFor = new Set<string>();
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param work reads what it needs itself, changes the number at most, and is over with the answer. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  /** @param wanted by a reading that may be old. @returns what may be set without lowering what we know of. */
  atLeast(wanted: number): number {
    const isKnown = this.#floor !== null && this.#clock.monotonicMs() < this.#floor.untilMonotonicMs;
    return isKnown ? Math.max(wanted, this.#floor?.count ?? 0) : wanted;
  }

  /** Also where nobody knows whether it was: too high a floor costs a machine for a while, too low a one could end some. */
  noteRaised(count: number): void {
    this.#floor = { count: this.atLeast(count), untilMonotonicMs: this.#clock.monotonicMs() + READING_LAG_MS };
  }

  /** The group said so. */
  noteLowered(id: string): void {
    if (this.#floor !== null) this.#floor = { ...this.#floor, count: this.#floor.count - 1 };
    this.noteMaybeLowered(id);
  }

  /** Whether it was nobody knows: the floor stays, and the member's end lowers it no second time. */
  noteMaybeLowered(id: string): void {
    const [oldest] = this.#loweredFor;
    if (this.#loweredFor.size >= LOWERED_MAX && oldest !== undefined) this.#loweredFor.delete(oldest);
    this.#loweredFor.add(id);
  }

  /** Whether an end of this member may lower it: once, and again only where it was refused. */
  mayLowerFor(id: string): boolean {
    return !this.#loweredFor.has(id);
  }
}
