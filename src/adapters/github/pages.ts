/**
 * GitHub's lists, page by page: `{ total_count, items }` or a plain array, with the way on in the header
 * `link: <…>; rel="next"`. Of that link only the query is taken. The address that is asked stays ours, so that no answer
 * can send our credentials elsewhere.
 */
import type * as z from "zod";
import { GitHubError } from "../../domain/errors.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Answer, Call } from "./client.ts";
import type { Account } from "./credentials.ts";
import type { Accepts, Session } from "./session.ts";
import { describeMismatch } from "./shapes.ts";

/** The most that GitHub gives at once. */
const PAGE_SIZE = 100;

/** Makes one call in somebody's name: an installation's, a token's or the App's own. */
export type Ask = (call: Call, accepts?: Accepts) => Promise<Answer>;

const isOk: Accepts = ({ status }) => status === 200;

export function asInstallation(session: Session, account: Account): Ask {
  return (call, accepts = isOk) => session.ask(account, call, accepts);
}

export function asApp(session: Session): Ask {
  return (call, accepts = isOk) => session.askAsApp(call, accepts);
}

/** A token is the same wherever it is used, and needs no account to be named. */
export function asToken(session: Session): Ask {
  return asInstallation(session, { owner: "token", installationPath: "" });
}

/** Three windows of the secondary limit, which then have room for the 1,000 runs of a status and more. */
const BUDGET_WAIT_MS_MAX = 3 * MINUTE_MS;
/** However short the waits are. */
const BUDGET_WAIT_COUNT_MAX = 100;

/**
 * For one listing of many calls, which may be more than there is room for at a time. Without patience a list that is longer
 * than what one minute allows would fail at the same place each time. All calls together wait `BUDGET_WAIT_MS_MAX`; what
 * is held back for longer fails.
 */
export function withPatience(session: Session, ask: Ask): Ask {
  const untilMs = session.clock.monotonicMs() + BUDGET_WAIT_MS_MAX;
  return async (call, accepts) => {
    for (let waitCount = 0; ; waitCount += 1) {
      try {
        return await ask(call, accepts);
      } catch (error) {
        const waitMs = error instanceof GitHubError && error.code === "github-budget" ? error.retryAfterMs : null;
        const isPast = waitMs === null || session.clock.monotonicMs() + waitMs > untilMs;
        if (isPast || waitCount === BUDGET_WAIT_COUNT_MAX) throw error;
        await session.clock.sleep(waitMs, session.stop);
      }
    }
  };
}

export interface PageLimit {
  readonly pageCountMax: number;
  /** `stop`: GitHub itself gives no more than this. `fail`: more than there can be. */
  readonly beyond: "stop" | "fail";
}

/** @returns the pages as they come; the reader may leave before the end. @throws {GitHubError} */
export async function* readPages(ask: Ask, call: Call, limit: PageLimit): AsyncGenerator<Answer, void> {
  let query: Readonly<Record<string, string>> = { ...call.query, per_page: String(PAGE_SIZE) };
  for (let pageCount = 0; pageCount < limit.pageCountMax; pageCount += 1) {
    const answer = await ask({ ...call, query });
    yield answer;
    const next = nextQuery(answer.headers);
    if (next === null) return;
    query = { ...query, ...next };
  }
  if (limit.beyond === "fail") throw incomplete(call, `there are more than ${limit.pageCountMax} pages`);
}

const NEXT_LINK = /<([^<>]*)>\s*;[^<>]*\brel="?next"?/;

function nextQuery(headers: Headers): Readonly<Record<string, string>> | null {
  const link = NEXT_LINK.exec(headers.get("link") ?? "")?.[1];
  if (link === undefined) return null;
  const start = link.indexOf("?");
  return start === -1 ? null : Object.fromEntries(new URLSearchParams(link.slice(start + 1)));
}

/** @throws {GitHubError} `github-invalid` naming the fields, never what was in them. */
export function readShape<Value>(answer: Answer, call: Call, shape: z.ZodType<Value>): Value {
  const parsed = shape.safeParse(answer.json);
  if (parsed.success) return parsed.data;
  throw new GitHubError("github-invalid", call.attempted, { cause: describeMismatch(parsed.error) });
}

/** A list that tells no total. @throws {GitHubError} */
export async function readArray<Item>(
  ask: Ask,
  call: Call,
  shape: z.ZodType<readonly Item[]>,
  limit: PageLimit,
): Promise<Item[]> {
  const items: Item[] = [];
  for await (const answer of readPages(ask, call, limit)) items.push(...readShape(answer, call, shape));
  return items;
}

interface CountedPage<Item> {
  readonly total: number;
  readonly items: readonly Item[];
}

/** A list that changes while it is read is read again, so many times in all. */
const READING_COUNT_MAX = 3;

/**
 * A list that tells its total. One that became shorter on the way is read again, because what was taken out moved another
 * off the next page; whatever any of the readings saw is returned, each once by its key.
 * @throws {GitHubError} `github-unavailable` where fewer came than the last page said that there are.
 */
export async function readCounted<Item>(
  ask: Ask,
  call: Call,
  shape: z.ZodType<CountedPage<Item>>,
  keyOf: (item: Item) => number | string,
  limit: PageLimit,
): Promise<Item[]> {
  const found = new Map<number | string, Item>();
  let missing: string | null = null;
  for (let readingCount = 0; readingCount < READING_COUNT_MAX; readingCount += 1) {
    const { items, firstTotal, lastTotal } = await readOnce(ask, call, shape, limit);
    for (const item of items) found.set(keyOf(item), item);
    const wantedCount = Math.min(lastTotal, limit.pageCountMax * PAGE_SIZE);
    missing = items.length < wantedCount ? `${items.length} came of ${lastTotal}` : null;
    if (missing === null && lastTotal >= firstTotal) break;
  }
  if (missing !== null) throw incomplete(call, missing);
  return [...found.values()];
}

async function readOnce<Item>(ask: Ask, call: Call, shape: z.ZodType<CountedPage<Item>>, limit: PageLimit) {
  const items: Item[] = [];
  let firstTotal: number | null = null;
  let lastTotal = 0;
  for await (const answer of readPages(ask, call, limit)) {
    const page = readShape(answer, call, shape);
    firstTotal ??= page.total;
    lastTotal = page.total;
    items.push(...page.items);
  }
  return { items, firstTotal: firstTotal ?? 0, lastTotal };
}

function incomplete(call: Call, why: string): GitHubError {
  return new GitHubError("github-unavailable", call.attempted, { cause: new Error(why) });
}

/** Works on several at a time; the first failure starts no more, and is thrown once those under way are over. */
export async function mapAtATime<Item, Result>(
  items: readonly Item[],
  concurrentMax: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const workers = Array.from({ length: Math.min(concurrentMax, queue.length) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, item] = next;
      try {
        results[index] = await work(item);
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  });
  const settled = await Promise.allSettled(workers);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
}
