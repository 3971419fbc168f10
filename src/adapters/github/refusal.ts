/** What GitHub's refusals mean. */
import { GitHubError, type GitHubErrorCode } from "../../domain/errors.ts";
import type { Answer, Call } from "./client.ts";
import { isRateLimit, maintenanceWaitOf, rateLimitWaitOf } from "./rate-limit.ts";
import { messageOf } from "./shapes.ts";

const MESSAGE_LENGTH_MAX = 300;
/** Calls about the App's installation: what is not there for them is the installation. */
const INSTALLATION_OPERATIONS: ReadonlySet<string> = new Set(["get-installation", "create-installation-token"]);

/**
 * The error of an answer that is not the one that was hoped for.
 * @param secret the header it was asked with, in case that the answer repeats it.
 */
export function refusalOf(answer: Answer, call: Call, secret: string, nowMs: number): GitHubError {
  const code = codeOf(answer, call);
  const cause = new Error(describeAnswer(answer, secret));
  const retryAfterMs = rateLimitWaitOf(answer, nowMs) ?? maintenanceWaitOf(answer, nowMs);
  return new GitHubError(code, call.attempted, retryAfterMs === null ? { cause } : { cause, retryAfterMs });
}

function codeOf(answer: Answer, call: Call): GitHubErrorCode {
  const { status } = answer;
  const message = messageOf(answer.json);
  if (status === 401) return saysClockSkew(answer) ? "github-clock-skew" : "github-unauthorized";
  if (isRateLimit(answer)) return "github-rate-limited";
  if (status < 500 && call.operation === "generate-jitconfig" && saysFull(message)) return "github-runners-full";
  if (status === 407 || isOfProxy(answer)) return "github-unavailable";
  if (status === 403) return /\bsuspended\b/i.test(message) ? "github-suspended" : "github-forbidden";
  // GitHub knows no App of this number: the installation was not even looked for.
  if (status === 404 && /^integration not found/i.test(message)) return "github-unauthorized";
  if (status === 404) return INSTALLATION_OPERATIONS.has(call.operation) ? "github-not-installed" : "github-not-found";
  // Moved in a way that we do not follow: under the name that we were given, it is not there.
  if (status >= 300 && status < 400 && status !== 304) return "github-not-found";
  if (status === 408 || status >= 500) return "github-unavailable";
  return call.operation === "generate-jitconfig" ? mintingCodeOf(status, message) : "github-invalid";
}

/** GitHub's own refusals are JSON; a page that forbids comes from something on the way. */
function isOfProxy({ status, json }: Answer): boolean {
  return status === 403 && json === undefined;
}

function mintingCodeOf(status: number, message: string): GitHubErrorCode {
  // A success that tells nothing: whether the registration exists is unknown.
  if (status < 300) return "github-unavailable";
  if (status === 409) return "github-name-taken";
  return saysGroupUnknown(message) ? "github-group-unknown" : "github-invalid";
}

/** `Invalid Argument - Runner group 1 has reached max limit of 10000 runners.` (422; llama.cpp #7893, ubicloud #6102). */
function saysFull(message: string): boolean {
  return /\brunners?\b/i.test(message) && /\b(max(imum)?|limit|too many)\b/i.test(message) && !/label/i.test(message);
}

function saysGroupUnknown(message: string): boolean {
  return (
    /\brunner group\b/i.test(message) && /\b(not found|not exist|unknown|no access|not accessible)\b/i.test(message)
  );
}

/**
 * `'Expiration time' claim ('exp') is too far in the future`, `… must be a numeric value representing the future time at
 * which the assertion expires`, `'Issued at' claim ('iat') must be an Integer representing the time that the assertion was
 * issued` (401; octokit/auth-app.js #698, probot #1426).
 */
export function saysClockSkew(answer: Answer): boolean {
  return answer.status === 401 && /'(Expiration time|Issued at)' claim|\('(exp|iat)'\)/i.test(messageOf(answer.json));
}

/** Says so itself that a job runs there; older servers do it under other statuses than 422. */
export function saysBusy(answer: Answer): boolean {
  return answer.status === 422 || (answer.status >= 400 && /currently running a job/i.test(messageOf(answer.json)));
}

function describeAnswer(answer: Answer, secret: string): string {
  const bare = secret.replace(/^\S+ /, "");
  const said = messageOf(answer.json).replaceAll(bare, "***").replace(/\s+/g, " ").slice(0, MESSAGE_LENGTH_MAX);
  const id = answer.headers.get("x-github-request-id");
  const request = id === null ? "" : ` (request ${id.slice(0, 60)})`;
  return `GitHub answered ${answer.status}${said === "" ? "" : `: ${said}`}${request}`;
}
