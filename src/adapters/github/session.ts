import type { Clock } from "../../ports/clock.ts";
import type { Answer, Call, Client } from "./client.ts";
import type { Account, Credentials } from "./credentials.ts";
import { refusalOf } from "./refusal.ts";

/** Says which answers are no refusals. */
export type Accepts = (answer: Answer) => boolean;

/** Calls with our credentials, refusals made into errors. */
export class Session {
  readonly #client: Client;
  readonly #credentials: Credentials;
  readonly clock: Clock;

  constructor(client: Client, credentials: Credentials, clock: Clock) {
    this.#client = client;
    this.#credentials = credentials;
    this.clock = clock;
  }

  /**
   * @param beforeCall checked when all is ready and right before the call leaves; what it throws stops the call.
   * @throws {GitHubError}
   */
  async ask(account: Account, call: Call, accepts: Accepts, beforeCall: () => void = () => {}): Promise<Answer> {
    const first = await this.#askOnce(account, call, beforeCall);
    // A token that was taken back before its time: nothing was done, so the same call is made with a new one.
    const isWorthAnother = first.answer.status === 401 && this.#credentials.forget(account);
    const { answer, authorization } = isWorthAnother ? await this.#askOnce(account, call, beforeCall) : first;
    if (accepts(answer)) return answer;
    throw refusalOf(answer, call, authorization, this.clock.nowMs());
  }

  async #askOnce(account: Account, call: Call, beforeCall: () => void) {
    const authorization = await this.#credentials.authorize(account);
    beforeCall();
    return { answer: await this.#client.send(call, authorization), authorization };
  }
}
