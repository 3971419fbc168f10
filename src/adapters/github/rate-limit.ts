/** What GitHub's answers say of its rate limits, as durations from the moment of the answer by GitHub's own clock. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Answer } from "./client.ts";
import { messageOf } from "./shapes.ts";

/** GitHub asks for at least this much where it names no time. */
export const RATE_LIMIT_WAIT_MS = MINUTE_MS;
/** Its window is an hour: a longer wait is somebody's wrong clock. */
export const RATE_LIMIT_WAIT_MS_MAX = HOUR_MS;
/** The limit of everything but searches, code scanning and the like, which have limits of their own. */
const CORE_RESOURCE = "core";

export interface ToldWindow {
  readonly limit: number;
  readonly remaining: number;
  readonly resetsInMs: number;
  /** In GitHub's own time of day. */
  readonly resetsAtMs: number;
}

/** Null where the answer tells none, as servers without limits do. */
export function primaryWindowOf(headers: Headers, nowMs: number): ToldWindow | null {
  if (!isOfCore(headers)) return null;
  const limit = numberOf(headers, "x-ratelimit-limit");
  const remaining = numberOf(headers, "x-ratelimit-remaining");
  const reset = numberOf(headers, "x-ratelimit-reset");
  if (limit === null || remaining === null || reset === null) return null;
  const resetsAtMs = reset * SECOND_MS;
  return { limit, remaining, resetsAtMs, resetsInMs: resetsAtMs - (answeredAtMs(headers) ?? nowMs) };
}

function isOfCore(headers: Headers): boolean {
  return (headers.get("x-ratelimit-resource") ?? CORE_RESOURCE) === CORE_RESOURCE;
}

/**
 * Whether what is used up is a limit that other calls do not share: that of registering runners
 * (`actions_runner_registration`) must not keep registrations from being deleted.
 */
export function isLimitOfItsOwn({ headers }: Answer): boolean {
  return !isOfCore(headers) && headers.get("x-ratelimit-remaining") === "0" && !headers.has("retry-after");
}

/** Whether it is refused because of a limit, primary or secondary. */
export function isRateLimit(answer: Answer): boolean {
  const { status, headers } = answer;
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers.has("retry-after") ||
    headers.get("x-ratelimit-remaining") === "0" ||
    /rate limit|abuse detection/i.test(messageOf(answer.json))
  );
}

/** How long GitHub wants no call; null where it says nothing of that. */
export function rateLimitWaitOf(answer: Answer, nowMs: number): number | null {
  return isRateLimit(answer) ? waitOf(answer.headers, answeredAtMs(answer.headers) ?? nowMs) : null;
}

/** How long a server that is in maintenance wants to be left alone; null where it does not say. */
export function maintenanceWaitOf({ status, headers }: Answer, nowMs: number): number | null {
  return status === 503 && headers.has("retry-after") ? waitOf(headers, answeredAtMs(headers) ?? nowMs) : null;
}

/** Whether GitHub leaves it to us how long to wait; then it asks for longer ones each time. */
export function isWaitOurs({ headers }: Answer): boolean {
  return namedWaitOf(headers, 0) === null;
}

function waitOf(headers: Headers, nowMs: number): number {
  const waitMs = namedWaitOf(headers, nowMs) ?? RATE_LIMIT_WAIT_MS;
  return Math.min(Math.max(Math.ceil(waitMs), SECOND_MS), RATE_LIMIT_WAIT_MS_MAX);
}

function namedWaitOf(headers: Headers, nowMs: number): number | null {
  const seconds = numberOf(headers, "retry-after");
  if (seconds !== null) return seconds * SECOND_MS;
  const dateMs = Date.parse(headers.get("retry-after") ?? "");
  if (Number.isFinite(dateMs)) return dateMs - nowMs;
  const reset = numberOf(headers, "x-ratelimit-reset");
  const isUsedUp = headers.get("x-ratelimit-remaining") === "0";
  return isUsedUp && reset !== null ? reset * SECOND_MS - nowMs : null;
}

/** When GitHub answered, by its own clock; null where it does not say. */
export function answeredAtMs(headers: Headers): number | null {
  const atMs = Date.parse(headers.get("date") ?? "");
  return Number.isFinite(atMs) ? atMs : null;
}

function numberOf(headers: Headers, name: string): number | null {
  const text = headers.get(name);
  const value = Number(text);
  return text === null || text === "" || !Number.isFinite(value) || value < 0 ? null : value;
}
