import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, CALL_BACKOFF } from "../../src/domain/backoff.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { always } from "./property.ts";

type Row = readonly [name: string, failureCount: number, spread: number, wantMs: number];

describe("backoff", () => {
  it.each<Row>([
    ["no failure: at once", 0, 0, 0],
    ["a count below zero: at once", -3, 0, 0],
    ["after the first failure", 1, 0, SECOND_MS],
    ["after the second it doubles", 2, 0, 2 * SECOND_MS],
    ["after the seventh it is just below the limit", 7, 0, 64 * SECOND_MS],
    ["after the eighth it is at the limit", 8, 0, 2 * MINUTE_MS],
    ["after a thousand it is still at the limit", 1_000, 0, 2 * MINUTE_MS],
    ["half the spread takes an eighth off", 8, 0.5, 105 * SECOND_MS],
    ["the spread takes at most a quarter off", 8, 1, 90 * SECOND_MS],
  ])("%s", (_name, failureCount, spread, wantMs) => {
    expect(backoffMs(CALL_BACKOFF, failureCount, spread)).toBe(wantMs);
  });

  it("grows with failures, stays between three quarters and the whole, and never passes the limit", () => {
    const spread = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    always(
      fc.property(fc.integer({ min: 1, max: 10_000 }), spread, (failureCount, takenOff) => {
        const waitMs = backoffMs(CALL_BACKOFF, failureCount, takenOff);
        const fullMs = backoffMs(CALL_BACKOFF, failureCount, 0);
        expect(Number.isSafeInteger(waitMs)).toBe(true);
        expect(waitMs).toBeLessThanOrEqual(fullMs);
        expect(waitMs).toBeGreaterThanOrEqual(Math.floor(fullMs * 0.75));
        expect(fullMs).toBeLessThanOrEqual(CALL_BACKOFF.limitMs);
        expect(fullMs).toBeLessThanOrEqual(backoffMs(CALL_BACKOFF, failureCount + 1, 0));
      }),
    );
  });
});
