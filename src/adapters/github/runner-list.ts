/** Complete or not at all: a list that leaves one out would make a registration look absent that is there. */
import { GitHubError } from "../../domain/errors.ts";
import type { RunnerId } from "../../domain/ids.ts";
import type { ObservedRunner } from "../../domain/observed.ts";
import type { Call } from "./client.ts";
import type { Place } from "./places.ts";
import type { Session } from "./session.ts";
import { describeMismatch, RunnerPageShape } from "./shapes.ts";

const PAGE_SIZE = 100;
/** GitHub lets a group have 10 000 runners; this is twice as many. */
const PAGE_COUNT_MAX = 200;
/** A list that changes while it is read is read again, so many times in all. */
const READING_COUNT_MAX = 3;

/**
 * Reads all pages. Every page must tell the same total, and as many different registrations must have come as it says.
 * What this cannot see is one that is removed and one that is added between two pages of the same reading.
 * @param name only those of this name, for servers that know the filter; others answer with all.
 * @throws {GitHubError} `github-unavailable` where the list kept changing, or a page is missing.
 */
export async function readRunners(session: Session, place: Place, name: string | null): Promise<ObservedRunner[]> {
  const attempted = `listing the runners of ${place.path}`;
  for (let reading = 0; reading < READING_COUNT_MAX; reading += 1) {
    // A page that does not fit may be a remembered one: what is read again is read whole.
    const isConditional = name === null && reading === 0;
    const runners = await readOnce(session, place, { name, isConditional }, attempted);
    if (runners !== null) return runners;
  }
  throw incomplete(attempted, "the list changed each time while it was read");
}

interface Reading {
  readonly name: string | null;
  readonly isConditional: boolean;
}

/** Null: it changed on the way. */
async function readOnce(
  session: Session,
  place: Place,
  reading: Reading,
  attempted: string,
): Promise<ObservedRunner[] | null> {
  const runners = new Map<RunnerId, ObservedRunner>();
  let itemCount = 0;
  let total: number | null = null;
  for (let page = 1; page <= PAGE_COUNT_MAX; page += 1) {
    const found = await readPage(session, place, reading, page, attempted);
    if (total !== null && found.total_count !== total) return null;
    total = found.total_count;
    itemCount += found.runners.length;
    for (const runner of found.runners) runners.set(runner.id, runner);
    if (itemCount < total && found.runners.length > 0) continue;
    if (found.hasNext && found.runners.length > 0) return null;
    return runners.size === total && itemCount === total ? [...runners.values()] : null;
  }
  throw incomplete(attempted, `there are more than ${PAGE_COUNT_MAX} pages`);
}

async function readPage(session: Session, place: Place, reading: Reading, page: number, attempted: string) {
  const { name, isConditional } = reading;
  const call: Call = {
    operation: "list-runners",
    // One is looked up by its name to settle what became of it.
    purpose: name === null ? "sweep" : "safety",
    method: "GET",
    path: `${place.path}/actions/runners`,
    query: { ...(name === null ? {} : { name }), per_page: String(PAGE_SIZE), page: String(page) },
    isConditional,
    attempted,
  };
  const answer = await session.ask(place.account, call, ({ status }) => status === 200);
  const parsed = RunnerPageShape.safeParse(answer.json);
  if (!parsed.success) throw new GitHubError("github-invalid", attempted, { cause: describeMismatch(parsed.error) });
  const hasNext = /;\s*rel="?next"?/.test(answer.headers.get("link") ?? "");
  return { ...parsed.data, hasNext };
}

function incomplete(attempted: string, why: string): GitHubError {
  return new GitHubError("github-unavailable", attempted, { cause: new Error(why) });
}
