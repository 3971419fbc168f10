/** The simulated GitHub without sockets: its REST answers as a `fetch`, its webhooks as calls of our own app, at a clock's time. */
import type { Hono } from "hono";
import type { Clock } from "../../src/ports/clock.ts";
import { firstApp } from "../../src/simulator/github/apps.ts";
import { createGitHub } from "../../src/simulator/github/create.ts";
import type { HookPlace } from "../../src/simulator/github/delivery.ts";
import { headersOf, renderBody } from "../../src/simulator/github/hooks.ts";
import { createSeededIds } from "../../src/simulator/github/ids.ts";
import { advance } from "../../src/simulator/github/lease.ts";
import { ALL_SCOPES } from "../../src/simulator/github/options.ts";
import { recordAttempt, setHook, takeDueSends } from "../../src/simulator/github/outbox.ts";
import { ensureRepository } from "../../src/simulator/github/repositories.ts";
import { handleRest, type RestOutcome } from "../../src/simulator/github/rest.ts";
import type { GitHubOptions, GitHubState } from "../../src/simulator/github/state.ts";
import { formatHttpDate } from "../../src/simulator/server/clock.ts";
import { identifyCaller, readBearer } from "../../src/simulator/server/credentials.ts";
import { createChooseFailure, type DeliveryFailures } from "../../src/simulator/server/delivery-failures.ts";
import type { ChooseFailure } from "../../src/simulator/server/webhook-sender.ts";

export const TOKEN = "ghp_town";
export const HOOK_SECRET = "the secret of the town's hook";
const HOOK_URL = "https://holdfast.town/webhooks/github";

export interface WireOptions {
  readonly repositories: readonly string[];
  readonly seed: number;
  readonly github?: Partial<Omit<GitHubOptions, "ids">>;
}

/** A call on its way to GitHub. */
export interface PassingCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export class GitHubWire {
  readonly state: GitHubState;
  /** GitHub's clock minus ours. */
  clockDifferenceMs = 0;
  /** Whether its answers say what time it is. */
  tellsTime = true;
  /** What breaks a call before GitHub has it; null lets it pass. */
  breakCall: (call: PassingCall) => Error | null = () => null;
  /** What is made of the body of an answer that GitHub gave. */
  alterBody: (text: string, call: PassingCall) => string = (text) => text;
  readonly #clock: Clock;
  #chooseFailure: ChooseFailure = createChooseFailure(null);

  constructor(clock: Clock, { repositories, seed, github }: WireOptions) {
    this.#clock = clock;
    const tokens = [{ token: TOKEN, login: "octocat", scopes: ALL_SCOPES }];
    this.state = createGitHub({ ids: createSeededIds(seed), tokens, ...github });
    for (const fullName of repositories) ensureRepository(this.state, fullName);
  }

  failDeliveries(failures: DeliveryFailures | null): void {
    this.#chooseFailure = createChooseFailure(failures);
  }

  /** @param place the App's own hook unless given. */
  setHook(place: HookPlace = { kind: "app", appId: firstApp(this.state).id }, secret: string = HOOK_SECRET): void {
    const target = { url: HOOK_URL, secret, events: ["workflow_job"], contentType: "json" } as const;
    setHook(this.state, place, { ...target, isCertificateChecked: true, isActive: true }, this.#clock.nowMs());
  }

  /** In place of the network's `fetch`. */
  readonly fetch = async (url: string, options: { method: string; headers: object; body: string | null }) => {
    const { state } = this;
    const nowMs = this.#clock.nowMs() + this.clockDifferenceMs;
    const { pathname, searchParams } = new URL(url);
    const call = { method: options.method, path: pathname, query: searchParams };
    const broken = this.breakCall(call);
    if (broken !== null) throw broken;
    const headers = new Headers(options.headers as Record<string, string>);
    const bearer = readBearer(headers.get("authorization") ?? undefined);
    const body = options.body === null ? ({ kind: "none" } as const) : jsonBody(options.body);
    const request = {
      method: options.method,
      path: pathname,
      query: searchParams,
      body,
      caller: identifyCaller(state, bearer, nowMs),
      bearer: bearer ?? "",
      ifNoneMatch: headers.get("if-none-match"),
    };
    const outcome = handleRest(state, request, nowMs);
    const { text } = outcome.answer;
    const altered = text === null ? null : this.alterBody(text, call);
    const date = this.tellsTime ? { date: formatHttpDate(nowMs) } : {};
    return overTheWire({ ...outcome, answer: { ...outcome.answer, text: altered } }, date);
  };

  /** Lets GitHub's time go on, and its webhooks arrive. */
  async pump(webhooks: Hono): Promise<void> {
    const nowMs = this.#clock.nowMs();
    advance(this.state, nowMs);
    for (const send of takeDueSends(this.state, nowMs)) {
      const delivery = this.state.deliveries.get(send.deliveryId);
      const hook = delivery === undefined ? undefined : this.state.hooks.get(delivery.hookId);
      if (delivery === undefined || hook === undefined) continue;
      const statusCode = this.#chooseFailure(delivery, send) ?? (await post(webhooks, hook, delivery));
      const made = { atMs: nowMs, durationMs: 1, isRedelivery: send.isRedelivery, response: null };
      const failure = statusCode === 0 ? "failed to connect to host" : null;
      recordAttempt(this.state, delivery.id, { ...made, statusCode: statusCode === 0 ? null : statusCode, failure });
    }
  }
}

async function post(webhooks: Hono, ...[hook, delivery]: Parameters<typeof renderBody>): Promise<number> {
  const body = renderBody(hook, delivery);
  const answer = await webhooks.request("/webhooks/github", {
    method: "POST",
    headers: { ...headersOf(hook, delivery, body) },
    body,
  });
  return answer.status;
}

function jsonBody(text: string) {
  return { kind: "json", value: JSON.parse(text) as unknown } as const;
}

/** What a client sees of it; a broken connection throws as `fetch` does. */
function overTheWire({ answer, transmission }: RestOutcome, date: Readonly<Record<string, string>>): Response {
  switch (transmission.kind) {
    case "answer-lost":
    case "reset":
      throw new TypeError("fetch failed", { cause: new Error("socket hang up") });
    case "half-answer":
      throw new TypeError("terminated", { cause: new Error("other side closed") });
    case "slow-body":
    case "delay":
      throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
    case "whole": {
      const headers = { ...date, "content-type": "application/json", ...answer.headers };
      const hasNoBody = answer.status === 204 || answer.status === 304;
      return new Response(hasNoBody ? null : (answer.text ?? ""), { status: answer.status, headers });
    }
  }
}
