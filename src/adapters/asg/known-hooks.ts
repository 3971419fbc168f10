/**
 * The group's lifecycle hooks. People change them seldom, and while members wait: whoever is held by a timeout that was
 * lowered has to be held again before it has passed, and the shortest is half a minute. For whoever waits next, what they say
 * is to be known from before.
 */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AsgClients } from "./clients.ts";
import { HookTerms, NEAR_MS, type Terms } from "./hook-terms.ts";
import { type Hook, readHooks } from "./hooks.ts";
import type { HookSide } from "./lifecycle.ts";
import type { Wait } from "./waits.ts";

/** One call for the group, while somebody is held or let go. */
const READ_AGAIN_MS = 5 * SECOND_MS;
/** While nobody is: with the time between two listings it stays near enough to be what was said in between. */
const READ_UNUSED_MS = NEAR_MS - 10 * SECOND_MS;
/** Every hold waits for a reading: one that fails is not tried again with each. */
const READ_AFTER_FAILURE_MS = MINUTE_MS;
/** The client tries for half a minute, and by then the shortest hook has given up. */
const READING_WAIT_MAX_MS = 3 * SECOND_MS;

interface Reading {
  readonly hooks: readonly Hook[];
  readonly readAtMs: number;
  readonly untilMonotonicMs: number;
}

export class Hooks {
  readonly #clients: AsgClients;
  readonly #group: string;
  readonly #clock: Clock;
  readonly #terms = new HookTerms();
  #known: Reading | null = null;
  /** The reading that is under way. */
  #coming: Promise<Reading> | null = null;
  #editionCount = 0;
  #askedAtMonotonicMs: number | null = null;
  /** Until then what is known has to do. */
  #failedUntilMonotonicMs = 0;

  constructor(clients: AsgClients, group: string, clock: Clock) {
    this.#clients = clients;
    this.#group = group;
    this.#clock = clock;
  }

  /**
   * Old ones are better than none: a hook that could not be read again is still to be held.
   * @param sinceMs when the wait began that they are asked for: one that was added before it waits as well, and is not among
   *   those that were read before.
   */
  async of(side: HookSide, sinceMs = 0): Promise<readonly Hook[]> {
    return atSide(await this.#current(sinceMs), side);
  }

  /** Reads them again, because they do not fit what the group does. */
  async again(side: HookSide): Promise<readonly Hook[]> {
    return atSide(await this.#read(), side);
  }

  /** For the next wait, which counts by what its hook said before it began. Nobody waits for that, and failing costs nothing. */
  keepKnown(): void {
    const askedAtMs = this.#askedAtMonotonicMs;
    if (askedAtMs !== null && this.#clock.monotonicMs() - askedAtMs < READ_UNUSED_MS) return;
    void this.#read().catch(() => null);
  }

  /** Else nobody was held by them. */
  wereRead(): boolean {
    return this.#known !== null;
  }

  /** How long it waits for one member. */
  termsOf(hook: Hook, wait: Wait): Terms {
    return this.#terms.of(hook, wait);
  }

  /** Another wherever a reading has shown others than the one before. */
  async edition(): Promise<string> {
    // Where they cannot be read, whoever is held by them says so.
    await this.#current(0).catch(() => null);
    return String(this.#editionCount);
  }

  async #current(sinceMs: number): Promise<Reading> {
    // One that is under way may have begun too early.
    if (this.#coming !== null && !this.#isEnough(sinceMs)) await this.#waitFor(this.#coming).catch(() => null);
    if (this.#known !== null && this.#isEnough(sinceMs)) return this.#known;
    return this.#waitFor(this.#read());
  }

  #isEnough(sinceMs: number): boolean {
    const known = this.#known;
    const nowMs = this.#clock.monotonicMs();
    if (known === null) return false;
    return nowMs < this.#failedUntilMonotonicMs || (nowMs < known.untilMonotonicMs && known.readAtMs >= sinceMs);
  }

  /**
   * A reading that takes long counts as failed for whoever can do with an older one; it still counts once it comes.
   * @throws {ProviderError} `provider-unavailable` where none are known.
   */
  async #waitFor(reading: Promise<Reading>): Promise<Reading> {
    const before = this.#known;
    if (before === null) return reading;
    const isOver = new AbortController();
    const late = this.#clock.sleep(READING_WAIT_MAX_MS, isOver.signal).then(() => null);
    const read = await Promise.race([reading.catch(() => null), late]);
    isOver.abort();
    if (read === null) this.#noteFailure();
    return this.#known ?? before;
  }

  /** Also for those who come to wait only now: each of them would read again, and nobody be held meanwhile. */
  #noteFailure(): void {
    this.#failedUntilMonotonicMs = this.#clock.monotonicMs() + READ_AFTER_FAILURE_MS;
  }

  /** One call for all who ask meanwhile. */
  #read(): Promise<Reading> {
    this.#coming ??= this.#readOnce().finally(() => {
      this.#coming = null;
    });
    return this.#coming;
  }

  async #readOnce(): Promise<Reading> {
    const readAtMs = this.#clock.nowMs();
    const untilMonotonicMs = this.#clock.monotonicMs() + READ_AGAIN_MS;
    this.#askedAtMonotonicMs = this.#clock.monotonicMs();
    const hooks = await readHooks(this.#clients, this.#group);
    if (this.#known === null || describeAll(hooks) !== describeAll(this.#known.hooks)) this.#editionCount += 1;
    this.#terms.note(hooks, this.#clock.nowMs());
    this.#known = { hooks, readAtMs, untilMonotonicMs };
    this.#failedUntilMonotonicMs = 0;
    return this.#known;
  }
}

function atSide({ hooks }: Reading, side: HookSide): readonly Hook[] {
  return hooks.filter((hook) => side === "either" || hook.side === side);
}

function describeAll(hooks: readonly Hook[]): string {
  return JSON.stringify(hooks.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
}
