/** What GitHub says of a runner's flag and status, moment by moment, beside what is so. */
import { expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { finishJob } from "../../../src/simulator/github/lease.ts";
import { reportedBusy, reportedStatus } from "../../../src/simulator/github/runners.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { begin } from "../world.ts";
import { plannedJob } from "./tiny-scenario.ts";
import { WorkloadScene } from "./workload-scene.ts";

async function employ(faults: readonly Fault[]) {
  const jobs = [plannedJob("build")];
  const scene = new WorkloadScene({ workload: { jobs, arrivals: null }, faults });
  const runner = scene.listen("ours-1");
  scene.workload.start(0);
  await scene.pass(0);
  const requestId = begin(scene.state, runner, scene.scheduler.nowMs);
  const job = scene.job("build");
  scene.lies.noteAcquired(job.id);
  const says = () =>
    `${reportedBusy(runner) ? "busy" : "idle"} ${reportedStatus(scene.state, runner, scene.scheduler.nowMs)}`;
  const finish = (isTold = true) => {
    finishJob(scene.state, requestId, "Succeeded", null, scene.scheduler.nowMs);
    if (isTold) scene.lies.noteFinished(job.id, runner);
  };
  return { scene, runner, says, finish, pass: (forMs: number) => scene.pass(forMs) };
}

it("says what is so where no lie befalls the job", async () => {
  const { says, finish } = await employ([{ kind: "github.busy-flag-never", perJob: 1, job: "another" }]);
  expect(says()).toBe("busy online");
  finish();
  expect(says()).toBe("idle online");
});

it("calls a runner idle for a while after it began", async () => {
  const { says, pass } = await employ([{ kind: "github.busy-flag-lag", perJob: 1, lagMs: [25_000, 25_000] }]);
  expect(says()).toBe("idle online");
  await pass(24_999);
  expect(says()).toBe("idle online");
  await pass(1);
  expect(says()).toBe("busy online");
});

it("calls a runner idle in the midst of its job, and so on", async () => {
  const { says, pass } = await employ([{ kind: "github.busy-flag-drops", perJob: 1, afterMs: [30_000, 30_000] }]);
  await pass(29_999);
  expect(says()).toBe("busy online");
  await pass(1);
  expect(says()).toBe("idle online");
  await pass(5 * MINUTE_MS);
  expect(says()).toBe("idle online");
});

it("never calls a runner busy", async () => {
  const { says, pass, finish, runner } = await employ([{ kind: "github.busy-flag-never", perJob: 1 }]);
  for (let minute = 0; minute < 5; minute += 1) {
    expect(says()).toBe("idle online");
    await pass(MINUTE_MS);
  }
  finish();
  expect(says()).toBe("idle online");
  // Its next job is told of as it is.
  expect(runner.misreport).toEqual({});
});

it("calls a runner busy for a while after its job", async () => {
  const { says, pass, finish } = await employ([{ kind: "github.busy-flag-stale", perJob: 1, forMs: [60_000, 60_000] }]);
  finish();
  await pass(59_999);
  expect(says()).toBe("busy online");
  await pass(1);
  expect(says()).toBe("idle online");
});

it("calls a runner offline while it works, for a while", async () => {
  const { says, pass } = await employ([
    { kind: "github.offline-while-working", perJob: 1, afterMs: [10_000, 10_000], forMs: [60_000, 60_000] },
  ]);
  expect(says()).toBe("busy online");
  await pass(10_000);
  expect(says()).toBe("busy offline");
  await pass(59_999);
  expect(says()).toBe("busy offline");
  await pass(1);
  expect(says()).toBe("busy online");
});

it.each<Fault>([
  { kind: "github.busy-flag-lag", perJob: 1, lagMs: [60_000, 60_000] },
  { kind: "github.busy-flag-drops", perJob: 1, afterMs: [60_000, 60_000] },
  { kind: "github.offline-while-working", perJob: 1, afterMs: [60_000, 60_000], forMs: [HOUR_MS, HOUR_MS] },
])("does not tell of a job that is over by then: %o", async (fault) => {
  const { says, pass, finish } = await employ([fault]);
  finish();
  expect(says()).toBe("idle online");
  await pass(2 * MINUTE_MS);
  expect(says()).toBe("idle online");
});

it("tells two lies of one runner beside each other", async () => {
  const { says, pass, finish } = await employ([
    { kind: "github.busy-flag-never", perJob: 1 },
    { kind: "github.offline-while-working", perJob: 1, afterMs: [10_000, 10_000], forMs: [MINUTE_MS, MINUTE_MS] },
  ]);
  await pass(10_000);
  expect(says()).toBe("idle offline");
  finish();
  expect(says()).toBe("idle offline");
  await pass(MINUTE_MS);
  expect(says()).toBe("idle online");
});

it("counts each lie that it tells", async () => {
  const { scene, finish } = await employ([
    { kind: "github.busy-flag-never", perJob: 1 },
    { kind: "github.busy-flag-stale", perJob: 1, forMs: [1, 1] },
  ]);
  expect(scene.faults.counts).toEqual({ "github.busy-flag-never": 1 });
  finish();
  expect(scene.faults.counts).toEqual({ "github.busy-flag-never": 1, "github.busy-flag-stale": 1 });
});
