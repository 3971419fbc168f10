/** What GitHub's refusals mean. */
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Answer, Call } from "./client.ts";

/** GitHub asks for at least this much where it names no time. */
const RATE_LIMIT_WAIT_MS = MINUTE_MS;
/** Its window is an hour: a longer wait is somebody's wrong clock. */
const RATE_LIMIT_WAIT_MS_MAX = HOUR_MS;
const MESSAGE_LENGTH_MAX = 300;

/**
 * The error of an answer that is not the one that was hoped for.
 * @param secret the header it was asked with, in case that the answer repeats it.
 */
export function refusalOf(answer: Answer, call: Call, secret: string, nowMs: number): GitHubError {
  const code = codeOf(answer, call);
  const cause = new Error(describeAnswer(answer, secret));
  if (code !== "github-rate-limited") return new GitHubError(code, call.attempted, { cause });
  return new GitHubError(code, call.attempted, { cause, retryAfterMs: waitOf(answer.headers, nowMs) });
}

function codeOf(answer: Answer, call: Call): GitHubErrorCode {
  const { status } = answer;
  if (status === 401) return "github-unauthorized";
  if (status === 429 || (status === 403 && isRateLimit(answer))) return "github-rate-limited";
  if (status === 403) return "github-forbidden";
  // Renamed or moved: under the name that we were given, it is not there.
  if (status === 404 || (status >= 300 && status < 400)) return "github-not-found";
  if (status === 409 && call.operation === "generate-jitconfig") return "github-name-taken";
  if (status === 408 || status >= 500) return "github-unavailable";
  return "github-invalid";
}

function isRateLimit(answer: Answer): boolean {
  const { headers } = answer;
  return (
    headers.has("retry-after") ||
    headers.get("x-ratelimit-remaining") === "0" ||
    /rate limit|abuse detection/i.test(messageOf(answer))
  );
}

function waitOf(headers: Headers, nowMs: number): number {
  const retryAfter = headers.get("retry-after");
  const seconds = Number(retryAfter ?? Number.NaN);
  const dateMs = Date.parse(retryAfter ?? "");
  const resetMs = Number(headers.get("x-ratelimit-reset") ?? Number.NaN) * SECOND_MS;
  const isUsedUp = headers.get("x-ratelimit-remaining") === "0";
  let waitMs = RATE_LIMIT_WAIT_MS;
  if (Number.isFinite(seconds)) waitMs = seconds * SECOND_MS;
  else if (Number.isFinite(dateMs)) waitMs = dateMs - nowMs;
  else if (isUsedUp && Number.isFinite(resetMs)) waitMs = resetMs - nowMs;
  return Math.min(Math.max(Math.ceil(waitMs), SECOND_MS), RATE_LIMIT_WAIT_MS_MAX);
}

/** Says so itself that a job runs there; older servers do it under other statuses than 422. */
export function saysBusy(answer: Answer): boolean {
  return answer.status === 422 || (answer.status >= 400 && /currently running a job/i.test(messageOf(answer)));
}

function messageOf({ json }: Answer): string {
  if (typeof json !== "object" || json === null || !("message" in json)) return "";
  return typeof json.message === "string" ? json.message : "";
}

function describeAnswer(answer: Answer, secret: string): string {
  const bare = secret.replace(/^\S+ /, "");
  const said = messageOf(answer).replaceAll(bare, "***").replace(/\s+/g, " ").slice(0, MESSAGE_LENGTH_MAX);
  const id = answer.headers.get("x-github-request-id");
  const request = id === null ? "" : ` (request ${id.slice(0, 60)})`;
  return `GitHub answered ${answer.status}${said === "" ? "" : `: ${said}`}${request}`;
}
