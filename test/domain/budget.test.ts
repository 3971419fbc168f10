import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Budget,
  blockUntil,
  CALL_PURPOSES,
  type CallPurpose,
  decideCall,
  learnPrimary,
  POINTS_PER_MINUTE_MAX,
  pointCountOf,
  spend,
  ticketCountOf,
  UNUSED_BUDGET,
} from "../../src/domain/budget.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";

const NOW_MS = 1_000_000;
const read = (purpose: CallPurpose) => ({ purpose, pointCount: 1 });
const write = (purpose: CallPurpose) => ({ purpose, pointCount: 5 });

function spent(pointCount: number, atMs = NOW_MS): Budget {
  return spend(UNUSED_BUDGET, { purpose: "question", pointCount }, atMs);
}

function left(remaining: number, resetsInMs = HOUR_MS, limit = 5_000): Budget {
  return learnPrimary(UNUSED_BUDGET, { limit, remaining, resetsAtMs: NOW_MS + resetsInMs }, NOW_MS);
}

function overWindow(): Budget {
  const told = { limit: 5_000, remaining: 1, resetsAtMs: NOW_MS };
  return learnPrimary(UNUSED_BUDGET, told, NOW_MS - MINUTE_MS);
}

type Row = readonly [name: string, budget: Budget, goes: readonly CallPurpose[]];

describe("who may read", () => {
  const all: readonly CallPurpose[] = CALL_PURPOSES;
  it.each<Row>([
    ["nothing spent, nothing told", UNUSED_BUDGET, all],
    ["449 points spent", spent(449), all],
    ["450: the looks' half is used", spent(450), ["safety", "ticket", "question"]],
    ["675: the questions' three quarters", spent(675), ["safety", "ticket"]],
    ["855: the tickets'", spent(855), ["safety"]],
    ["899", spent(899), ["safety"]],
    ["900", spent(900), []],
    ["900, a minute ago", spent(900, NOW_MS - MINUTE_MS - SECOND_MS), all],
    ["900, nearly a minute ago", spent(900, NOW_MS - MINUTE_MS), []],
    ["half left for the whole hour", left(2_500), all],
    ["less than half left for the whole hour", left(2_499), ["safety", "ticket", "question"]],
    ["less than a quarter left for the whole hour", left(1_249), ["safety", "ticket"]],
    ["a quarter left for the last minutes", left(1_250, 5 * MINUTE_MS), all],
    ["five of a hundred left", left(250), ["safety"]],
    ["five of a hundred left for the last minute", left(250, MINUTE_MS), ["safety"]],
    ["one left", left(1), ["safety"]],
    ["none left", left(0), []],
    ["one was left, of a window that is over", overWindow(), all],
    ["a block", blockUntil(UNUSED_BUDGET, NOW_MS + 1), []],
    ["a block that is over", blockUntil(UNUSED_BUDGET, NOW_MS), all],
  ])("%s", (_name, budget, goes) => {
    expect(CALL_PURPOSES.filter((purpose) => decideCall(budget, read(purpose), NOW_MS).kind === "go")).toEqual(goes);
  });
});

describe("how long it waits", () => {
  it.each<readonly [string, Budget, CallPurpose, number, string]>([
    ["for the block", blockUntil(spent(900), NOW_MS + 7), "safety", 7, "unblocked"],
    [
      "for the longer of two blocks",
      blockUntil(blockUntil(spent(0), NOW_MS + 7), NOW_MS + 3),
      "safety",
      7,
      "unblocked",
    ],
    ["for the end of the window where nothing is left", left(0), "safety", HOUR_MS, "unblocked"],
    ["for the spent second to be a minute old", spent(900), "safety", MINUTE_MS + SECOND_MS, "points"],
    ["for the reserve to come down to what is left", left(2_499), "sweep", 1_600, "primary"],
    ["for the reserve, half of the way", left(1_375), "sweep", HOUR_MS / 2, "primary"],
    ["a ticket, for the end of the window", left(250), "ticket", HOUR_MS, "primary"],
  ])("%s", (_name, budget, purpose, waitMs, until) => {
    const decision = decideCall(budget, read(purpose), NOW_MS);
    expect(decision).toEqual({ kind: "wait", untilMs: NOW_MS + waitMs, until });
  });
});

