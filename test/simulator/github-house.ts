import { afterEach, beforeEach } from "vitest";
import {
  type SimulatedGitHub,
  type SimulatedGitHubOptions,
  startSimulatedGitHub,
} from "../../src/simulator/server/simulated-github.ts";
import { startReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

/** For each test of the file a simulated GitHub with one repository, and somebody who takes its webhooks. */
export interface GitHubHouse {
  readonly github: SimulatedGitHub;
  readonly receiver: WebhookReceiver;
  /** One more, closed with the rest. */
  startOther(options: SimulatedGitHubOptions): Promise<SimulatedGitHub>;
  /** A REST call with the token that is good. A text is sent as it is, anything else as JSON. */
  call(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
    to?: SimulatedGitHub,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  replaceReceiver(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what GitHub answers is checked by contract.test.ts
  readonly body: any;
}

export const WAIT_MS = 10_000;
export const RUNNERS = "/orgs/acme/actions/runners";
export const JIT = { name: "r-1", runner_group_id: 1, labels: ["self-hosted", "linux"] };

const OPTIONS = { repositories: ["acme/widgets"], longPollMs: 150 };

export function useGitHub(): GitHubHouse {
  let github: SimulatedGitHub;
  let receiver: WebhookReceiver;
  const others: SimulatedGitHub[] = [];
  beforeEach(async () => {
    github = await startSimulatedGitHub(OPTIONS);
    receiver = await startReceiver();
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await github.close();
    await receiver.close();
  });
  return {
    get github() {
      return github;
    },
    get receiver() {
      return receiver;
    },
    startOther: async (options) => {
      const other = await startSimulatedGitHub({ ...OPTIONS, ...options });
      others.push(other);
      return other;
    },
    call: (method, path, body, token = github.token, to = github, headers = {}) =>
      send(to, method, path, { ...headers, authorization: `Bearer ${token}` }, body),
    replaceReceiver: async () => {
      receiver = await startReceiver();
    },
  };
}

async function send(
  to: SimulatedGitHub,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<Answer> {
  const response = await fetch(`${to.apiUrl}${path}`, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
}
