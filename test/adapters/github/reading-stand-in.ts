/**
 * A GitHub that only answers questions: its lists are cut into pages as GitHub cuts them, with ETags, and every request
 * that reaches it is held against GitHub's own description.
 */
import { createHash, generateKeyPairSync } from "node:crypto";
import { expect, onTestFinished } from "vitest";
import type { GitHubConnection } from "../../../src/ports/github.ts";
import { describeCall } from "../../contracts/github/contract.ts";
import { START_MS } from "../../domain/builders.ts";
import { type Answers, type Asked, connect, type StandIn, StandingClock, startStandIn } from "./stand-in.ts";

const APP_TOKEN_LIFE_MS = 3_600_000;
const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});
const APP = { kind: "app", appId: 77, privateKeyPem: keys.privateKey } as const;

export type Answering = (asked: Asked, count: number) => Answers;
/** By path; a path that is not there is answered with 404. `count` is of the requests to the same path. */
export type Routes = Readonly<Record<string, Answers | Answering>>;

export interface Reading extends GitHubConnection {
  readonly asked: StandIn["asked"];
  readonly clock: StandingClock;
  /** `/path?query` of every request, but for those that sign in. */
  readonly paths: () => readonly string[];
}

/** Time passes while it sleeps. */
class SleepingClock extends StandingClock {
  override async sleep(durationMs: number): Promise<void> {
    this.ms += durationMs;
  }
}

export async function startReading(routes: Routes, kind: "app" | "token" = "token"): Promise<Reading> {
  const counts = new Map<string, number>();
  const answer = (asked: Asked): Answers => {
    const count = (counts.get(asked.path) ?? 0) + 1;
    counts.set(asked.path, count);
    const route = routes[asked.path] ?? (kind === "app" ? signIn(asked) : null) ?? refusal(404);
    return unlessUnchanged(asked, typeof route === "function" ? route(asked, count) : route);
  };
  const standIn = await startStandIn(answer, { recordsGroups: true });
  onTestFinished(() => expect(standIn.asked.flatMap(problemsOf)).toEqual([]));
  const clock = new SleepingClock();
  const { connection } = connect(standIn.apiUrl, { clock, ...(kind === "app" ? { auth: APP } : {}) });
  const paths = () => standIn.asked.filter((asked) => signIn(asked) === null).map(urlOf);
  return { ...connection, asked: standIn.asked, clock, paths };
}

function urlOf({ path, query }: Asked): string {
  const { size } = query;
  return size === 0 ? path : `${path}?${query}`;
}

function problemsOf({ method, path, query, body }: Asked): readonly string[] {
  const call = describeCall("ghec", method, path);
  return call === null ? [`GitHub has no ${method} ${path}`] : call.checkRequest(query, body);
}

/** An App's installations are numbered by the length of their owners' names. */
function signIn({ method, path }: Asked): Answers | null {
  const owner = /^\/(?:orgs|users|repos|enterprises)\/([^/]+)\/(?:[^/]+\/)?installation$/.exec(path)?.[1];
  if (owner !== undefined) return { status: 200, body: { id: owner.length } };
  if (method !== "POST" || !/^\/app\/installations\/\d+\/access_tokens$/.test(path)) return null;
  const expiresAt = new Date(START_MS + APP_TOKEN_LIFE_MS).toISOString();
  return { status: 201, body: { token: "ghs_SECRET", expires_at: expiresAt, permissions: {} } };
}

export function refusal(status: number, message = "no"): Answers {
  return { status, body: { message } };
}

export function ok(body: unknown, headers: Readonly<Record<string, string>> = {}): Answers {
  return { status: 200, body, headers };
}

function unlessUnchanged(asked: Asked, answer: Answers): Answers {
  if (typeof answer === "string" || answer.status !== 200) return answer;
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
  const etag = `"${createHash("sha256").update(text).digest("hex")}"`;
  const headers = { ...answer.headers, etag };
  return asked.headers["if-none-match"] === etag ? { status: 304, headers } : { ...answer, headers };
}

/** One page of a list, with the link to the next. */
export function page(asked: Asked, items: readonly unknown[], wrap: (shown: readonly unknown[]) => unknown): Answers {
  const size = Number(asked.query.get("per_page") ?? 30);
  const number = Number(asked.query.get("page") ?? 1);
  const next = new URLSearchParams(asked.query);
  next.set("page", String(number + 1));
  const hasNext = number * size < items.length;
  // As GitHub writes it: another one comes before, and the address is not the one that was asked.
  const link = `<https://elsewhere.example/x?page=1>; rel="first", <https://elsewhere.example/y?${next}>; rel="next"`;
  return ok(wrap(items.slice((number - 1) * size, number * size)), hasNext ? { link } : {});
}

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);
