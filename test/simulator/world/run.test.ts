/** Whole worlds: determined by their scenario and seed, and judged. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, it, vi } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import type { WorldEvent } from "../../../src/simulator/world/event-log.ts";
import { distribute, runWorld } from "../../../src/simulator/world/run.ts";
import { pool } from "../../domain/builders.ts";
import { arrivals, plannedJob, tinyScenario } from "./tiny-scenario.ts";

const WORLD_PROCESS = new URL("../../../src/app/simulate/world-process.ts", import.meta.url);
const RUN = new URL("../../../src/simulator/world/run.ts", import.meta.url);

/** Each takes seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

/** Much of what a world can do to us, in a quarter of an hour. */
const STORM: readonly Fault[] = [
  { kind: "controller.crash", everyMs: 5 * MINUTE_MS },
  { kind: "controller.deploy", everyMs: 15 * MINUTE_MS },
  { kind: "github.call-fails", probability: 0.1 },
  { kind: "github.answer-lost", probability: 0.05 },
  { kind: "github.webhook-lost", probability: 0.1 },
  { kind: "github.busy-flag-never", perJob: 0.5 },
  { kind: "github.taken-elsewhere", perJob: 0.1 },
  { kind: "provider.answer-lost", probability: 0.05 },
  { kind: "provider.listing-lag", lagMs: [1_000, 60_000] },
  { kind: "host.agent-crash", everyMs: 5 * MINUTE_MS },
];

const storm = tinyScenario({
  name: "storm",
  pools: [pool({ machineCountMax: 6, warmParkedCount: 1 })],
  workload: { jobs: [], arrivals: arrivals({ perHour: 60 }) },
  durationMs: 15 * MINUTE_MS,
  faultsEndMs: 15 * MINUTE_MS,
  faults: STORM,
});

/** Its instances prove who they are by signatures of which no two are the same. */
const ec2Storm: Scenario = {
  ...storm,
  name: "storm at EC2",
  provider: "ec2",
  pools: [pool({ machineCountMax: 6, warmParkedCount: 1, warmStoppedCount: 1 })],
  faults: [
    ...STORM,
    { kind: "provider.reclaim", everyMs: 4 * MINUTE_MS },
    { kind: "ec2.error", code: "InternalError", on: "launch", effect: "done", probability: 0.2 },
    { kind: "ec2.error", code: "UnauthorizedOperation", on: "terminate", effect: "none", probability: 0.2 },
  ],
};

const quiet = tinyScenario({
  workload: { jobs: [plannedJob("build"), plannedJob("test", { atMs: 2 * MINUTE_MS })], arrivals: null },
});

async function runElsewhere(scenario: Scenario, seed: number): Promise<unknown> {
  const child = fork(WORLD_PROCESS, [RUN.href], { execArgv: ["--disable-warning=ExperimentalWarning"] });
  const answered = once(child, "message");
  child.send({ scenario, seed });
  const [answer] = await answered;
  const gone = once(child, "exit");
  child.disconnect();
  await gone;
  return answer;
}

it("gives a quiet world its jobs, and leaves nothing behind", async () => {
  const result = await runWorld(quiet, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 2, succeeded: 2, open: 0, killedByUs: 0, lostForced: 0, lostByWorld: 0 });
  expect(result.jobs.delays).toBe(0);
  expect(result.jobs.waitSeconds.max).toBeGreaterThan(10);
  expect(result.jobs.waitSeconds.max).toBeLessThan(120);
  expect(result.machines).toMatchObject({
    launched: 2,
    leaked: 0,
    strayMax: 0,
    leakedMinutes: 0,
    busyMinutes: expect.closeTo(2, 0),
  });
  expect(result.machines.max).toBeLessThanOrEqual(2);
  expect(result.machines.paidMinutes).toBeCloseTo(result.machines.busyMinutes + result.machines.idleMinutes, 0);
  expect(Object.values(result.machines.retiredByProof).reduce((sum, count) => sum + count, 0)).toBe(2);
  expect(result.ghosts.leftover).toBe(0);
  expect(result.faults).toEqual({});
  expect(result.calls.provider).toMatchObject({ launch: expect.any(Number), terminate: expect.any(Number) });
  expect(result.digest).toMatch(/^[0-9a-f]{64}$/);
});

it.each([storm, ec2Storm])(
  "is the same to the last digit for the same scenario and seed, here and in another process: $name",
  async (stormy) => {
    const first = await runWorld(stormy, { seed: 1 });
    expect(first.violations).toEqual([]);
    expect(first.jobs.killedByUs).toBe(0);
    expect(Object.keys(first.faults).length).toBeGreaterThan(5);
    expect(await runWorld(stormy, { seed: 1 })).toEqual(first);
    expect(await runElsewhere(stormy, 1)).toEqual({ kind: "done", result: first });
  },
);

