/** What is left of GitHub's rate limits, and how many jobs a minute they are good for. Pure. */

import { POINTS_PER_MINUTE_MAX } from "../../domain/budget.ts";
import { formatDuration } from "../../http/text/durations.ts";
import type { BudgetReading } from "../../ports/github.ts";
import { type Finding, ok, type Place, warning } from "./finding.ts";

/** A registration and its deletion are writes, of 5 points each. */
const POINTS_PER_JOB = 10;

export function describeBudgets(budgets: readonly BudgetReading[], place: Place, nowMs: number): readonly Finding[] {
  return budgets.map((budget) => describeBudget(budget, place, nowMs));
}

function describeBudget({ account, primary, pointCount, blockedUntilMs }: BudgetReading, place: Place, nowMs: number) {
  const jobCount = Math.floor((POINTS_PER_MINUTE_MAX - pointCount) / POINTS_PER_JOB);
  const minute = `${POINTS_PER_MINUTE_MAX - pointCount} of ${POINTS_PER_MINUTE_MAX} points this minute, good for ${jobCount} jobs`;
  const hour =
    primary === null
      ? "GitHub tells no hourly limit"
      : `${primary.remaining} of ${primary.limit} calls left, all again in ${formatDuration(primary.resetsAtMs - nowMs)}`;
  if (blockedUntilMs !== null && blockedUntilMs > nowMs) {
    const text = `${account}: GitHub asked for a pause of another ${formatDuration(blockedUntilMs - nowMs)}`;
    return warning(place, text, "Wait; and look who else works with these credentials.", "github-rate-limited");
  }
  return ok(place, `rate limit of ${account}: ${hour}; ${minute}`);
}
