/** A call with all its exchanges: what is remembered, where it moved to, what it costs. */
import { GitHubError } from "../../domain/errors.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { GITHUB_CALL_TIMEOUT_MS } from "../../ports/github.ts";
import type { Answer, Call, Client } from "./client.ts";
import type { Gate } from "./gate.ts";
import { answeredAtMs } from "./rate-limit.ts";
import { Memory, unchanged } from "./remembered.ts";

/** A repository that was renamed, then moved, then renamed: GitHub itself answers with the last place at once. */
const HOP_COUNT_MAX = 3;
const MOVED_STATUSES: ReadonlySet<number> = new Set([301, 302, 307, 308]);
/** The header tells whole seconds, cut off. */
const DATE_HEADER_ERROR_MS = SECOND_MS / 2;

export interface Sender {
  /** Whose answers they are. */
  readonly account: string;
  readonly gate: Gate;
  readonly authorization: string;
  /** Checked right before each exchange; what it throws stops the call. */
  readonly beforeCall: () => void;
}

export class Exchange {
  readonly clock: Clock;
  readonly #client: Client;
  readonly #memory = new Memory();
  #clockDifferenceMs: number | null = null;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.clock = clock;
  }

  /** GitHub's own time minus ours, from its last answer; null until there was one. */
  clockDifferenceMs(): number | null {
    return this.#clockDifferenceMs;
  }

  /**
   * Follows what moved, with the same method and body: that does nothing at the old place. A call that changes something
   * goes only to the same thing of another place: `DELETE …/actions/runners/17` deletes no other runner, whatever the
   * answer says. The time limit is for all of it.
   * @throws {GitHubError} `github-unavailable` | `github-budget` | `github-not-found` (it moved out of our sight)
   */
  async send(call: Call, sender: Sender): Promise<Answer> {
    const signal = AbortSignal.timeout(GITHUB_CALL_TIMEOUT_MS);
    let url = this.#client.urlOf(call);
    for (let hopCount = 0; hopCount <= HOP_COUNT_MAX; hopCount += 1) {
      const answer = await this.#sendOnce(call, url, sender, signal);
      if (!MOVED_STATUSES.has(answer.status)) return answer;
      url = this.#nextUrl(call, url, answer);
    }
    throw lostSight(call, `it moved more than ${HOP_COUNT_MAX} times`);
  }

  async #sendOnce(call: Call, url: string, sender: Sender, signal: AbortSignal): Promise<Answer> {
    const { account, gate, authorization, beforeCall } = sender;
    const isConditional = call.isConditional === true && call.method === "GET";
    const remembered = isConditional ? this.#memory.recall(account, url) : null;
    gate.spend(call);
    beforeCall();
    const answer = await this.#client.send(call, { url, authorization, etag: remembered?.etag ?? null, signal });
    this.#compareClocks(answer);
    gate.learn(answer);
    if (answer.status === 304 && remembered !== null) return unchanged(remembered, answer);
    if (isConditional) this.#memory.keep(account, url, answer);
    return answer;
  }

  #nextUrl(call: Call, url: string, answer: Answer): string {
    const location = answer.headers.get("location");
    const next = location === null ? null : URL.parse(location, url);
    if (next === null) throw lostSight(call, `GitHub answered ${answer.status} without a place that it moved to`);
    if (!this.#client.isOurs(next))
      throw lostSight(call, `GitHub answered ${answer.status}: it moved to another server`);
    if (call.method !== "GET" && !next.pathname.endsWith(thingOf(call)))
      throw lostSight(call, `GitHub answered ${answer.status}: it leads to something else`);
    return next.href;
  }

  #compareClocks({ headers }: Answer): void {
    const atMs = answeredAtMs(headers);
    if (atMs !== null) this.#clockDifferenceMs = atMs + DATE_HEADER_ERROR_MS - this.clock.nowMs();
  }
}

const PLACE = /^\/(repos\/[^/]+\/[^/]+|repositories\/\d+|(orgs|enterprises)\/[^/]+)(?=\/)/;

/** The path without its place, which is what may move: `/actions/runners/17`. */
function thingOf({ path }: Call): string {
  return path.replace(PLACE, "");
}

function lostSight(call: Call, why: string): GitHubError {
  return new GitHubError("github-not-found", call.attempted, { cause: new Error(why) });
}
