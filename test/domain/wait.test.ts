import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Evidence } from "../../src/domain/evidence.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import {
  queuedBoundMs,
  queuedSinceMs,
  readWaitTimes,
  retiringBoundMs,
  splitWait,
  WAIT_PARTS,
  type WaitTimes,
} from "../../src/domain/wait.ts";
import { job, pool, ticket } from "./builders.ts";
import { always } from "./property.ts";

const LAUNCHED: WaitTimes = {
  queuedAtMs: 0,
  receivedAtMs: 1_000,
  boot: { plannedAtMs: 3_000, launchedAtMs: 6_000, readyAtMs: 46_000 },
  decidedAtMs: 3_500,
  deliveredAtMs: 48_000,
  runningAtMs: 55_000,
};

const split = (changes: Partial<WaitTimes> = {}) => {
  const { totalMs, parts } = splitWait({ ...LAUNCHED, ...changes });
  return { totalMs, parts: Object.fromEntries(parts) };
};

describe("a wait", () => {
  it("has six parts where a machine was launched for it", () => {
    expect(split()).toEqual({
      totalMs: 55_000,
      parts: { github: 1_000, decision: 2_000, launch: 3_000, boot: 40_000, ticket: 2_000, assignment: 7_000 },
    });
  });

  it("has no launch and no boot where a machine was ready before we heard of the job", () => {
    const boot = { plannedAtMs: -90_000, launchedAtMs: -80_000, readyAtMs: 900 };
    expect(split({ boot, decidedAtMs: 1_500, deliveredAtMs: 2_000, runningAtMs: 4_000 })).toEqual({
      totalMs: 4_000,
      parts: { github: 1_000, decision: 500, ticket: 500, assignment: 2_000 },
    });
  });

  it("waits for the rest of a boot that had begun before", () => {
    const boot = { plannedAtMs: -90_000, launchedAtMs: -80_000, readyAtMs: 11_000 };
    expect(split({ boot }).parts).toMatchObject({ decision: 0, launch: 0, boot: 10_000 });
  });

  it("counts as decision what it waited for a place on a machine that was ready for another job", () => {
    const boot = { plannedAtMs: 2_000, launchedAtMs: 3_000, readyAtMs: 10_000 };
    const times = { boot, decidedAtMs: 30_000, deliveredAtMs: 31_000, runningAtMs: 32_000 };
    expect(split(times).parts).toEqual({
      github: 1_000,
      decision: 1_000 + 20_000,
      launch: 1_000,
      boot: 7_000,
      ticket: 1_000,
      assignment: 1_000,
    });
  });

  it("needs no ticket where a runner was online before the job came", () => {
    expect(split({ boot: null, decidedAtMs: -500, deliveredAtMs: -100, runningAtMs: 3_000 })).toEqual({
      totalMs: 3_000,
      parts: { github: 1_000, decision: 0, assignment: 2_000 },
    });
  });

  it("begins with our hearing of it where GitHub held it until its approval", () => {
    expect(split({ queuedAtMs: null })).toMatchObject({ totalMs: 54_000, parts: { decision: 2_000 } });
    expect(split({ queuedAtMs: null }).parts).not.toHaveProperty("github");
  });

  it("is all GitHub's where we heard of it only once it ran", () => {
    expect(split({ receivedAtMs: 90_000 })).toEqual({
      totalMs: 55_000,
      parts: { github: 55_000, decision: 0, assignment: 0 },
    });
  });

  it("is nothing where GitHub's clock says that it ran before it was queued", () => {
    expect(split({ runningAtMs: -5_000 }).totalMs).toBe(0);
  });

  it("is the sum of its parts, none of them below zero, whatever the clocks say", () => {
    const at = fc.integer({ min: -100_000, max: 100_000 });
    const times = fc.record({
      queuedAtMs: fc.option(at),
      receivedAtMs: at,
      boot: fc.option(fc.record({ plannedAtMs: at, launchedAtMs: at, readyAtMs: at })),
      decidedAtMs: at,
      deliveredAtMs: at,
      runningAtMs: at,
    });
    always(
      fc.property(times, (given) => {
        const { totalMs, parts } = splitWait(given);
        const values = [...parts.values()];
        expect(values.every((value) => value >= 0)).toBe(true);
        expect(values.reduce((sum, value) => sum + value, 0)).toBe(totalMs);
        expect([...parts.keys()].every((part) => WAIT_PARTS.includes(part))).toBe(true);
      }),
    );
  });
});

function facts(kind: Evidence["subject"]["kind"], ...rows: readonly (readonly [number, string])[]): Evidence[] {
  return rows.map(([observedAtMs, fact]) => ({
    subject: { kind, id: "1" },
    source: "store",
    fact,
    observedAtMs,
    confirmedAtMs: observedAtMs,
  }));
}

describe("the times of a wait", () => {
  const given = ticket({ state: "running", createdAtMs: 200, aimedAtMs: 200 });
  const running = job({ createdAtMs: 50, startedAtMs: 900, status: "in_progress" });
  const read = (...evidence: readonly Evidence[]) =>
    readWaitTimes({ job: running, firstSeenAtMs: 60, ticket: given, evidence });

  it("are those of the last boot before its machine had the ticket", () => {
    const machine = facts(
      "machine",
      [990, "machine parked"],
      [420, "machine parked"],
      [410, "machine started again"],
      [400, "machine to be started again"],
      [300, "machine parked"],
      [110, "machine provisioning as i-1"],
      [100, "machine planned in launch l-1"],
      [995, "machine to be started again"],
    );
    expect(read(...machine, ...facts("ticket", [500, "ticket delivered"], [700, "ticket delivered"]))).toEqual({
      queuedAtMs: 50,
      receivedAtMs: 60,
      boot: { plannedAtMs: 400, launchedAtMs: 410, readyAtMs: 420 },
      decidedAtMs: 200,
      deliveredAtMs: 500,
      runningAtMs: 900,
    });
  });

  it("have no boot where nobody wrote it down", () => {
    expect(read()).toMatchObject({ boot: null, deliveredAtMs: 200 });
    expect(read(...facts("machine", [100, "machine parked"]))).toMatchObject({ boot: null });
    expect(read(...facts("machine", [100, "machine planned in launch l-1"]))).toMatchObject({ boot: null });
  });

  it("begin with its approval where GitHub held it", () => {
    const held = facts("job", [600, "job queued"], [70, "job waiting"], [65, "job queued"]);
    expect(read(...held)).toMatchObject({ queuedAtMs: null, receivedAtMs: 600 });
    expect(queuedSinceMs(running, held)).toBe(600);
    expect(queuedSinceMs(running, facts("job", [65, "job queued"]))).toBe(50);
  });

  it("are unknown where GitHub does not say when it began", () => {
    const unstamped = { ...running, startedAtMs: null };
    expect(readWaitTimes({ job: unstamped, firstSeenAtMs: 60, ticket: given, evidence: [] })).toBeNull();
  });
});

it("has bounds that follow the pool's deadlines", () => {
  const { deadlines } = pool();
  expect(queuedBoundMs({ ...deadlines, bootMs: deadlines.bootMs + SECOND_MS })).toBe(
    queuedBoundMs(deadlines) + 2 * SECOND_MS,
  );
  expect(retiringBoundMs(deadlines)).toBeGreaterThan(deadlines.lostHostMs);
});
