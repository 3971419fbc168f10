import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ageMs, type HeardTime, heardForMs, isPast } from "../../src/domain/time.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { heard, START_MS } from "./builders.ts";
import { always } from "./property.ts";

type Row = readonly [name: string, sinceMs: number, time: HeardTime, wantMs: number];

describe("heard time", () => {
  it.each<Row>([
    ["heard all along: all of it counts", START_MS, heard(5 * MINUTE_MS), 5 * MINUTE_MS],
    ["deaf until a minute ago: only the minute counts", START_MS, deafUntil(9 * MINUTE_MS, 10 * MINUTE_MS), MINUTE_MS],
    ["a gap that ended before it began: no matter", START_MS, deafUntil(-MINUTE_MS, MINUTE_MS), MINUTE_MS],
    ["hearing began this very moment", START_MS, deafUntil(HOUR_MS, HOUR_MS), 0],
    ["it began this very moment", START_MS, heard(0), 0],
    ["the clock stepped back: never negative", START_MS, heard(-MINUTE_MS), 0],
    ["hearing begins in the future, as after a step back", START_MS, deafUntil(HOUR_MS, MINUTE_MS), 0],
  ])("%s", (_name, sinceMs, time, wantMs) => {
    expect(heardForMs(sinceMs, time)).toBe(wantMs);
  });

  it.each<readonly [string, HeardTime, boolean]>([
    ["one ms before the deadline", heard(5 * MINUTE_MS - 1), false],
    ["at the deadline", heard(5 * MINUTE_MS), true],
    ["after a gap it starts anew: one ms before", deafUntil(HOUR_MS, HOUR_MS + 5 * MINUTE_MS - 1), false],
    ["after a gap it starts anew: at the deadline", deafUntil(HOUR_MS, HOUR_MS + 5 * MINUTE_MS), true],
  ])("a deadline of 5 minutes, %s", (_name, time, want) => {
    expect(isPast(START_MS, 5 * MINUTE_MS, time)).toBe(want);
  });

  it("a gap never makes a deadline pass earlier", () => {
    const moments = fc.record({
      sinceMs: fc.nat(HOUR_MS),
      deadlineMs: fc.integer({ min: 1, max: HOUR_MS }),
      nowMs: fc.nat(2 * HOUR_MS),
      heardSinceMs: fc.nat(2 * HOUR_MS),
      laterGapMs: fc.nat(HOUR_MS),
    });
    always(
      fc.property(moments, ({ sinceMs, deadlineMs, nowMs, heardSinceMs, laterGapMs }) => {
        const before = isPast(sinceMs, deadlineMs, { nowMs, heardSinceMs });
        const withGap = isPast(sinceMs, deadlineMs, { nowMs, heardSinceMs: heardSinceMs + laterGapMs });
        expect(withGap && !before).toBe(false);
        if (withGap) expect(nowMs - Math.max(sinceMs, heardSinceMs + laterGapMs)).toBeGreaterThanOrEqual(deadlineMs);
      }),
    );
  });
});

it("units are what their names say", () => {
  expect([SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS]).toEqual([1_000, 60_000, 3_600_000, 86_400_000]);
});

/** Nothing could be heard until `sinceMs` after the start; it is `nowMs` after the start. */
function deafUntil(sinceMs: number, nowMs: number): HeardTime {
  return { heardSinceMs: START_MS + sinceMs, nowMs: START_MS + nowMs };
}

it.each<readonly [string, number, number]>([
  ["an hour ago", -HOUR_MS, HOUR_MS],
  ["now", 0, 0],
  ["by a clock that is a little ahead", MINUTE_MS, 0],
  ["before the clock was set back: nobody knows", MINUTE_MS + 1, Number.POSITIVE_INFINITY],
])("the age of what was written %s", (_when, byMs, want) => {
  expect(ageMs(START_MS + byMs, START_MS)).toBe(want);
});
