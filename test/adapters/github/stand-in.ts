/** A small HTTP server that answers as a test wants, and what an adapter needs around it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createGitHubConnection, type GitHubOptions } from "../../../src/adapters/github/connection.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { GitHub, GitHubConnection } from "../../../src/ports/github.ts";
import type { LogFields, Telemetry } from "../../../src/ports/telemetry.ts";
import { NO_TRACES } from "../../../src/ports/traces.ts";
import { connectionName, START_MS } from "../../domain/builders.ts";

export const TOKEN = "ghp_SECRETOFTHETEST";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export type Answers =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** The connection ends: before any answer, or in the middle of the body. */
  | "hang-up"
  | "cut";

export interface StandIn {
  readonly apiUrl: string;
  readonly asked: readonly Asked[];
}

const DEFAULT_GROUP: Answers = {
  status: 200,
  body: { total_count: 1, runner_groups: [{ id: 1, name: "Default" }] },
};

export interface StandInOptions {
  /** Runner groups are asked for before each first ticket: answered here and not recorded, unless a test wants them. */
  readonly recordsGroups?: boolean;
}

export async function startStandIn(
  answer: (asked: Asked, count: number) => Answers,
  { recordsGroups = false }: StandInOptions = {},
): Promise<StandIn> {
  const all: Asked[] = [];
  const server = createServer((request, response) => {
    void read(request).then((asked) => {
      if (!recordsGroups && asked.path.endsWith("/actions/runner-groups")) {
        write(response, DEFAULT_GROUP);
        return;
      }
      all.push(asked);
      write(response, answer(asked, all.length));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => close(server));
  return { apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: all };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

async function read(request: IncomingMessage): Promise<Asked> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  const url = new URL(request.url ?? "/", "http://stand-in");
  return {
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function write(response: ServerResponse, answer: Answers): void {
  if (answer === "hang-up") {
    response.destroy();
    return;
  }
  if (answer === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"total_count": 1', () => response.destroy());
    return;
  }
  const { status, headers = {}, body } = answer;
  // This computer's time is not the test's: an answer tells the time where the test says which.
  response.sendDate = false;
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body));
}

export class StandingClock implements Clock {
  ms = START_MS;
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  async sleep(_durationMs: number, _signal?: AbortSignal): Promise<void> {}
}

export class Recorder implements Telemetry {
  readonly lines: string[] = [];
  readonly counts: string[] = [];
  info(message: string, fields?: LogFields): void {
    this.lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  }
  warn(message: string, fields?: LogFields): void {
    this.info(message, fields);
  }
  error(message: string, error: unknown, fields?: LogFields): void {
    this.info(`${message} ${tellWhole(error)}`, fields);
  }
  count(_metric: string, labels: Readonly<Record<string, string>> = {}): void {
    this.counts.push(Object.values(labels).join(" "));
  }
  readonly gauges = new Map<string, number>();
  gauge(metric: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.gauges.set([metric, ...Object.values(labels)].join(" "), value);
  }
  measure(): void {}
  forgetPool(): void {}
  readonly trace = NO_TRACES.trace;
}

/** All that a log would show of an error. */
export function tellWhole(error: unknown): string {
  const parts: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) parts.push(String(one.stack), JSON.stringify(one));
  return parts.join("\n");
}

export interface Connected {
  readonly connection: GitHubConnection;
  readonly github: GitHub;
  readonly clock: StandingClock;
  readonly telemetry: Recorder;
}

export function connect(apiUrl: string, overrides: Partial<GitHubOptions> = {}): Connected {
  const clock = new StandingClock();
  const telemetry = new Recorder();
  const auth = { kind: "token", token: TOKEN } as const;
  const options = { connection: connectionName(), apiUrl, auth, clock, telemetry, ...overrides };
  const connection = createGitHubConnection(options);
  return { connection, github: connection.github, clock, telemetry };
}

export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("it did not fail");
}

export function runnerJson(id: number, overrides: Readonly<Record<string, unknown>> = {}) {
  return {
    id,
    name: `runner-${id}`,
    os: "unknown",
    status: "offline",
    busy: false,
    labels: [],
    version: null,
    ...overrides,
  };
}
