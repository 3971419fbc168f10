import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { type RestAnswer, refuse } from "./rest-answer.ts";
import type { GitHubState, Quota } from "./state.ts";

/** GitHub's two rate limits, for each credential: calls an hour, and points a minute. */

/** What a test may read of a credential's use. */
export interface CredentialUsage {
  readonly requestCount: number;
  /** Of them, how many were answered 304. */
  readonly notModifiedCount: number;
  /** Of the primary limit, in the hour that runs. */
  readonly primaryUsed: number;
  readonly pointsLastMinute: number;
  readonly byOperation: { readonly [operation: string]: number };
}

/** Who is counted: `installation 51515151`, `app 424242`, `token octocat`. */
export interface Credential {
  readonly name: string;
  /** In GitHub's refusal: `installation ID 51515151`. */
  readonly described: string;
}

const WRITE_POINTS = 5;
const READ_POINTS = 1;

function quotaOf(state: GitHubState, credential: Credential): Quota {
  const known = state.quotas.get(credential.name);
  if (known !== undefined) return known;
  const quota: Quota = {
    windowStartMs: null,
    usedCount: 0,
    pointsBySecond: new Map(),
    requestCount: 0,
    notModifiedCount: 0,
    countByOperation: new Map(),
  };
  state.quotas.set(credential.name, quota);
  return quota;
}

/** Counts the call, or refuses it uncounted when a limit is reached. */
export function spend(
  state: GitHubState,
  credential: Credential,
  call: { readonly method: string; readonly operation: string },
  nowMs: number,
): RestAnswer | null {
  const quota = quotaOf(state, credential);
  const { primaryLimit, pointsPerMinute } = state.options;
  renew(state, quota, nowMs);
  quota.requestCount += 1;
  quota.countByOperation.set(call.operation, (quota.countByOperation.get(call.operation) ?? 0) + 1);
  if (primaryLimit > 0 && quota.usedCount >= primaryLimit) {
    return refuse(403, `API rate limit exceeded for ${credential.described}.`);
  }
  const points = call.method === "GET" ? READ_POINTS : WRITE_POINTS;
  if (pointsPerMinute > 0 && countPoints(quota, nowMs) + points > pointsPerMinute) {
    const refusal = refuse(403, SECONDARY_MESSAGE);
    return { ...refusal, headers: { "retry-after": String(MINUTE_MS / SECOND_MS) } };
  }
  quota.usedCount += 1;
  const second = Math.floor(nowMs / SECOND_MS);
  quota.pointsBySecond.set(second, (quota.pointsBySecond.get(second) ?? 0) + points);
  return null;
}

const SECONDARY_MESSAGE =
  "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID.";

/** A 304 costs nothing of the primary limit. */
export function refund(state: GitHubState, credential: Credential): void {
  const quota = quotaOf(state, credential);
  quota.usedCount -= 1;
  quota.notModifiedCount += 1;
}

/** The hour begins with the first call after the last hour's end. */
function renew(state: GitHubState, quota: Quota, nowMs: number): void {
  const { windowStartMs } = quota;
  if (windowStartMs !== null && nowMs - windowStartMs < state.options.primaryWindowMs) return;
  quota.windowStartMs = nowMs;
  quota.usedCount = 0;
}

function countPoints(quota: Quota, nowMs: number): number {
  const oldest = Math.floor((nowMs - MINUTE_MS) / SECOND_MS);
  let total = 0;
  for (const [second, points] of quota.pointsBySecond) {
    if (second <= oldest) quota.pointsBySecond.delete(second);
    else total += points;
  }
  return total;
}

/** What every answer says of the primary limit; nothing where there is none. */
export function limitHeaders(state: GitHubState, credential: Credential): { readonly [name: string]: string } {
  const { primaryLimit, primaryWindowMs } = state.options;
  if (primaryLimit === 0) return {};
  const { usedCount, windowStartMs } = quotaOf(state, credential);
  const resetMs = (windowStartMs ?? 0) + primaryWindowMs;
  return {
    "x-ratelimit-limit": String(primaryLimit),
    "x-ratelimit-remaining": String(Math.max(0, primaryLimit - usedCount)),
    "x-ratelimit-used": String(usedCount),
    "x-ratelimit-reset": String(Math.ceil(resetMs / SECOND_MS)),
    "x-ratelimit-resource": "core",
  };
}

/** By the credential's name. */
export function readUsage(state: GitHubState, nowMs: number): { readonly [credential: string]: CredentialUsage } {
  const usages = [...state.quotas].map(([name, quota]) => {
    renew(state, quota, nowMs);
    const usage: CredentialUsage = {
      requestCount: quota.requestCount,
      notModifiedCount: quota.notModifiedCount,
      primaryUsed: quota.usedCount,
      pointsLastMinute: countPoints(quota, nowMs),
      byOperation: Object.fromEntries(quota.countByOperation),
    };
    return [name, usage] as const;
  });
  return Object.fromEntries(usages);
}
