import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, judgeBreaker, mayProbe, type Outcome } from "../../src/domain/breakers.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { always } from "./property.ts";

const MAX = 3;
/** Made at this second, and known to have failed ten seconds later. */
const failed = (atS: number): Outcome => ({ madeAtMs: atS * SECOND_MS, failedAtMs: (atS + 10) * SECOND_MS });
const ran = (atS: number): Outcome => ({ madeAtMs: atS * SECOND_MS, failedAtMs: null });
const open = (sinceS: number, failureCount: number, pauseMs: number, lastS = sinceS): Breaker => ({
  kind: "open",
  sinceMs: sinceS * SECOND_MS,
  failureCount,
  nextProbeAtMs: lastS * SECOND_MS + pauseMs,
});
const closed: Breaker = { kind: "closed" };

describe("judgeBreaker", () => {
  it.each<readonly [string, readonly Outcome[], Breaker]>([
    ["nothing was tried", [], closed],
    ["all of few failed", [failed(0), failed(1)], closed],
    ["three in a row failed", [failed(0), failed(1), failed(2)], open(12, 3, MINUTE_MS)],
    ["in whichever order they are read", [failed(2), failed(0), failed(1)], open(12, 3, MINUTE_MS)],
    ["one between them succeeded", [failed(0), failed(1), ran(2), failed(3)], closed],
    ["one before them succeeded, and runs on", [ran(0), failed(1), failed(2), failed(3)], open(13, 3, MINUTE_MS)],
    ["one that was made with the last of them succeeded", [failed(0), failed(1), failed(2), ran(2)], closed],
    [
      "more that were under way failed too: one pause all the same",
      [failed(0), failed(1), failed(2), failed(5), failed(6)],
      open(12, 5, MINUTE_MS, 16),
    ],
    ["a probe failed", [failed(0), failed(1), failed(2), failed(80)], open(12, 4, 2 * MINUTE_MS, 90)],
    ["two did", [failed(0), failed(1), failed(2), failed(80), failed(300)], open(12, 5, 4 * MINUTE_MS, 310)],
    ["a probe succeeded", [failed(0), failed(1), failed(2), ran(80)], closed],
    ["one fails after it", [failed(0), failed(1), failed(2), ran(80), failed(90)], closed],
  ])("%s", (_name, outcomes, want) => {
    expect(judgeBreaker(outcomes, MAX)).toEqual(want);
  });

  it("pauses for a quarter of an hour at most, however long it goes on", () => {
    const probes = Array.from({ length: 40 }, (_, index) => failed(1_000 * (index + 1)));
    const breaker = judgeBreaker([failed(0), failed(1), failed(2), ...probes], MAX);
    expect(breaker).toEqual(open(12, 43, 15 * MINUTE_MS, 40_010));
  });

  const outcomes = fc.array(
    fc
      .record({ madeAtMs: fc.nat(1_000), tookMs: fc.nat(50), isFailed: fc.boolean() })
      .map(
        ({ madeAtMs, tookMs, isFailed }): Outcome => ({ madeAtMs, failedAtMs: isFailed ? madeAtMs + tookMs : null }),
      ),
    { maxLength: 12 },
  );

  it("a success that was made last closes it, whatever was before", () => {
    always(
      fc.property(outcomes, (before) => {
        expect(judgeBreaker([...before, { madeAtMs: 1_001, failedAtMs: null }], MAX)).toEqual(closed);
      }),
    );
  });

  it("one more failure never closes it, and only ever puts the next probe off", () => {
    always(
      fc.property(outcomes, fc.nat(50), (before, tookMs) => {
        const first = judgeBreaker(before, MAX);
        const next = judgeBreaker([...before, { madeAtMs: 1_051, failedAtMs: 1_051 + tookMs }], MAX);
        if (first.kind === "closed") return;
        expect(next).toMatchObject({ kind: "open", sinceMs: first.sinceMs });
        if (next.kind === "open") expect(next.nextProbeAtMs).toBeGreaterThanOrEqual(first.nextProbeAtMs);
      }),
    );
  });
});

describe("mayProbe", () => {
  const breaker = open(0, 3, MINUTE_MS);
  it.each<readonly [string, Breaker, boolean, number, boolean]>([
    ["a closed one always", closed, true, 0, true],
    ["one ms before the pause is over", breaker, false, MINUTE_MS - 1, false],
    ["when it is over", breaker, false, MINUTE_MS, true],
    ["not while another is tried", breaker, true, 9 * MINUTE_MS, false],
  ])("%s", (_name, one, isTrying, nowMs, want) => {
    expect(mayProbe(one, isTrying, nowMs)).toBe(want);
  });
});
