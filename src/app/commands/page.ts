/** Which part of a list is asked for: of a pool, since when, before what, how many. */
import { formatInstant } from "../../domain/instant.ts";
import { parseDuration } from "../config/durations.ts";
import type { Colours } from "../terminal/io.ts";
import { CommandError } from "./failure.ts";

export interface PageOptions {
  readonly pool?: string | undefined;
  /** A duration (`2h`) or a time (`2026-08-19`, `2026-08-19T16:00`). */
  readonly since?: string | undefined;
  /** The last that was listed, or a time. */
  readonly before?: string | undefined;
  readonly limit?: number | undefined;
}

/** @param given what else is asked for; what is undefined is left out. */
export function listQuery(
  { pool, since, before, limit }: PageOptions,
  given: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const all = {
    ...given,
    pool,
    since: since === undefined ? undefined : readSince(since),
    before: before === undefined ? undefined : readBefore(before),
    limit: limit === undefined ? undefined : String(limit),
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) query.set(name, value);
  return query;
}

const DATE = /^\d{4}-\d{2}-\d{2}/;

/** How long ago is counted by the server, by whose clock the times are. */
function readSince(text: string): string {
  const agoMs = parseDuration(text.trim());
  if (agoMs !== null) return String(agoMs);
  const instant = readInstant(text);
  if (instant !== null) return instant;
  throw new CommandError(`reading --since ${text}`, {
    code: "usage",
    wrong: "it is neither a duration nor a time",
    mend: "Write it as in `2h`, `3d`, `2026-08-19` or `2026-08-19T16:00`.",
  });
}

function readBefore(text: string): string {
  const instant = readInstant(text);
  if (instant === null && DATE.test(text.trim()))
    throw new CommandError(`reading --before ${text}`, {
      code: "usage",
      wrong: "it is not a time",
      mend: "Write it as in `2026-08-19T16:00`, or name the last one that was listed.",
    });
  return instant ?? text.trim();
}

/** Without a zone: in that of this computer. */
function readInstant(text: string): string | null {
  const atMs = DATE.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN;
  return Number.isNaN(atMs) ? null : formatInstant(atMs);
}

/** ` of pool linux of the last 2h`; empty where nothing narrows the list. */
export function describePage({ pool, since, before }: PageOptions): string {
  return [
    ...(pool === undefined ? [] : [` of pool ${pool}`]),
    ...(since === undefined ? [] : [parseDuration(since) === null ? ` since ${since}` : ` of the last ${since}`]),
    ...(before === undefined ? [] : [` before ${before}`]),
  ].join("");
}

/** @param last what names the last one that is shown. */
export function renderMore(isMore: true | undefined, count: number, last: string, colours: Colours): string {
  return isMore === true ? `\n${colours.dim(`The newest ${count}; those before them by \`--before ${last}\`.`)}\n` : "";
}
