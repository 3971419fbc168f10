import { expect, it } from "vitest";
import { judgeRunnerVersion } from "../../src/domain/runner-version.ts";
import { DAY_MS } from "../../src/domain/units.ts";
import { START_MS } from "./builders.ts";

it.each([
  ["nothing is known of it", null, "fine"],
  ["GitHub has set no date", { version: "2.336.0", endsAtMs: null }, "fine"],
  ["its end is further off than a week", { version: "2.336.0", endsAtMs: START_MS + 7 * DAY_MS + 1 }, "fine"],
  ["its end is a week off", { version: "2.336.0", endsAtMs: START_MS + 7 * DAY_MS }, "ending"],
  ["its end is a moment off", { version: "2.336.0", endsAtMs: START_MS + 1 }, "ending"],
  ["its end has come", { version: "2.336.0", endsAtMs: START_MS }, "ended"],
])("a runner where %s is %s", (_name, facts, verdict) => {
  expect(judgeRunnerVersion(facts, START_MS)).toBe(verdict);
});
