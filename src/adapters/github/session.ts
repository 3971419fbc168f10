import type { CallPurpose } from "../../domain/budget.ts";
import { GitHubError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Traces } from "../../ports/traces.ts";
import type { Answer, Call } from "./client.ts";
import type { Account, Asked, Credentials } from "./credentials.ts";
import type { Exchange } from "./exchange.ts";
import type { Gates } from "./gate.ts";
import { refusalOf } from "./refusal.ts";

/** Says which answers are no refusals. */
export type Accepts = (answer: Answer) => boolean;

/** Nobody waits for what these find out once we are being stopped. */
const LEFT_AT_STOP: ReadonlySet<CallPurpose> = new Set(["question", "sweep"]);

interface SessionOptions {
  readonly stop: AbortSignal;
  readonly traces: Traces;
}

/** Calls with our credentials, refusals made into errors. Every part of a connection shares one. */
export class Session {
  readonly kind: "app" | "token";
  readonly clock: Clock;
  /** Aborts once we are being stopped. */
  readonly stop: AbortSignal;
  readonly #exchange: Exchange;
  readonly #credentials: Credentials;
  readonly #gates: Gates;
  readonly #traces: Traces;

  constructor(exchange: Exchange, credentials: Credentials, gates: Gates, { stop, traces }: SessionOptions) {
    this.kind = credentials.kind;
    this.clock = exchange.clock;
    this.stop = stop;
    this.#exchange = exchange;
    this.#credentials = credentials;
    this.#gates = gates;
    this.#traces = traces;
  }

  /**
   * @param beforeCall checked when all is ready and right before the call leaves; what it throws stops the call.
   * @throws {GitHubError}
   */
  ask(account: Account, call: Call, accepts: Accepts, beforeCall: () => void = () => {}): Promise<Answer> {
    return this.#traced(this.#credentials.budgetOf(account), call, () => this.#ask(account, call, accepts, beforeCall));
  }

  async #ask(account: Account, call: Call, accepts: Accepts, beforeCall: () => void): Promise<Answer> {
    this.#refuseAtStop(call);
    const first = await this.#askOnce(account, call, beforeCall);
    // A token that was taken back before its time: nothing was done, so the same call is made with a new one.
    const isWorthAnother = first.answer.status === 401 && this.#credentials.forget(account);
    const asked = isWorthAnother ? await this.#askOnce(account, call, beforeCall) : first;
    return this.#accepted(asked, call, accepts);
  }

  /**
   * Asks as the App itself, not as one of its installations.
   * @throws {GitHubError} `github-forbidden` where the connection has a token instead of an App.
   */
  askAsApp(call: Call, accepts: Accepts): Promise<Answer> {
    return this.#traced(null, call, async () => {
      this.#refuseAtStop(call);
      return this.#accepted(await this.#credentials.askAsApp(call), call, accepts);
    });
  }

  #traced(account: string | null, call: Call, work: () => Promise<Answer>): Promise<Answer> {
    const { operation, purpose } = call;
    return this.#traces.trace("github", operation, { account, purpose }, async (span) => {
      const answer = await work();
      span.note({ status: answer.status });
      return answer;
    });
  }

  /** GitHub's own time minus ours, from its last answer; null until there was one. */
  clockDifferenceMs(): number | null {
    return this.#exchange.clockDifferenceMs();
  }

  /** A look at many repositories would hold up the stop for minutes, and with it whoever takes over. */
  #refuseAtStop({ purpose, attempted }: Call): void {
    if (!this.stop.aborted || !LEFT_AT_STOP.has(purpose)) return;
    throw new GitHubError("github-unavailable", attempted, { cause: new Error("Holdfast is being stopped") });
  }

  #accepted({ answer, authorization }: Asked, call: Call, accepts: Accepts): Answer {
    if (accepts(answer)) return answer;
    throw refusalOf(answer, call, authorization, this.clock.nowMs());
  }

  async #askOnce(account: Account, call: Call, beforeCall: () => void): Promise<Asked> {
    const budget = this.#credentials.budgetOf(account);
    const gate = this.#gates.of(budget);
    return await gate.hold(call, async () => {
      const authorization = await this.#credentials.authorize(account);
      const sender = { account: budget, gate, authorization, beforeCall };
      return { answer: await this.#exchange.send(call, sender), authorization };
    });
  }
}
