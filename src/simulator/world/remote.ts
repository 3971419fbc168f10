/**
 * Calls from a process to GitHub or to a provider. A call is on its way, takes effect, and its answer is on its way: three
 * moments, between which anything may happen. What was sent takes effect also when its sender is dead by then.
 */
import type { Chance, Range } from "./chance.ts";
import type { Faults } from "./faults.ts";
import { NEVER, type WorldProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

export type RemoteKind = "github" | "provider";

/** Each way; the ports' own bounds for a call are far above it. */
const WAY_MS: Readonly<Record<RemoteKind, Range>> = { github: [20, 250], provider: [20, 600] };
/** After which a caller gives an answer up. */
const GIVE_UP_MS = 10_000;

export interface Failures {
  /** The error of a call that was refused or never arrived. */
  refused(attempted: string, chance: Chance): Error;
  /** The error of a call of which nothing was heard. */
  unanswered(attempted: string): Error;
}

export class Remote {
  readonly #kind: RemoteKind;
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #chance: Chance;
  readonly #failures: Failures;
  readonly #counts = new Map<string, number>();
  #outUntilMs = 0;

  constructor(kind: RemoteKind, scheduler: Scheduler, faults: Faults, chance: Chance, failures: Failures) {
    this.#kind = kind;
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#chance = chance;
    this.#failures = failures;
  }

  /** Calls by operation. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  get isOut(): boolean {
    return this.#scheduler.nowMs < this.#outUntilMs;
  }

  /** No call is answered for so long; of two at a time the longer one counts. */
  breakDown(forMs: number): void {
    this.#outUntilMs = Math.max(this.#outUntilMs, this.#scheduler.nowMs + forMs);
  }

  /** @param effect what it does, at once; a promise of it waits for nothing. */
  async call<Answer>(
    process: WorldProcess,
    operation: string,
    effect: () => Answer | Promise<Answer>,
  ): Promise<Answer> {
    if (process.isDead) return NEVER;
    return new Promise((resolve, reject) => {
      this.send(operation, effect, (outcome) =>
        process.deliver(() => {
          if (outcome.kind === "answered") resolve(outcome.answer);
          else reject(outcome.error);
        }),
      );
    });
  }

  /** The same for who is no process: `onOutcome` is called as an event of its own. */
  send<Answer>(
    operation: string,
    effect: () => Answer | Promise<Answer>,
    onOutcome: (
      outcome:
        | { readonly kind: "answered"; readonly answer: Answer }
        | { readonly kind: "failed"; readonly error: unknown },
    ) => void,
  ): void {
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1);
    const fail = (afterMs: number, error: unknown) =>
      this.#scheduler.after(afterMs, () => onOutcome({ kind: "failed", error }));
    if (this.isOut) return void fail(GIVE_UP_MS, this.#failures.unanswered(operation));
    if (this.#faults.strikes(`${this.#kind}.call-fails`, ({ probability }) => probability) !== null)
      return void fail(this.#wayMs(), this.#failures.refused(operation, this.#chance));
    this.#scheduler.after(this.#wayMs(), () => {
      const isLost = this.#faults.strikes(`${this.#kind}.answer-lost`, ({ probability }) => probability) !== null;
      const answerMs = this.#wayMs();
      const conclude = (answer: Answer) =>
        isLost
          ? fail(GIVE_UP_MS, this.#failures.unanswered(operation))
          : this.#scheduler.after(answerMs, () => onOutcome({ kind: "answered", answer }));
      const refuse = (error: unknown) =>
        fail(isLost ? GIVE_UP_MS : answerMs, isLost ? this.#failures.unanswered(operation) : error);
      this.#scheduler.disturb();
      attempt(effect).then(conclude, refuse);
    });
  }

  #wayMs(): number {
    return this.#chance.between(WAY_MS[this.#kind]);
  }
}

async function attempt<Answer>(effect: () => Answer | Promise<Answer>): Promise<Answer> {
  return effect();
}
