/** The real adapter, whose every exchange is seen: before a server, or before a function that answers. */
import { generateKeyPairSync } from "node:crypto";
import { createGitHubConnection } from "../../../src/adapters/github/connection.ts";
import type { GitHubAuth } from "../../../src/adapters/github/credentials.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { GitHubConnection } from "../../../src/ports/github.ts";
import type { Telemetry } from "../../../src/ports/telemetry.ts";
import { NO_TRACES } from "../../../src/ports/traces.ts";
import { connectionName, START_MS } from "../../domain/builders.ts";

export const TOKEN = "ghp_SECRETOFTHETEST";
export const TOKEN_AUTH = { kind: "token", token: TOKEN } as const satisfies GitHubAuth;

/** Of an App of the test's own; made once, because that takes a while. */
export const APP_KEYS = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

export function appAuth(appId = 5): GitHubAuth {
  return { kind: "app", appId, privateKeyPem: APP_KEYS.privateKey };
}

/** One request and its answer. The path is from the base of the interface and without the query. */
export interface SeenExchange {
  readonly url: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** Undefined where there is none. */
  readonly body: unknown;
  readonly status: number;
  /** Parsed; undefined where there is none, the text itself where it is not JSON. */
  readonly answer: unknown;
}

export type SentRequest = Omit<SeenExchange, "status" | "answer">;
export type Answering = (request: SentRequest, init: RequestInit) => Response | Promise<Response>;

export interface Connected {
  readonly connection: GitHubConnection;
  readonly seen: readonly SeenExchange[];
}

export interface ConnectOptions {
  readonly apiUrl?: string;
  readonly auth?: GitHubAuth;
  readonly clock?: Clock;
}

const API_URL = "https://api.github.test";

export function connectTo(answering: Answering, options: ConnectOptions = {}): Connected {
  const { apiUrl = API_URL, auth = TOKEN_AUTH, clock = new SteppingClock() } = options;
  const seen: SeenExchange[] = [];
  const fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const request = requestOf(apiUrl, String(input), init);
    const response = await answering(request, init);
    seen.push({ ...request, status: response.status, answer: parse(await response.clone().text()) });
    return response;
  };
  const connection = createGitHubConnection({
    connection: connectionName(),
    apiUrl,
    auth,
    clock,
    telemetry: SILENT,
    fetch,
  });
  return { connection, seen };
}

function requestOf(apiUrl: string, url: string, init: RequestInit): SentRequest {
  const { searchParams, pathname } = new URL(url);
  return {
    url,
    method: init.method ?? "GET",
    path: pathname.slice(new URL(apiUrl).pathname.replace(/\/$/, "").length),
    query: searchParams,
    headers: new Headers(init.headers),
    body: typeof init.body === "string" ? parse(init.body) : undefined,
  };
}

function parse(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** Stands still but for what is slept, which takes no time. */
class SteppingClock implements Clock {
  ms = START_MS;
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    // What is slept with a signal is somebody's patience, which is not to run out by itself.
    if (signal === undefined) this.ms += durationMs;
    else await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }
}

const SILENT: Telemetry = {
  info() {},
  warn() {},
  error() {},
  count() {},
  gauge() {},
  measure() {},
  forgetPool() {},
  ...NO_TRACES,
};
