import { expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import type { Arrivals } from "../../../src/simulator/scenario/scenario.ts";
import { arrivals, plannedJob, START_MS } from "./tiny-scenario.ts";
import { WorkloadScene } from "./workload-scene.ts";

function arriving(overrides: Partial<Arrivals> = {}, faults: readonly Fault[] = [], seed = 1): WorkloadScene {
  return new WorkloadScene({ workload: { jobs: [], arrivals: arrivals(overrides) }, faults }, seed);
}

function planning(faults: readonly Fault[], names = ["build", "test"]): WorkloadScene {
  const jobs = names.map((name, index) => plannedJob(name, { atMs: index * MINUTE_MS }));
  return new WorkloadScene({ workload: { jobs, arrivals: null }, faults });
}

it("queues planned jobs at their times, under their names and with what they ask for", async () => {
  const jobs = [
    plannedJob("late", { atMs: 2 * MINUTE_MS, durationMs: 90_000, labels: ["linux", "arm64"] }),
    plannedJob("early", { atMs: MINUTE_MS, repository: "acme/gadgets" }),
  ];
  const scene = new WorkloadScene({ workload: { jobs, arrivals: null } });
  scene.workload.start(0);
  await scene.pass(MINUTE_MS - 1);
  expect(scene.names).toEqual([]);
  await scene.pass(HOUR_MS);
  expect(scene.names).toEqual(["early", "late"]);
  const [early, late] = scene.jobs;
  expect(early?.repository.fullName).toBe("acme/gadgets");
  expect(late?.labels).toEqual(["linux", "arm64"]);
  expect(scene.workload.durationMs(late?.id ?? 0)).toBe(90_000);
  expect(scene.workload.queued.map(({ atMs }) => atMs - START_MS)).toEqual([MINUTE_MS, 2 * MINUTE_MS]);
  expect(scene.said).toEqual(["job early is queued", "job late is queued"]);
});

it("lets jobs come by chance, as many as asked for, of all kinds asked for, until it is told to stop", async () => {
  const scene = arriving({ labels: [["linux"], ["arm64"]], repositories: ["acme/widgets", "acme/gadgets"] });
  scene.workload.start(8 * HOUR_MS);
  await scene.pass(8 * HOUR_MS);
  const count = scene.jobs.length;
  expect(count).toBeGreaterThan(420);
  expect(count).toBeLessThan(540);
  expect(new Set(scene.jobs.map(({ labels }) => labels.join()))).toEqual(new Set(["linux", "arm64"]));
  expect(new Set(scene.jobs.map(({ repository }) => repository.fullName)).size).toBe(2);
  expect(new Set(scene.names).size).toBe(count);
  await scene.pass(HOUR_MS);
  expect(scene.jobs).toHaveLength(count);
});

it("lets jobs come in bursts", async () => {
  const scene = arriving({ perHour: 0, burst: { everyMs: 20 * MINUTE_MS, jobs: 7 } });
  scene.workload.start(HOUR_MS);
  await scene.pass(20 * MINUTE_MS - 1);
  expect(scene.jobs).toHaveLength(0);
  await scene.pass(1);
  expect(scene.jobs).toHaveLength(7);
  await scene.pass(5 * HOUR_MS);
  expect(scene.jobs).toHaveLength(14);
});

it("draws how long a job works as asked for, and never less than some seconds or more than hours", async () => {
  const scene = arriving({ perHour: 200, duration: { p50Ms: 1_000, p95Ms: 40 * HOUR_MS } });
  scene.workload.start(8 * HOUR_MS);
  await scene.pass(8 * HOUR_MS);
  const durations = scene.jobs.map(({ id }) => scene.workload.durationMs(id));
  expect(Math.min(...durations)).toBe(5 * SECOND_MS);
  expect(Math.max(...durations)).toBe(6 * HOUR_MS);
  expect(durations.every(Number.isInteger)).toBe(true);
});

it("is the same for the same seed, and another for another", async () => {
  const play = async (seed: number) => {
    const scene = arriving({}, [], seed);
    scene.workload.start(HOUR_MS);
    await scene.pass(HOUR_MS);
    return scene.workload.queued.map(({ id, atMs }) => [atMs, scene.workload.durationMs(id)]);
  };
  expect(await play(1)).toEqual(await play(1));
  expect(await play(1)).not.toEqual(await play(2));
});

it("aims a lie at the job that it names, and at no other", async () => {
  const scene = planning([{ kind: "github.busy-flag-never", perJob: 1, job: "test" }]);
  scene.workload.start(0);
  await scene.pass(HOUR_MS);
  expect(scene.workload.strikes("github.busy-flag-never", scene.job("build").id)).toBeNull();
  expect(scene.workload.strikes("github.busy-flag-never", scene.job("test").id)).not.toBeNull();
  expect(scene.faults.counts).toEqual({ "github.busy-flag-never": 1 });
});

it("lets a lie that names none befall its share of the jobs", async () => {
  const scene = planning([{ kind: "github.busy-flag-never", perJob: 1 }]);
  scene.workload.start(0);
  await scene.pass(HOUR_MS);
  for (const { id } of scene.jobs) expect(scene.workload.strikes("github.busy-flag-never", id)).not.toBeNull();
});

it("lets somebody cancel a job some time after it was queued", async () => {
  const scene = planning([{ kind: "github.cancelled", perJob: 1, job: "build", afterMs: [30_000, 30_000] }]);
  scene.workload.start(0);
  await scene.pass(30_000 - 1);
  expect(scene.job("build").phase.kind).toBe("queued");
  await scene.pass(HOUR_MS);
  expect(scene.job("build").phase).toMatchObject({ kind: "completed", conclusion: "cancelled" });
  expect(scene.job("test").phase.kind).toBe("queued");
  expect(scene.said).toContain("job build is cancelled");
});

it("lets a runner that is not ours take a job", async () => {
  const scene = planning([{ kind: "github.taken-elsewhere", perJob: 1, job: "build" }]);
  scene.workload.start(0);
  await scene.pass(HOUR_MS);
  expect(scene.job("build").phase).toMatchObject({ kind: "completed", conclusion: "success" });
  expect(scene.job("test").phase.kind).toBe("queued");
});

it.each<[Fault, string]>([
  [{ kind: "github.webhook-lost", probability: 1 }, "drop"],
  [{ kind: "github.webhook-repeated", probability: 1 }, "duplicate"],
])("gives each event of a job what befalls it: %o", async (fault, what) => {
  const scene = planning([fault], ["build"]);
  scene.workload.start(0);
  await scene.pass(0);
  const nothing = { drop: [], duplicate: [], delayMs: {}, isCompletedWhileRunning: false };
  expect(scene.job("build").lies).toEqual({ ...nothing, [what]: ["queued", "in_progress", "completed"] });
});

it("delays each event of a job by itself, and tells of its end too early, where that befalls it", async () => {
  const scene = planning(
    [
      { kind: "github.webhook-late", probability: 1, delayMs: [1_000, 900_000] },
      { kind: "github.completed-while-working", perJob: 1 },
    ],
    ["build"],
  );
  scene.workload.start(0);
  await scene.pass(0);
  const { delayMs = {}, isCompletedWhileRunning } = scene.job("build").lies;
  expect(Object.keys(delayMs)).toEqual(["queued", "in_progress", "completed"]);
  expect(new Set(Object.values(delayMs)).size).toBe(3);
  expect(isCompletedWhileRunning).toBe(true);
});

it("tells the plain truth once faults have stopped", async () => {
  const faults: readonly Fault[] = [
    { kind: "github.webhook-lost", probability: 1 },
    { kind: "github.cancelled", perJob: 1, afterMs: [1, 1] },
    { kind: "github.taken-elsewhere", perJob: 1 },
  ];
  const jobs = [plannedJob("build", { atMs: HOUR_MS })];
  const scene = new WorkloadScene({ workload: { jobs, arrivals: null }, faults, faultsEndMs: HOUR_MS });
  scene.workload.start(0);
  await scene.pass(2 * HOUR_MS);
  expect(scene.job("build").lies.drop).toEqual([]);
  expect(scene.job("build").phase.kind).toBe("queued");
});

it("sends the next job right to a listener that a fence has stopped, now and then", async () => {
  const scene = arriving({ perHour: 0 });
  let sentCount = 0;
  for (let count = 0; count < 60; count += 1) {
    const others = [scene.listen(`before-${count}`)];
    const fenced = scene.listen(`fenced-${count}`);
    others.push(scene.listen(`after-${count}`));
    const jobCount = scene.jobs.length;
    scene.workload.sendIntoFence(fenced.id);
    if (scene.jobs.length === jobCount) continue;
    sentCount += 1;
    expect(scene.jobs).toHaveLength(jobCount + 1);
    expect(fenced.assignedJobId).toBe(scene.jobs.at(-1)?.id);
    expect(others.every(({ assignedJobId }) => assignedJobId === null)).toBe(true);
  }
  expect(sentCount).toBeGreaterThan(8);
  expect(sentCount).toBeLessThan(32);
});

it("sends none into a fence where jobs do not come by chance, or once faults have stopped", async () => {
  const planned = planning([]);
  const over = new WorkloadScene({ workload: { jobs: [], arrivals: arrivals({ perHour: 0 }) }, faultsEndMs: 0 });
  for (const scene of [planned, over])
    for (let count = 0; count < 30; count += 1) scene.workload.sendIntoFence(scene.listen(`fenced-${count}`).id);
  expect([planned.jobs, over.jobs]).toEqual([[], []]);
});

it("sends now and then a job to a listener at which a fence is about to begin, a moment later", async () => {
  const scene = arriving({ perHour: 0 });
  const listeners = Array.from({ length: 40 }, (_none, count) => scene.listen(`fenced-${count}`));
  for (const { id } of listeners) scene.workload.sendBeforeFence(id);
  expect(scene.jobs).toEqual([]);
  await scene.pass(SECOND_MS);
  const sentCount = scene.jobs.length;
  expect(sentCount).toBeGreaterThan(8);
  expect(sentCount).toBeLessThan(32);
  expect(listeners.filter(({ assignedJobId }) => assignedJobId !== null)).toHaveLength(sentCount);
});
