/**
 * Makes one call of the calls of a moment. Whoever asks while none waits opens a batch; it is closed when nobody has joined
 * it for a moment, or it is full, or has waited as long as it may. Each gets the outcome of its own item.
 */
import { ProviderError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";

/** Longer than the reads that stand between two endings of one pass, shorter than a person notices. */
const BATCH_PAUSE_MS = 25;
/** A batch that somebody joins again and again is closed after so many pauses: a permit in it is worth 30 s. */
const BATCH_PAUSES_MAX = 40;

export type Outcome<Result> = { readonly value: Result } | { readonly error: unknown };

export interface BatchOptions<Item, Result> {
  readonly clock: Clock;
  /** Items of one call; more make further calls. */
  readonly countMax: number;
  /** @returns an outcome for each item, in their order; what it throws is the outcome of all. */
  work(items: readonly Item[]): Promise<readonly Outcome<Result>[]>;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  settle(outcome: Outcome<Result>): void;
}

export class Batch<Item, Result> {
  readonly #options: BatchOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];

  constructor(options: BatchOptions<Item, Result>) {
    this.#options = options;
  }

  async add(item: Item): Promise<Result> {
    const outcome = await new Promise<Outcome<Result>>((settle) => {
      this.#waiting.push({ item, settle });
      if (this.#waiting.length === 1) this.#flushSoon(settle);
    });
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Its own failure, which only a bug could be, is the first asker's to hear of. */
  #flushSoon(settle: (outcome: Outcome<Result>) => void): void {
    this.#flush().catch((error: unknown) => settle({ error }));
  }

  async #flush(): Promise<void> {
    const { clock, countMax } = this.#options;
    for (let count = 0, joinedCount = 1; count < BATCH_PAUSES_MAX && joinedCount < countMax; count += 1) {
      const before = joinedCount;
      await clock.sleep(BATCH_PAUSE_MS);
      joinedCount = this.#waiting.length;
      if (joinedCount === before) break;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let first = 0; first < waiting.length; first += countMax)
      await this.#run(waiting.slice(first, first + countMax));
  }

  async #run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const outcomes = await this.#options.work(batch.map(({ item }) => item));
      for (const [index, { settle }] of batch.entries()) settle(outcomes[index] ?? { error: unanswered() });
    } catch (error) {
      for (const { settle } of batch) settle({ error });
    }
  }
}

function unanswered(): ProviderError {
  return new ProviderError("provider-unavailable", "reading the answer to a batch of calls: it lacks one");
}
