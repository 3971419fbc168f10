import { describe, expect, it } from "vitest";
import { describeBudgets } from "../../../src/app/check/budgets.ts";
import { tellOnce } from "../../../src/app/check/installations.ts";
import { judgeRunnerVersion, lookAtRunnerVersion } from "../../../src/app/check/runner-version.ts";
import type { Observation } from "../../../src/domain/observed.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { RunnerDeprecation } from "../../../src/ports/github.ts";
import { app, NOW_MS, pool, subject } from "./subject-builder.ts";

function ends(registrationEndsAtMs: number | null, runtimeEndsAtMs: number | null): Observation<RunnerDeprecation> {
  return { kind: "present", value: { registrationEndsAtMs, runtimeEndsAtMs }, observedAtMs: NOW_MS };
}

describe("the runner's version", () => {
  it.each([
    ["without an end", ends(null, null), "ok", /has named no end/],
    ["not known to GitHub", { kind: "absent", observedAtMs: NOW_MS }, "ok", /names no dates/],
    [
      "not to be asked for",
      { kind: "unknown", code: "github-unavailable", observedAtMs: NOW_MS },
      "warning",
      /github-unavailable/,
    ],
    ["with more than a week left", ends(null, NOW_MS + 7 * DAY_MS + 1), "ok", /for another 7d/],
    ["with a week left", ends(null, NOW_MS + 7 * DAY_MS), "warning", /for another 7d/],
    ["past its end", ends(null, NOW_MS - 2 * DAY_MS), "error", /not taken runner 2\.336\.0 for 2d/],
    ["that ends at this moment", ends(null, NOW_MS), "error", /no job would come/],
    ["that cannot be registered any more", ends(NOW_MS - HOUR_MS, NOW_MS + 30 * DAY_MS), "error", /for 1h/],
  ] as const)("%s", (_name, observed, severity, text) => {
    const finding = judgeRunnerVersion(pool(), "2.336.0", observed, NOW_MS);
    expect(finding).toMatchObject({ severity, area: "pool linux", path: "pools[0].runner" });
    expect(finding.finding).toMatch(text);
  });

  it("that cannot be read is a warning, and GitHub is not asked", async () => {
    const [finding] = await lookAtRunnerVersion(subject(), pool({}, 0, null), tellOnce(app(), []));
    expect(finding).toMatchObject({ severity: "warning", finding: "the runner's version could not be read" });
  });
});

describe("the rate limit", () => {
  const place = { area: "connection main", path: "github.main" };
  const reading = { account: "acme", primary: null, pointCount: 30, blockedUntilMs: null, ticketCount: 0 };
  const primary = { limit: 5_000, remaining: 4_990, resetsAtMs: NOW_MS + 20 * MINUTE_MS };

  it.each([
    [
      "that GitHub tells",
      { ...reading, primary },
      "ok",
      "rate limit of acme: 4990 of 5000 calls left, all again in 20m; 870 of 900 points this minute, good for 87 jobs",
    ],
    [
      "that GitHub does not tell",
      reading,
      "ok",
      "rate limit of acme: GitHub tells no hourly limit; 870 of 900 points this minute, good for 87 jobs",
    ],
    [
      "that is used up",
      { ...reading, blockedUntilMs: NOW_MS + MINUTE_MS },
      "warning",
      "acme: GitHub asked for a pause of another 1m",
    ],
    ["that was used up", { ...reading, blockedUntilMs: NOW_MS }, "ok", expect.stringMatching(/870 of 900/)],
  ])("%s", (_name, budget, severity, finding) => {
    expect(describeBudgets([budget], place, NOW_MS)).toMatchObject([{ severity, finding }]);
  });
});
