/** One HTTP exchange with GitHub's REST interface: headers, time limit, JSON, count. Decides nothing about statuses. */
import packageJson from "../../../package.json" with { type: "json" };
import { GitHubError } from "../../domain/errors.ts";
import { GITHUB_CALL_TIMEOUT_MS } from "../../ports/github.ts";
import type { Telemetry } from "../../ports/telemetry.ts";

export interface Call {
  /** For the figures: `generate-jitconfig`. */
  readonly operation: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** Encoded, from the base of the interface: `/orgs/acme/actions/runners`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What is being attempted, as in "minting a ticket in acme": the message of every error. */
  readonly attempted: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where there is no body, or one that is not JSON. */
  readonly json: unknown;
}

export interface ClientOptions {
  readonly apiUrl: string;
  readonly telemetry: Telemetry;
  readonly fetch: typeof fetch;
}

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * @param authorization the header's value; it appears in no error.
   * @throws {GitHubError} `github-unavailable`: no answer, a cut one, or a success that is not JSON.
   */
  async send(call: Call, authorization: string): Promise<Answer> {
    let status = "none";
    try {
      const response = await this.#options.fetch(this.#url(call), requestOf(call, authorization));
      status = String(response.status);
      const json = parseBody(await response.text(), response.ok);
      return { status: response.status, headers: response.headers, json };
    } catch (error) {
      status = error instanceof DOMException && error.name === "TimeoutError" ? "timeout" : `${status}-broken`;
      throw unavailable(call, error);
    } finally {
      this.#options.telemetry.count("holdfast_github_calls_total", { operation: call.operation, status });
    }
  }

  #url(call: Call): string {
    const query = new URLSearchParams(call.query ?? {}).toString();
    return `${this.#options.apiUrl}${call.path}${query === "" ? "" : `?${query}`}`;
  }
}

function requestOf(call: Call, authorization: string): RequestInit {
  const hasBody = call.body !== undefined;
  return {
    method: call.method,
    headers: {
      accept: "application/vnd.github+json",
      authorization,
      "user-agent": `holdfast/${packageJson.version}`,
      "x-github-api-version": "2022-11-28",
      ...(hasBody ? { "content-type": "application/json" } : {}),
    },
    body: hasBody ? JSON.stringify(call.body) : null,
    // A moved repository is followed where we only look. A POST that is redirected would arrive as a GET.
    redirect: call.method === "GET" ? "follow" : "manual",
    signal: AbortSignal.timeout(GITHUB_CALL_TIMEOUT_MS),
  };
}

/** A refusal may come from a proxy and be a page; a success is JSON or was cut. */
function parseBody(text: string, isSuccess: boolean): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!isSuccess) return undefined;
    throw notJson(error);
  }
}

/** The parser's own message quotes the text, which may hold a token. */
function notJson(error: unknown): Error {
  return new Error(`the answer is not JSON, or was cut (${error instanceof Error ? error.name : "unknown"})`);
}

function unavailable(call: Call, cause: unknown): GitHubError {
  return new GitHubError("github-unavailable", call.attempted, { cause });
}
