/** How many calls the account may make, and how many instances they may start or end: buckets that fill again with time. */
import { SECOND_MS } from "../../domain/units.ts";
import type { Ec2Action } from "./api.ts";
import { Ec2Refusal } from "./errors.ts";
import type { Rates } from "./options.ts";
import type { Ec2State } from "./state.ts";

export type BucketName = keyof Rates;

/** @throws {Ec2Refusal} RequestLimitExceeded where there is less than that left; nothing is taken then. */
export function spend(state: Ec2State, name: BucketName, count: number, nowMs: number): void {
  take(state, name, name, count, nowMs);
}

/** Takes one call of the bucket that it is counted in: each action has its own. */
export function spendCall(state: Ec2State, action: Ec2Action, request: Read, nowMs: number): void {
  const name = bucketOf(action, request);
  take(state, name, `${name}/${action}`, 1, nowMs);
}

function take(state: Ec2State, name: BucketName, key: string, count: number, nowMs: number): void {
  const rate = state.options.rates?.[name];
  if (rate === undefined) return;
  const bucket = state.buckets.get(key) ?? { tokens: rate.burst, atMs: nowMs };
  state.buckets.set(key, bucket);
  const gained = (Math.max(0, nowMs - bucket.atMs) / SECOND_MS) * rate.perSecond;
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
  if (bucket.tokens < count) throw new Ec2Refusal("RequestLimitExceeded", "Request limit exceeded.");
  bucket.tokens -= count;
}

interface Read {
  readonly DryRun?: boolean | undefined;
  readonly MaxResults?: number | undefined;
  readonly Filters?: readonly unknown[] | undefined;
  readonly InstanceIds?: readonly string[] | undefined;
}

function bucketOf(action: Ec2Action, { MaxResults, Filters, InstanceIds }: Read): BucketName {
  if (action === "RunInstances") return "runInstances";
  if (!action.startsWith("Describe") && !action.startsWith("Get")) return "change";
  const isWhole = MaxResults === undefined && (Filters ?? []).length + (InstanceIds ?? []).length === 0;
  return isWhole && action === "DescribeInstances" ? "unpagedReading" : "reading";
}
