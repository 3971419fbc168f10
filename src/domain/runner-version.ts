/**
 * Until when GitHub takes a version of the runner: it stops giving jobs to one that is older than 30 days after a newer
 * release (docs.github.com, "Self-hosted runners reference"). Such a runner registers, waits and gets nothing, so that
 * launching more of them would only loop.
 */
import { DAY_MS } from "./units.ts";

export interface RunnerVersionFacts {
  readonly version: string;
  /** Epoch milliseconds from which it can no longer be registered, or is given no jobs; null where no date is set. */
  readonly endsAtMs: number | null;
}

export type RunnerVersionVerdict = "fine" | "ending" | "ended";

/** So long before the end it is told of. */
const RUNNER_VERSION_WARNING_MS = 7 * DAY_MS;

export function judgeRunnerVersion(facts: RunnerVersionFacts | null, nowMs: number): RunnerVersionVerdict {
  if (facts === null || facts.endsAtMs === null) return "fine";
  if (nowMs >= facts.endsAtMs) return "ended";
  return facts.endsAtMs - nowMs <= RUNNER_VERSION_WARNING_MS ? "ending" : "fine";
}
