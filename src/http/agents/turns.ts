/**
 * Agents come to the store in turns: so many at a time, in the order in which they came. An agent gives a call up after some
 * seconds and makes it again, so at a slow store all that is done would be done for callers who have gone, and each
 * controller's next statement would wait behind all of theirs.
 */
import { HoldfastError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** An agent waits no longer for an answer (`CALL_TIMEOUT_MS` of the agent): who has to wait longer is not heard. */
const HEARD_WITHIN_MS = 10 * SECOND_MS;
/** As long as two passes of the tenure may be apart: each of them has to see it. */
const BEHIND_FOR_MS = 30 * SECOND_MS;

export interface Caller {
  /** Who speaks, and of what: a later message of the same name says all that an earlier one said. */
  readonly name: string;
  /** Aborted once it has gone. */
  readonly signal: AbortSignal;
}

/** Gives the turn up for as long as something takes that the store has no part in, and takes the next one then. */
export type Rest = <Answer>(pause: () => Promise<Answer>) => Promise<Answer>;

export interface TurnsOptions {
  readonly turnsMax: number;
  readonly waitingMax: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

interface Waiting {
  caller: Caller;
  begin: () => void;
  refuse: (error: HoldfastError) => void;
  /** When the first of its name came that had no turn since: monotonic. */
  readonly sinceMs: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  #underWayCount = 0;
  /** Those who have rested, and are refused no more: before all others. */
  readonly #rested: (() => void)[] = [];
  readonly #waiting = new Set<Waiting>();
  readonly #lastByName = new Map<string, Waiting>();
  /** When one last had its turn too late, or none: monotonic. */
  #lateAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Whether somebody waits, or has waited a moment ago, for longer than an agent does, or was sent away. */
  isBehind(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    const [first] = this.#waiting;
    const isLate = first !== undefined && nowMs - first.sinceMs > HEARD_WITHIN_MS;
    return isLate || nowMs - this.#lateAtMs <= BEHIND_FOR_MS;
  }

  /**
   * Whoever went away while it waited has its turn all the same, because what it says is evidence, unless it came again:
   * then its later message has the place of the earlier one.
   * @throws {HoldfastError} `overloaded` where a later message took its place, or too many wait.
   */
  async take<Answer>(caller: Caller, work: (rest: Rest) => Promise<Answer>): Promise<Answer> {
    if (this.#underWayCount < this.#options.turnsMax) this.#underWayCount += 1;
    else await new Promise<void>((begin, refuse) => this.#wait(caller, begin, refuse));
    try {
      return await work((pause) => this.#rest(pause));
    } finally {
      this.#leave();
    }
  }

  async #rest<Answer>(pause: () => Promise<Answer>): Promise<Answer> {
    this.#leave();
    try {
      return await pause();
    } finally {
      if (this.#underWayCount < this.#options.turnsMax) this.#underWayCount += 1;
      else await new Promise<void>((begin) => this.#rested.push(begin));
    }
  }

  #wait(caller: Caller, begin: () => void, refuse: Waiting["refuse"]): void {
    const { name } = caller;
    const earlier = this.#lastByName.get(name);
    if (earlier?.caller.signal.aborted === true) {
      earlier.refuse(new HoldfastError("overloaded", `hearing ${name}, who came again`));
      Object.assign(earlier, { caller, begin, refuse });
      return;
    }
    const sinceMs = this.#options.clock.monotonicMs();
    if (this.#waiting.size >= this.#options.waitingMax) {
      this.#lateAtMs = sinceMs;
      throw new HoldfastError("overloaded", `hearing ${name}, whom ${this.#waiting.size} others are before`);
    }
    const waiting = { caller, begin, refuse, sinceMs };
    this.#waiting.add(waiting);
    this.#lastByName.set(name, waiting);
  }

  /** Hands the turn on: nobody who comes meanwhile gets in between. */
  #leave(): void {
    const rested = this.#rested.shift();
    const [next] = this.#waiting;
    if (rested !== undefined) rested();
    else if (next === undefined) this.#underWayCount -= 1;
    else this.#begin(next);
  }

  #begin(next: Waiting): void {
    this.#waiting.delete(next);
    if (this.#lastByName.get(next.caller.name) === next) this.#lastByName.delete(next.caller.name);
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - next.sinceMs > HEARD_WITHIN_MS) this.#lateAtMs = nowMs;
    next.begin();
  }
}