describe("what GitHub tells", () => {
  const told = (remaining: number, resetsInMs: number) => ({
    limit: 5_000,
    remaining,
    resetsAtMs: NOW_MS + resetsInMs,
  });

  it.each([
    ["of the same window the least counts", [told(10, 9_000), told(12, 9_000)], 10],
    ["though the window's end moves a little", [told(10, 9_000), told(12, 10_000)], 10],
    ["of a new window what it says", [told(10, 9_000), told(4_999, HOUR_MS)], 4_999],
    ["an answer of an old window that comes late counts no more", [told(4_999, HOUR_MS), told(10, 9_000)], 4_999],
    ["a window's end that is past is none", [told(10, -1)], undefined],
  ])("%s", (_name, all, want) => {
    const budget = all.reduce((one, next) => learnPrimary(one, next, NOW_MS), UNUSED_BUDGET);
    expect(budget.primary?.remaining).toBe(want);
  });

  it("a window that never ends, by somebody's wrong clock, ends in an hour", () => {
    expect(left(10, 30 * HOUR_MS).primary?.resetsAtMs).toBe(NOW_MS + HOUR_MS);
  });
});

it("counts the tickets of the last minute, and only what is written for one", () => {
  let budget = spend(UNUSED_BUDGET, write("ticket"), NOW_MS - 2 * MINUTE_MS);
  for (const call of [write("ticket"), write("ticket"), read("ticket"), write("safety")])
    budget = spend(budget, call, NOW_MS);
  expect([ticketCountOf(budget, NOW_MS), pointCountOf(budget, NOW_MS)]).toEqual([2, 16]);
});

/** Calls with the time that passes before each. */
const plan = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 30_000 })),
    purpose: fc.constantFrom(...CALL_PURPOSES),
    pointCount: fc.constantFrom(1, 5, 100),
  }),
  { maxLength: 300 },
);

/** A budget that was used, and is watched at some moment. */
const used = fc
  .record({
    plan,
    primary: fc.option(
      fc.record({
        limit: fc.integer({ min: 1, max: 15_000 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        resetsInMs: fc.integer({ min: 1, max: HOUR_MS }),
      }),
    ),
  })
  .map(({ plan: calls, primary }) => {
    let [budget, nowMs] = [UNUSED_BUDGET, NOW_MS];
    for (const call of calls) {
      nowMs += call.afterMs;
      budget = spend(budget, call, nowMs);
    }
    if (primary === null) return { budget, nowMs };
    const { limit, share, resetsInMs } = primary;
    const window = { limit, remaining: Math.max(1, Math.floor(limit * share)), resetsAtMs: nowMs + resetsInMs };
    return { budget: learnPrimary(budget, window, nowMs), nowMs };
  });

describe("whatever is asked for", () => {
  it("no minute holds more points than the limit, and memory stays small", () => {
    fc.assert(
      fc.property(plan, (calls) => {
        const sent: { readonly atMs: number; readonly pointCount: number }[] = [];
        let [budget, nowMs] = [UNUSED_BUDGET, NOW_MS];
        for (const { afterMs, ...call } of calls) {
          nowMs += afterMs;
          if (decideCall(budget, call, nowMs).kind === "wait") continue;
          budget = spend(budget, call, nowMs);
          sent.push({ atMs: nowMs, pointCount: call.pointCount });
          const minute = sent.filter(({ atMs }) => atMs > nowMs - MINUTE_MS);
          expect(minute.reduce((sum, { pointCount }) => sum + pointCount, 0)).toBeLessThanOrEqual(
            POINTS_PER_MINUTE_MAX,
          );
        }
        expect(budget.seconds.length).toBeLessThanOrEqual(61);
      }),
    );
  });

  it("safety goes as long as the points are there and GitHub has not asked for a pause", () => {
    fc.assert(
      fc.property(used, fc.constantFrom(1, 5), ({ budget, nowMs }, pointCount) => {
        const hasPoints = pointCountOf(budget, nowMs) + pointCount <= POINTS_PER_MINUTE_MAX;
        expect(decideCall(budget, { purpose: "safety", pointCount }, nowMs).kind).toBe(hasPoints ? "go" : "wait");
      }),
    );
  });

  it("the more urgent never waits longer", () => {
    fc.assert(
      fc.property(used, fc.constantFrom(1, 5), ({ budget, nowMs }, pointCount) => {
        const untils = CALL_PURPOSES.map((purpose) => {
          const decision = decideCall(budget, { purpose, pointCount }, nowMs);
          return decision.kind === "go" ? nowMs : decision.untilMs;
        });
        expect(untils).toEqual(untils.toSorted((a, b) => a - b));
      }),
    );
  });

  it("what waited goes at the moment that it was told, and not before where that can be known", () => {
    fc.assert(
      fc.property(used, fc.constantFrom(...CALL_PURPOSES), ({ budget, nowMs }, purpose) => {
        const decision = decideCall(budget, read(purpose), nowMs);
        if (decision.kind === "go") return;
        expect(decideCall(budget, read(purpose), decision.untilMs - 1).kind).toBe("wait");
        expect(decideCall(budget, read(purpose), decision.untilMs).kind).toBe("go");
      }),
    );
  });
});
