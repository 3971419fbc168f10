/** The world of groups: the adapter that users run, over groups in the world's time, with hosts that follow their instances. */
import { expect, it, vi } from "vitest";
import { runWorld } from "../../../src/app/simulate/run-world.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { PLAIN_GROUP } from "../../../src/simulator/scenario/group-plan.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { pool } from "../../domain/builders.ts";
import { arrivals, plannedJob, tinyScenario } from "../world/tiny-scenario.ts";

/** Each takes seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 240_000 });

const WARM_POOL = { state: "Hibernated", isReusedOnScaleIn: true, preparedCount: 4 } as const;

const quiet = tinyScenario({
  provider: "asg",
  workload: { jobs: [plannedJob("build"), plannedJob("test", { atMs: 2 * MINUTE_MS })], arrivals: null },
});

/** Everything that can befall groups, and often. */
const STORM: readonly Fault[] = [
  { kind: "asg.error", on: "terminate", code: "ResourceContention", effect: "none", probability: 0.2 },
  { kind: "asg.error", on: "complete", code: "InternalFailure", effect: "done", probability: 0.2 },
  { kind: "asg.error", on: "size", code: "ScalingActivityInProgress", effect: "none", probability: 0.2 },
  { kind: "asg.throttled", everyMs: 10 * MINUTE_MS, forMs: [10 * SECOND_MS, MINUTE_MS] },
  { kind: "asg.stale-reads", lagMs: [0, 30 * SECOND_MS] },
  { kind: "asg.resized", everyMs: 6 * MINUTE_MS },
  { kind: "asg.unprotected", everyMs: 6 * MINUTE_MS },
  { kind: "asg.unhealthy", everyMs: 8 * MINUTE_MS },
  { kind: "asg.refresh", everyMs: 10 * MINUTE_MS },
  { kind: "asg.one-zone", everyMs: 10 * MINUTE_MS, forMs: [MINUTE_MS, 5 * MINUTE_MS] },
  { kind: "asg.standby", everyMs: 8 * MINUTE_MS, forMs: [MINUTE_MS, 5 * MINUTE_MS] },
  { kind: "asg.detached", everyMs: 4 * MINUTE_MS },
  { kind: "asg.warm-pool-resized", everyMs: 8 * MINUTE_MS },
  { kind: "provider.no-capacity", everyMs: 15 * MINUTE_MS, forMs: [MINUTE_MS, 3 * MINUTE_MS] },
  { kind: "provider.reclaim", everyMs: 8 * MINUTE_MS },
  { kind: "provider.answer-lost", probability: 0.05 },
  { kind: "host.slow-boot", perMachine: 0.1, bootMs: [MINUTE_MS, 2 * MINUTE_MS] },
];

const { deadlines } = pool();
const storm: Scenario = {
  ...tinyScenario({ name: "storm over a group", provider: "asg" }),
  // A member that nobody can tell of is held for as long as that: less than the world waits at its end.
  pools: [pool({ machineCountMax: 6, warmParkedCount: 1, deadlines: { ...deadlines, unknownMs: HOUR_MS } })],
  group: { ...PLAIN_GROUP, market: "spot", hasLaunchHook: true, warmPool: WARM_POOL },
  workload: { jobs: [], arrivals: arrivals({ perHour: 60 }) },
  durationMs: HOUR_MS,
  faultsEndMs: HOUR_MS,
  faults: STORM,
};

it("gives a quiet group its jobs, and leaves nothing behind", async () => {
  const result = await runWorld(quiet, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 2, succeeded: 2, delays: 0 });
  expect(result.machines.leaked).toBe(0);
});

it("draws sleeping machines from the warm pool, which go on where they stood still", async () => {
  const group = { ...PLAIN_GROUP, warmPool: WARM_POOL };
  const said: string[] = [];
  const jobs = [plannedJob("build", { atMs: 3 * MINUTE_MS })];
  const result = await runWorld(
    { ...quiet, group, workload: { jobs, arrivals: null } },
    { seed: 1, onEvent: ({ text }) => void said.push(text) },
  );
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ total: 1, succeeded: 1 });
  expect(said).toEqual(expect.arrayContaining(["falls asleep", "the group wakes it", "wakes"]));
});

it("leaves the size of a group that others size to them", async () => {
  const group = { ...PLAIN_GROUP, scaling: "external", minCount: 2 } as const;
  const result = await runWorld({ ...quiet, group }, { seed: 1 });
  expect(result.jobs).toMatchObject({ total: 2, succeeded: 2 });
  expect(result.calls.provider).not.toHaveProperty("SetDesiredCapacity");
  expect(result.machines.leaked).toBe(0);
});

it("loses no job to us and leaves nothing behind in a group that everything befalls", async () => {
  const result = await runWorld(storm, { seed: 1 });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ killedByUs: 0, open: 0 });
  expect(result.machines.leaked).toBe(0);
  // What a reading that lags shows is no event of its own.
  const kinds = new Set(STORM.map(({ kind }) => kind).filter((kind) => !/stale-reads|throttled$/.test(kind)));
  expect(Object.keys(result.faults)).toEqual(expect.arrayContaining([...kinds]));
});

it("has busy members held while EC2 refuses every call for longer than the hook waits", async () => {
  const group = { ...PLAIN_GROUP, heartbeatTimeoutMs: 10 * MINUTE_MS, retention: "terminate" } as const;
  const duration = { p50Ms: 45 * MINUTE_MS, p95Ms: HOUR_MS };
  const result = await runWorld(
    {
      ...storm,
      group,
      workload: { jobs: [], arrivals: arrivals({ perHour: 8, duration }) },
      faults: [
        { kind: "ec2.throttled", everyMs: 15 * MINUTE_MS, forMs: [30 * MINUTE_MS, 40 * MINUTE_MS] },
        { kind: "asg.unhealthy", everyMs: 10 * MINUTE_MS },
      ],
      durationMs: 2 * HOUR_MS,
      faultsEndMs: 2 * HOUR_MS,
      pace: 4,
    },
    { seed: 1 },
  );
  expect(result.faults).toMatchObject({ "ec2.throttled": expect.any(Number), "asg.unhealthy": expect.any(Number) });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ killedByUs: 0, lostForced: 0, open: 0 });
});

it("is the same world again for its seed, and another for another", async () => {
  const short = { ...storm, durationMs: 10 * MINUTE_MS, faultsEndMs: 10 * MINUTE_MS, pace: 10 };
  const first = await runWorld(short, { seed: 2 });
  expect((await runWorld(short, { seed: 2 })).digest).toBe(first.digest);
  expect((await runWorld(short, { seed: 3 })).digest).not.toBe(first.digest);
});
