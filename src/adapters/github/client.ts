/** One HTTP exchange with GitHub's REST interface: headers, JSON, count. Decides nothing about statuses. */
import packageJson from "../../../package.json" with { type: "json" };
import type { CallPurpose } from "../../domain/budget.ts";
import { GitHubError } from "../../domain/errors.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { readableFailure } from "./failure.ts";

export interface Call {
  /** For the figures: `generate-jitconfig`. */
  readonly operation: string;
  readonly purpose: CallPurpose;
  readonly method: "GET" | "POST" | "DELETE";
  /** Encoded, from the base of the interface: `/orgs/acme/actions/runners`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** A GET whose answer is kept, and asked for again only if it changed: an unchanged one costs no rate limit. */
  readonly isConditional?: boolean;
  /** Instead of `JSON.parse`. */
  readonly parse?: (text: string) => unknown;
  /** What is being attempted, as in "minting a ticket in acme": the message of every error. */
  readonly attempted: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where there is no body, or one that is not JSON. Shared with others where it was remembered: read only. */
  readonly json: unknown;
  /** Of the body's text. */
  readonly characterCount: number;
  /** GitHub said that it is what it was; `json` is the remembered answer. */
  readonly isUnchanged?: boolean;
}

export interface FetchOptions {
  readonly method: Call["method"];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly redirect: "manual";
  readonly signal: AbortSignal;
}

/** What we use of `fetch`. */
export type Fetch = (
  url: string,
  options: FetchOptions,
) => Promise<Pick<Response, "status" | "ok" | "headers" | "text">>;

export interface ClientOptions {
  readonly apiUrl: string;
  readonly telemetry: Telemetry;
  readonly fetch: Fetch;
}

export interface Envelope {
  readonly url: string;
  /** The header's value; it appears in no error. */
  readonly authorization: string;
  /** Of the answer that we have; GitHub says 304 if it is still the same. */
  readonly etag: string | null;
  readonly signal: AbortSignal;
}

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  urlOf(call: Call): string {
    const query = new URLSearchParams(call.query ?? {}).toString();
    return `${this.#options.apiUrl}${call.path}${query === "" ? "" : `?${query}`}`;
  }

  /** Whether an address is of this interface: nothing else is shown our credentials. */
  isOurs(url: URL): boolean {
    const base = new URL(`${this.#options.apiUrl}/`);
    return url.origin === base.origin && url.pathname.startsWith(base.pathname);
  }

  /** @throws {GitHubError} `github-unavailable`: no answer, a cut or late one, or a success that is not JSON. */
  send(call: Call, envelope: Envelope): Promise<Answer> {
    const { operation, purpose, method } = call;
    return this.#options.telemetry.trace("exchange", operation, { purpose, method }, async (span) => {
      const answer = await this.#send(call, envelope);
      // Whether a status is a refusal, whoever asked knows.
      span.note({ status: answer.status });
      return answer;
    });
  }

  async #send(call: Call, envelope: Envelope): Promise<Answer> {
    let status = "none";
    try {
      const response = await this.#options.fetch(envelope.url, requestOf(call, envelope));
      status = String(response.status);
      const text = await response.text();
      const json = parseBody(text, response.ok, call.parse ?? JSON.parse);
      return { status: response.status, headers: response.headers, json, characterCount: text.length };
    } catch (error) {
      status = isTimeout(error) ? "timeout" : `${status}-broken`;
      throw unavailable(call, error);
    } finally {
      this.#options.telemetry.count("holdfast_github_calls_total", { operation: call.operation, status });
    }
  }
}

function unavailable(call: Call, error: unknown): GitHubError {
  return new GitHubError("github-unavailable", call.attempted, { cause: readableFailure(error) });
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

function requestOf(call: Call, { authorization, etag, signal }: Envelope): FetchOptions {
  const hasBody = call.body !== undefined;
  return {
    method: call.method,
    headers: {
      accept: "application/vnd.github+json",
      authorization,
      "user-agent": `holdfast/${packageJson.version}`,
      "x-github-api-version": "2022-11-28",
      ...(hasBody ? { "content-type": "application/json" } : {}),
      ...(etag === null ? {} : { "if-none-match": etag }),
    },
    body: hasBody ? JSON.stringify(call.body) : null,
    // Followed by hand: fetch would turn a POST into a GET, and no one else may see our credentials.
    redirect: "manual",
    signal,
  };
}

/** A refusal may come from a proxy and be a page; a success is JSON or was cut. */
function parseBody(text: string, isSuccess: boolean, parse: (text: string) => unknown): unknown {
  if (text === "") return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (!isSuccess) return undefined;
    throw notJson(error);
  }
}

/** The parser's own message quotes the text, which may hold a token. */
function notJson(error: unknown): Error {
  return new Error(`the answer is not JSON, or was cut (${error instanceof Error ? error.name : "unknown"})`);
}