it("is another for another seed, and for another scenario", async () => {
  const results = await Promise.all([
    runWorld(quiet, { seed: 1 }),
    runWorld(quiet, { seed: 2 }),
    runWorld({ ...quiet, bootMs: [10_000, 21_000] }, { seed: 1 }),
  ]);
  expect(new Set(results.map(({ digest }) => digest)).size).toBe(3);
});

it("is not changed by who listens, and tells each of its events in order", async () => {
  const events: WorldEvent[] = [];
  const listened = await runWorld(quiet, { seed: 1, onEvent: (event) => events.push(event) });
  expect(listened).toEqual(await runWorld(quiet, { seed: 1 }));
  expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  const texts = events.map(({ text }) => text);
  for (const text of ["job build is queued", "job build is acquired", "job build is over"])
    expect(texts).toContain(text);
});

it("reports what is left at the end where nothing can come to its end", async () => {
  const full = tinyScenario({
    pools: [pool({ machineCountMax: 0 })],
    workload: { jobs: ["a", "b"].map((name) => plannedJob(name)), arrivals: null },
    pace: 10,
  });
  const result = await runWorld(full, { seed: 1 });
  expect(result.violations.map(({ invariant, what }) => `${invariant} ${what}`)).toEqual([
    "I5 job a is queued at the end",
    "I5 job b is queued at the end",
  ]);
  expect(result.jobs).toMatchObject({ total: 2, open: 2, succeeded: 0 });
  expect(result.simulatedHours).toBeCloseTo(5.5, 1);
});

it("waits for a job that is longer than all else that comes to its end", async () => {
  const long = plannedJob("long", { atMs: MINUTE_MS, durationMs: 6 * HOUR_MS - MINUTE_MS });
  const scenario = tinyScenario({ workload: { jobs: [long], arrivals: null }, pace: 10 });
  const { jobs, violations } = await runWorld(scenario, { seed: 1 });
  expect([jobs.succeeded, violations]).toEqual([1, []]);
});

it("stops at the first violation where it is asked to", async () => {
  const unserved = tinyScenario({
    workload: { jobs: [plannedJob("a", { labels: ["linux", "nobody-has-this"] })], arrivals: null },
    durationMs: 2 * HOUR_MS,
    pace: 10,
  });
  const result = await runWorld(unserved, { seed: 1, stopsAtFirst: true });
  expect(result.violations.map(({ invariant }) => invariant)).toEqual(["I5"]);
  expect(result.simulatedHours).toBeLessThan(2);
});

it("stops after a time where it is asked to, and does not judge what is left then", async () => {
  const late = tinyScenario({
    workload: { jobs: [plannedJob("late", { atMs: 9 * MINUTE_MS, durationMs: HOUR_MS })], arrivals: null },
  });
  const result = await runWorld(late, { seed: 1, stopsAfterMs: 30 * MINUTE_MS });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 1, open: 1 });
  expect(result.simulatedHours).toBeLessThan(0.6);
});

it("judges only safety where faults never stop", async () => {
  const endless = tinyScenario({
    workload: { jobs: [plannedJob("late", { atMs: 9 * MINUTE_MS, durationMs: HOUR_MS })], arrivals: null },
    faultsEndMs: null,
  });
  const result = await runWorld(endless, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 1, open: 1 });
  expect(result.machines.leaked).toBe(0);
  expect(result.simulatedHours).toBeLessThan(0.2);
});

it("plays another system's fleet in the same world, and shows what that loses", async () => {
  const planned = ["a", "b", "c"].map((name) => plannedJob(name, { durationMs: 20 * MINUTE_MS }));
  const scenario = tinyScenario({
    algorithm: "flag-then-deregister",
    workload: { jobs: planned, arrivals: null },
    faults: [{ kind: "github.busy-flag-never", perJob: 1 }],
    durationMs: HOUR_MS,
    faultsEndMs: null,
  });
  const theirs = await runWorld(scenario, { seed: 1 });
  expect(theirs.jobs.killedByUs).toBeGreaterThan(0);
  expect(theirs.violations.map(({ invariant }) => invariant)).toContain("I1");
  const ours = await runWorld({ ...scenario, algorithm: "holdfast" }, { seed: 1 });
  expect(ours.jobs).toMatchObject({ killedByUs: 0, succeeded: 3 });
  expect(ours.violations).toEqual([]);
});

it("sums up waits by their order, to a tenth of a second", () => {
  expect(distribute([])).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 });
  expect(distribute([3.1499])).toEqual({ p50: 3.1, p95: 3.1, p99: 3.1, max: 3.1 });
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(distribute(values)).toEqual({ p50: 51, p95: 96, p99: 100, max: 100 });
});
