/** The world of pods: the adapter that users run, over a cluster in the world's time, with hosts that follow their pods. */
import { expect, it, vi } from "vitest";
import { runWorld } from "../../../src/app/simulate/run-world.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Fault, FaultKind } from "../../../src/simulator/scenario/fault.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { pool } from "../../domain/builders.ts";
import { arrivals, plannedJob, tinyScenario } from "../world/tiny-scenario.ts";

/** Each takes seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 180_000 });

const quiet = tinyScenario({
  provider: "kubernetes",
  workload: { jobs: [plannedJob("build"), plannedJob("test", { atMs: 2 * MINUTE_MS })], arrivals: null },
});

/** Everything that can befall a cluster, and often. */
const STORM: readonly Fault[] = [
  { kind: "kubernetes.error", on: "create", reason: "InternalError", effect: "done", probability: 0.1 },
  { kind: "kubernetes.error", on: "delete", reason: "Conflict", effect: "none", probability: 0.2 },
  { kind: "kubernetes.error", on: "list", reason: "TooManyRequests", effect: "none", probability: 0.1 },
  { kind: "kubernetes.stale-reads", probability: 0.1, lagMs: [1_000, 30_000] },
  { kind: "kubernetes.watch-gap", everyMs: 4 * MINUTE_MS },
  { kind: "kubernetes.pod-deleted", everyMs: 4 * MINUTE_MS },
  { kind: "kubernetes.finalizer", perMachine: 0.3, forMs: [MINUTE_MS, 10 * MINUTE_MS] },
  { kind: "kubernetes.node-silent", everyMs: 5 * MINUTE_MS, forMs: [MINUTE_MS, 8 * MINUTE_MS] },
  { kind: "kubernetes.node-lost", everyMs: 10 * MINUTE_MS },
  { kind: "kubernetes.node-starts-nothing", everyMs: 5 * MINUTE_MS, forMs: [2 * MINUTE_MS, 8 * MINUTE_MS] },
  { kind: "kubernetes.no-image", everyMs: 10 * MINUTE_MS, forMs: [MINUTE_MS, 3 * MINUTE_MS] },
  { kind: "provider.no-capacity", everyMs: 10 * MINUTE_MS, forMs: [MINUTE_MS, 3 * MINUTE_MS] },
  { kind: "provider.quota", machines: 4 },
  { kind: "provider.terminate-does-not-take", probability: 0.1 },
  { kind: "provider.reclaim", everyMs: 5 * MINUTE_MS },
  { kind: "provider.marks-lost", perMachine: 0.5, afterMs: [0, MINUTE_MS] },
  { kind: "provider.answer-lost", probability: 0.05 },
  { kind: "controller.crash", everyMs: 6 * MINUTE_MS },
  { kind: "host.slow-boot", perMachine: 0.1, bootMs: [MINUTE_MS, 2 * MINUTE_MS] },
];
/** What a quota refuses is refused and not counted as a fault. */
const UNCOUNTED: ReadonlySet<FaultKind> = new Set(["provider.quota"]);

const storm: Scenario = {
  ...tinyScenario({ name: "storm over a cluster", provider: "kubernetes" }),
  pools: [pool({ machineCountMax: 6, warmParkedCount: 1 })],
  workload: { jobs: [], arrivals: arrivals({ perHour: 60 }) },
  durationMs: HOUR_MS,
  faultsEndMs: HOUR_MS,
  faults: STORM,
};

it("gives a quiet cluster its jobs, and leaves nothing behind; each pod is made by one call", async () => {
  const result = await runWorld(quiet, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 2, succeeded: 2, delays: 0 });
  expect(result.machines).toMatchObject({ launched: 2, leaked: 0 });
  expect(result.calls.provider).toMatchObject({ "create pods": 2, "create tokenreviews": 2 });
});

it("loses no job to us and leaves nothing behind in a cluster that everything befalls", async () => {
  const result = await runWorld(storm, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ killedByUs: 0, open: 0 });
  expect(result.machines.leaked).toBe(0);
  const kinds = new Set(STORM.map(({ kind }) => kind).filter((kind) => !UNCOUNTED.has(kind)));
  expect(Object.keys(result.faults)).toEqual(expect.arrayContaining([...kinds]));
});

// Seeds 23 and 43 of the worlds of eight hours: the API removes such pods by force, and they count for nobody any more.
it("does not count pods that the API has removed while their node is not heard", async () => {
  const faults: readonly Fault[] = [
    { kind: "kubernetes.node-silent", everyMs: 5 * MINUTE_MS, forMs: [20 * MINUTE_MS, 40 * MINUTE_MS] },
    { kind: "host.never-boots", perMachine: 0.3 },
  ];
  const result = await runWorld({ ...storm, pools: [pool({ machineCountMax: 3 })], faults, pace: 4 }, { seed: 1 });
  expect(result.violations).toEqual([]);
});

it("is the same world again for its seed, and another for another", async () => {
  const short = { ...storm, durationMs: 10 * MINUTE_MS, faultsEndMs: 10 * MINUTE_MS, pace: 10 };
  const first = await runWorld(short, { seed: 2 });
  expect((await runWorld(short, { seed: 2 })).digest).toBe(first.digest);
  expect((await runWorld(short, { seed: 3 })).digest).not.toBe(first.digest);
});
