import fc from "fast-check";
import { expect, it } from "vitest";
import { formatInstant } from "../../src/domain/instant.ts";
import { DAY_MS } from "../../src/domain/units.ts";
import { always } from "./property.ts";

it.each<readonly [string, number, string]>([
  ["the epoch", 0, "1970-01-01T00:00:00.000Z"],
  ["the millisecond before it", -1, "1969-12-31T23:59:59.999Z"],
  ["a leap day of a year that 400 divides", 951_782_400_000, "2000-02-29T00:00:00.000Z"],
  ["the day after February in a year that only 100 divides", 4_107_542_400_000, "2100-03-01T00:00:00.000Z"],
  ["the last millisecond of a leap year", 1_735_689_599_999, "2024-12-31T23:59:59.999Z"],
])("%s", (_name, epochMs, want) => {
  expect(formatInstant(epochMs)).toBe(want);
});

it("writes every instant of four digits' years as the platform does", () => {
  const instants = fc.oneof(
    fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 31) }),
    fc.integer({ min: 0, max: 80_000 }).map((day) => day * DAY_MS),
  );
  always(
    fc.property(instants, (epochMs) => {
      expect(formatInstant(epochMs)).toBe(new Date(epochMs).toISOString());
    }),
    2_000,
  );
});
