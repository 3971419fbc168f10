import { expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { isOnline, reportedBusy } from "../../../src/simulator/github/runners.ts";
import { createWorld } from "../../../src/simulator/world/world.ts";
import { plannedJob, tinyScenario } from "./tiny-scenario.ts";
import { WorkloadScene } from "./workload-scene.ts";

async function queued(durationMs = 10 * MINUTE_MS) {
  const jobs = [plannedJob("build", { durationMs })];
  const scene = new WorkloadScene({ workload: { jobs, arrivals: null } });
  scene.workload.start(0);
  await scene.pass(0);
  return { scene, job: scene.job("build"), registrations: () => [...scene.state.registrations.values()] };
}

it("registers runners that stay offline and that nobody can take for ours", async () => {
  const scene = new WorkloadScene();
  scene.foreign.register("acme");
  scene.foreign.register("acme", "hf-world-two-");
  const [plain, near] = [...scene.state.registrations.values()];
  expect([plain?.name, near?.name]).toEqual(["gha-other-00000001", "hf-world-two-00000002"]);
  expect([plain, near].every((runner) => scene.foreign.owns(runner?.name ?? ""))).toBe(true);
  expect(scene.foreign.owns(scene.listen("hf-world-12345678").name)).toBe(false);
  await scene.pass(30 * HOUR_MS);
  expect(scene.state.registrations.size).toBe(3);
});

it("takes a job with a runner of its own, works on it, and is gone after it", async () => {
  const { scene, job, registrations } = await queued();
  scene.foreign.take(job, 10 * MINUTE_MS);
  await scene.pass(MINUTE_MS);
  expect(job.phase).toMatchObject({ kind: "acquired" });
  const [runner] = registrations();
  expect(scene.foreign.owns(runner?.name ?? "")).toBe(true);
  expect(runner !== undefined && reportedBusy(runner)).toBe(true);
  await scene.pass(8 * MINUTE_MS);
  expect(job.phase.kind).toBe("acquired");
  await scene.pass(2 * MINUTE_MS);
  expect(job.phase).toMatchObject({ kind: "completed", conclusion: "success" });
  expect(registrations()).toEqual([]);
});

it("holds a job for longer than one lease, and for an hour at most", async () => {
  const { scene, job } = await queued(5 * HOUR_MS);
  scene.foreign.take(job, 5 * HOUR_MS);
  await scene.pass(59 * MINUTE_MS);
  expect(job.phase.kind).toBe("acquired");
  await scene.pass(2 * MINUTE_MS);
  expect(job.phase).toMatchObject({ kind: "completed", conclusion: "success" });
});

it("leaves a job alone that one of ours has by then", async () => {
  const { scene, job, registrations } = await queued();
  scene.foreign.take(job, MINUTE_MS);
  const ours = scene.listen("ours-1");
  expect(job.phase).toMatchObject({ kind: "assigned", runnerId: ours.id });
  await scene.pass(30_000);
  expect(registrations()).toEqual([ours]);
});

it("takes one job and leaves the others", async () => {
  const { scene, job } = await queued();
  scene.workload.start(0);
  await scene.pass(0);
  const other = scene.jobs.find(({ id }) => id !== job.id);
  scene.foreign.take(job, MINUTE_MS);
  await scene.pass(HOUR_MS / 4);
  const phases = [job.phase.kind, other?.phase.kind];
  expect(phases.toSorted()).toEqual(["completed", "queued"]);
});

it("chooses for a job any runner that has not lost it before, or else any of them", async () => {
  const { scene, job } = await queued();
  const runners = [scene.listen("a"), scene.listen("b"), scene.listen("c")];
  const chosen = () => new Set(Array.from({ length: 100 }, () => scene.foreign.choose(runners, job).name));
  expect(chosen()).toEqual(new Set(["a", "b", "c"]));
  job.lostByRunnerIds.add(runners[0]?.id ?? 0);
  expect(chosen()).toEqual(new Set(["b", "c"]));
  for (const { id } of runners) job.lostByRunnerIds.add(id);
  expect(chosen()).toEqual(new Set(["a", "b", "c"]));
});

it("chooses the one that the world wants, until it wants nobody", async () => {
  const { scene, job } = await queued();
  const [first, second] = [scene.listen("a"), scene.listen("b")];
  scene.foreign.prefer(second.id);
  const chosen = () => new Set(Array.from({ length: 50 }, () => scene.foreign.choose([first, second], job).name));
  expect(chosen()).toEqual(new Set(["b"]));
  expect(scene.foreign.choose([first], job)).toBe(first);
  scene.foreign.preferNobody();
  expect(chosen()).toEqual(new Set(["a", "b"]));
});

it("is in every world of an organization, and one of them is nearly called like ours", () => {
  const world = createWorld(tinyScenario(), 1, null);
  const runners = [...world.github.state.registrations.values()];
  expect(runners.map(({ name }) => name)).toEqual([
    "gha-other-00000001",
    "gha-other-00000002",
    "hf-world-two-00000003",
  ]);
  expect(runners.some((runner) => isOnline(world.github.state, runner, world.scheduler.nowMs))).toBe(false);
  expect(runners.some(({ name }) => world.isOurs(name))).toBe(false);
  expect(world.isOurs("whatever the system under test registers")).toBe(true);
  world.database?.close();
});
