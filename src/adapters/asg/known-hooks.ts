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
    const isUnderWay = this.#coming !== null;
    if (isUnderWay && !this.#isCurrent(sinceMs)) await this.#coming?.catch(() => null);
    if (this.#known !== null && this.#isCurrent(sinceMs)) return this.#known;
    try {
      return await this.#read();
    } catch (error) {
      if (this.#known === null) throw error;
      this.#known = { ...this.#known, untilMonotonicMs: this.#clock.monotonicMs() + READ_AFTER_FAILURE_MS };
      return this.#known;
    }
  }

  #isCurrent(sinceMs: number): boolean {
    const known = this.#known;
    return known !== null && this.#clock.monotonicMs() < known.untilMonotonicMs && known.readAtMs >= sinceMs;
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
    return this.#known;
  }
}

function atSide({ hooks }: Reading, side: HookSide): readonly Hook[] {
  return hooks.filter((hook) => side === "either" || hook.side === side);
}

function describeAll(hooks: readonly Hook[]): string {
  return JSON.stringify(hooks.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
}
