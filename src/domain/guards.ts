/**
 * Guards against ending many machines by one mistake of ours, of GitHub's or of a provider's. They delay, and never forbid:
 * a guard falls after `STEADY_FOR_MS` of complete readings in which nothing changed. Proofs that the host or the provider
 * speaks for (`never-engaged`, `parked`, `provider-dead`) are certain, and are not guarded.
 */
import type { ReasonCode } from "./reasons.ts";
import { type HeardTime, isPast } from "./time.ts";
import { MINUTE_MS } from "./units.ts";

export const GUARD_WINDOW_MS = 5 * MINUTE_MS;
const ENDINGS_MIN = 2;
const ENDINGS_SHARE = 0.25;
const TURNED_UNKNOWN_MIN = 3;
const TURNED_UNKNOWN_SHARE = 0.2;
/** So long everything must have been read completely, and found the same, for a guard to fall. */
const STEADY_FOR_MS = 15 * MINUTE_MS;

export interface GuardInput {
  /** Machines of the pool that are not gone. */
  readonly machineCount: number;
  /** When guarded endings of this pool were permitted lately: epoch milliseconds. */
  readonly endedAtMs: readonly number[];
  /** Whether the provider's last listing came whole. */
  readonly isListingWhole: boolean;
  /** How many machines it showed. */
  readonly listedCount: number;
  /** Since when each machine that nobody can judge has been so. */
  readonly unknownSinceMs: readonly number[];
  /** Since when every listing came whole and showed the same machines in the same states; null where the last did not. */
  readonly steadySinceMs: number | null;
  readonly time: HeardTime;
}

/** What stands against one more guarded ending now; null for nothing. */
export function guardAgainstEnding(input: GuardInput): ReasonCode | null {
  const { machineCount, endedAtMs, time } = input;
  const recentCount = endedAtMs.filter((atMs) => time.nowMs - atMs < GUARD_WINDOW_MS).length;
  // This one is the delay itself: it is over after the window.
  if (recentCount >= endingsMax(machineCount)) return "too-many-endings";
  if (!input.isListingWhole) return "listing-not-whole";
  const isSteady = input.steadySinceMs !== null && isPast(input.steadySinceMs, STEADY_FOR_MS, time);
  if (isSteady) return null;
  if (input.listedCount === 0 && machineCount > 0) return "listing-empty";
  const turnedCount = input.unknownSinceMs.filter((sinceMs) => time.nowMs - sinceMs < GUARD_WINDOW_MS).length;
  const turnedMax = Math.max(TURNED_UNKNOWN_MIN, Math.floor(machineCount * TURNED_UNKNOWN_SHARE));
  return turnedCount > turnedMax ? "many-turned-unknown" : null;
}

function endingsMax(machineCount: number): number {
  return Math.max(ENDINGS_MIN, Math.floor(machineCount * ENDINGS_SHARE));
}
