/** What waits to be stepped, in its order, with a bound; and a bell for whoever waits for the next. */
import type { HostInput } from "../domain/host/state.ts";
import { invariant } from "../domain/invariant.ts";

/** Far more than can gather while one effect takes its time. Past it the agent ends and is started anew. */
const INPUTS_MAX = 1_000;

export interface Letter {
  readonly input: HostInput;
  /** Called when the input was stepped and every effect of it is done. */
  readonly done: () => void;
}

export class Inbox {
  readonly #letters: Letter[] = [];
  #bell = new AbortController();

  /** Resolves when the input was stepped and every effect of it is done. */
  put(input: HostInput): Promise<void> {
    invariant(this.#letters.length < INPUTS_MAX, "the agent's inbox is bounded");
    return new Promise((done) => {
      this.#letters.push({ input, done });
      this.ring();
    });
  }

  take(): Letter | null {
    return this.#letters.shift() ?? null;
  }

  /** These count as stepped: nobody may act on them any more. */
  drop(kind: HostInput["kind"]): void {
    const dropped = this.#letters.filter(({ input }) => input.kind === kind);
    const kept = this.#letters.filter(({ input }) => input.kind !== kind);
    this.#letters.splice(0, this.#letters.length, ...kept);
    for (const { done } of dropped) done();
  }

  /** Ends the present wait. */
  ring(): void {
    this.#bell.abort();
  }

  /** Aborts when something is put in or the bell is rung from now on. */
  nextRing(): AbortSignal {
    if (this.#bell.signal.aborted) this.#bell = new AbortController();
    if (this.#letters.length > 0) this.#bell.abort();
    return this.#bell.signal;
  }
}
