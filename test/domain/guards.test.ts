import { describe, expect, it } from "vitest";
import { type GuardInput, guardAgainstEnding } from "../../src/domain/guards.ts";
import type { ReasonCode } from "../../src/domain/reasons.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { heard, START_MS } from "./builders.ts";

const NOW_MS = START_MS + HOUR_MS;
const ago = (ms: number, count = 1) => Array.from({ length: count }, () => NOW_MS - ms);

const CALM: GuardInput = {
  machineCount: 20,
  endedAtMs: [],
  isListingWhole: true,
  listedCount: 20,
  unknownSinceMs: [],
  steadySinceMs: null,
  time: heard(HOUR_MS),
};
const steadyFor = (ms: number) => ({ steadySinceMs: NOW_MS - ms });

type Row = readonly [name: string, input: Partial<GuardInput>, want: ReasonCode | null];

describe("guards", () => {
  it.each<Row>([
    ["nothing stands against it", {}, null],
    ["four of twenty in five minutes may go", { endedAtMs: ago(MINUTE_MS, 4) }, null],
    ["a quarter went already", { endedAtMs: ago(MINUTE_MS, 5) }, "too-many-endings"],
    ["a quarter went, five minutes ago", { endedAtMs: ago(5 * MINUTE_MS, 5) }, null],
    ["two of a small pool went", { machineCount: 3, listedCount: 3, endedAtMs: ago(0, 2) }, "too-many-endings"],
    ["one of a small pool went", { machineCount: 3, listedCount: 3, endedAtMs: ago(0, 1) }, null],
    ["too many stays so however steady all is", { endedAtMs: ago(0, 5), ...steadyFor(HOUR_MS) }, "too-many-endings"],
    ["the listing did not come whole", { isListingWhole: false }, "listing-not-whole"],
    ["nothing is listed though there are rows", { listedCount: 0 }, "listing-empty"],
    ["nothing is listed, and was not for 15 minutes", { listedCount: 0, ...steadyFor(15 * MINUTE_MS) }, null],
    ["nothing is listed for less", { listedCount: 0, ...steadyFor(15 * MINUTE_MS - 1) }, "listing-empty"],
    ["nothing is listed and there are no rows", { listedCount: 0, machineCount: 0 }, null],
    ["a fifth turned unknown", { unknownSinceMs: ago(MINUTE_MS, 4) }, null],
    ["more than a fifth turned unknown", { unknownSinceMs: ago(MINUTE_MS, 5) }, "many-turned-unknown"],
    ["more than a fifth turned unknown, five minutes ago", { unknownSinceMs: ago(5 * MINUTE_MS, 9) }, null],
    ["three of four turned unknown", { machineCount: 4, listedCount: 4, unknownSinceMs: ago(0, 3) }, null],
    [
      "four of four turned unknown",
      { machineCount: 4, listedCount: 4, unknownSinceMs: ago(0, 4) },
      "many-turned-unknown",
    ],
    ["many unknown falls after 15 steady minutes", { unknownSinceMs: ago(0, 9), ...steadyFor(15 * MINUTE_MS) }, null],
  ])("%s", (_name, input, want) => {
    expect(guardAgainstEnding({ ...CALM, ...input })).toBe(want);
  });

  it("steady counts only over time in which we could have heard", () => {
    const time = heard(HOUR_MS, { heardSinceMs: NOW_MS - MINUTE_MS });
    expect(guardAgainstEnding({ ...CALM, listedCount: 0, ...steadyFor(30 * MINUTE_MS), time })).toBe("listing-empty");
  });
});
