/**
 * What we know of the group's desired capacity besides what it says. Its answers lag, and a number that is set from an old
 * one could be lower than the present one: the group would end somebody for it. So what we set counts as a floor until
 * every reading shows it; and no machine's end lowers the number twice.
 *
 * Whoever changes it does so in turn, from the reading to the answer: a number that is set undoes what lowered the group in
 * between, and an end whose answer comes after that of a later set would take from a floor that has it in already.
 */
import type { LaunchId } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** Readings show after this what was set before. */
export const READING_LAG_MS = 2 * MINUTE_MS;
/** Members whose end lowered it; the oldest is forgotten, and has ended long since. */
const LOWERED_MAX = 10_000;

/** Launches of other processes that are known: far more than can be open, or have been answered, in a few minutes. */
const OTHERS_MAX = 1_000;

interface Level {
  readonly count: number;
  readonly untilMonotonicMs: number;
}

export class Desired {
  readonly #clock: Clock;
  #floor: Level | null = null;
  readonly #others = new Map<LaunchId, Level>();
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

  /**
   * What another process may have set for a launch. Members that it was set for may have ended since, so nothing is raised
   * to it: nothing less is set, for as long as readings can be without it from when it was first heard of.
   */
  noteOthers(launchId: LaunchId, count: number): void {
    if (this.#others.has(launchId)) return;
    const [oldest] = this.#others.keys();
    if (this.#others.size >= OTHERS_MAX && oldest !== undefined) this.#others.delete(oldest);
    this.#others.set(launchId, { count, untilMonotonicMs: this.#clock.monotonicMs() + READING_LAG_MS });
  }

  /** The highest number that another process may have set, and readings may not show; 0: there is none. */
  othersMax(): number {
    const nowMs = this.#clock.monotonicMs();
    const known = [...this.#others.values()].filter(({ untilMonotonicMs }) => nowMs < untilMonotonicMs);
    return Math.max(0, ...known.map(({ count }) => count));
  }

  /** They may have set more since. */
  forgetOthers(): void {
    this.#others.clear();
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
