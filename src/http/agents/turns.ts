/**
 * Agents come to the store in turns: so many at a time, in the order in which they came. An agent gives a call up after some
 * seconds and makes it again, so at a slow store all that is done would be done for callers who have gone, and each
 * controller's next statement would wait behind all of theirs.
 */
import { HoldfastError } from "../../domain/errors.ts";

/** At a time. One connection serves so many as fast as more; of several connections some are left for the controllers. */
const TURNS_MAX = 8;
/** A report and a poll of each of as many machines as a pool may have. */
const WAITING_MAX = 40_000;

export interface Caller {
  /** Who speaks, and of what: a later message of the same name says all that an earlier one said. */
  readonly name: string;
  /** Aborted once it has gone. */
  readonly signal: AbortSignal;
}

/** Gives the turn up for as long as something takes that the store has no part in, and waits for another one then. */
export type Rest = <Answer>(pause: () => Promise<Answer>) => Promise<Answer>;

export interface TurnsOptions {
  readonly turnsMax?: number;
  readonly waitingMax?: number;
  /** Told whenever it changes. */
  readonly onWaiting?: (waitingCount: number) => void;
}

interface Waiting {
  caller: Caller | null;
  begin: () => void;
  refuse: (error: HoldfastError) => void;
}

export class Turns {
  readonly #options: Required<TurnsOptions>;
  #underWayCount = 0;
  readonly #waiting = new Set<Waiting>();
  readonly #lastByName = new Map<string, Waiting>();

  constructor(options: TurnsOptions = {}) {
    this.#options = { turnsMax: TURNS_MAX, waitingMax: WAITING_MAX, onWaiting: () => {}, ...options };
  }

  /**
   * Whoever went away while it waited has its turn all the same, because what it says is evidence, unless it came again:
   * then its later message has the place of the earlier one.
   * @throws {HoldfastError} `overloaded` where a later message took its place, or too many wait.
   */
  async take<Answer>(caller: Caller, work: (rest: Rest) => Promise<Answer>): Promise<Answer> {
    await this.#enter(caller);
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
      await this.#enter(null);
    }
  }

  /** @param caller null for one who has begun, and is refused no more. */
  async #enter(caller: Caller | null): Promise<void> {
    if (this.#underWayCount < this.#options.turnsMax) this.#underWayCount += 1;
    else await new Promise<void>((begin, refuse) => this.#wait({ caller, begin, refuse }));
  }

  #wait(waiting: Waiting): void {
    const name = waiting.caller?.name;
    const earlier = name === undefined ? undefined : this.#lastByName.get(name);
    if (earlier?.caller?.signal.aborted) {
      earlier.refuse(new HoldfastError("overloaded", `hearing ${name}, who came again`));
      Object.assign(earlier, waiting);
      return;
    }
    if (name !== undefined) {
      if (this.#waiting.size >= this.#options.waitingMax)
        throw new HoldfastError("overloaded", `hearing ${name}, whom ${this.#waiting.size} others are before`);
      this.#lastByName.set(name, waiting);
    }
    this.#waiting.add(waiting);
    this.#options.onWaiting(this.#waiting.size);
  }

  /** Hands the turn on: nobody who comes meanwhile gets in between. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#underWayCount -= 1;
      return;
    }
    this.#waiting.delete(next);
    this.#options.onWaiting(this.#waiting.size);
    const name = next.caller?.name;
    if (name !== undefined && this.#lastByName.get(name) === next) this.#lastByName.delete(name);
    next.begin();
  }
}
