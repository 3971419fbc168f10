import { describe, expect, it } from "vitest";
import { cancelJob } from "../../../src/simulator/github/jobs.ts";
import { deleteRunner } from "../../../src/simulator/github/runners.ts";
import type { Host } from "../../../src/simulator/world/host.ts";
import { HostScene, SCOPE, type SceneOptions } from "./host-scene.ts";

async function runningJob(options: SceneOptions = {}) {
  const scene = new HostScene(options);
  const host: Host = scene.agentHost();
  await scene.run(15_000);
  const { ticket, runner } = scene.mint();
  const job = scene.queue();
  scene.controller.offer(ticket);
  await scene.runTo("Worker");
  await scene.run(5_000);
  return { scene, host, job, runner };
}

describe("a running job", () => {
  it("is taken over by the agent that comes after one that died", async () => {
    const { scene, host, job } = await runningJob();
    host.crashAgent();
    await scene.run(10_000);
    expect(scene.controller.reports.at(-1)?.ticket?.step).toBe("running");
    await scene.run(90_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("dies by the deletion of its registration, within a long poll", async () => {
    const { scene, job, runner } = await runningJob({ jobMs: 600_000 });
    runner.misreport = { busy: false };
    expect(deleteRunner(scene.state, SCOPE, runner.id, scene.nowMs)).toBe("deleted");
    await scene.run(80_000);
    expect(scene.witnessed).toContain(`job ${job.id} cancelled: registration-gone`);
    expect(job.phase).toMatchObject({ kind: "completed", conclusion: "cancelled" });
  });

  it("ends when it is cancelled at GitHub", async () => {
    const { scene, job } = await runningJob({ jobMs: 600_000 });
    expect(cancelJob(scene.state, job.id, scene.nowMs)).toBe(true);
    scene.github.changed();
    await scene.run(30_000);
    expect(scene.witnessed).toContain(`job ${job.id} cancelled: requested`);
    expect(job.phase).toMatchObject({ kind: "completed", conclusion: "cancelled" });
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("keeps its machine busy as an orphan", async () => {
    const { scene, host, job } = await runningJob({ jobFate: () => ({ kind: "orphan", afterMs: 10_000 }) });
    await scene.run(20_000);
    expect(host.truth().runner).toMatchObject({ isListenerAlive: false, workerCount: 1, acquiredJobId: job.id });
    expect(scene.controller.reports.at(-1)?.sighting).toEqual({ kind: "seen", hasListener: false, workerCount: 1 });
    expect(scene.controller.ended).toEqual([]);
    await scene.run(60_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("is given up by GitHub when it hangs, and its machine says that it is still", async () => {
    const { scene, host, job } = await runningJob({ jobFate: () => ({ kind: "hangs", afterMs: 8_000 }) });
    await scene.run(11 * 60_000);
    expect(job.phase).toMatchObject({ cause: "lost-communication" });
    expect(host.truth().runner?.workerCount).toBe(1);
    await scene.run(6 * 60_000);
    expect(scene.controller.reports.at(-1)?.stillness).toEqual({
      isLeaseOld: true,
      isWorkerStill: true,
      areLogsSaved: true,
    });
  });

  it("dies with listener and Worker", async () => {
    const { scene } = await runningJob({ jobFate: () => ({ kind: "dies", afterMs: 10_000 }) });
    await scene.run(60_000);
    expect(scene.witnessed.filter((text) => text.startsWith("killed by fault"))).toHaveLength(2);
    expect(scene.controller.ended).toEqual(["spent"]);
  });

  it("works on while GitHub cannot be reached, and is given up there after its lease", async () => {
    const { scene, host, job } = await runningJob({ jobMs: 900_000 });
    scene.reachesGitHub = false;
    await scene.run(12 * 60_000);
    expect(job.phase).toMatchObject({ cause: "lost-communication" });
    expect(host.truth().runner?.workerCount).toBe(1);
  });
});

describe("a listener without a job", () => {
  it("listens for ever after its acquire was refused, and is handed back after ten minutes", async () => {
    const scene = new HostScene({ refusesAcquire: () => true });
    scene.agentHost();
    await scene.run(15_000);
    scene.queue();
    scene.controller.offer(scene.mint().ticket);
    await scene.runTo("acquire is refused");
    await scene.run(9 * 60_000);
    expect(scene.controller.ended).toEqual([]);
    await scene.run(2 * 60_000);
    expect(scene.controller.ended).toEqual(["handed-back"]);
  });

  it.each([
    [1, ["barren: exit code 1"]],
    [0, ["barren: exit code 0"]],
  ])("that ends with %i makes its ticket barren", async (code, ended) => {
    const scene = new HostScene({ runnerFate: () => ({ kind: "exits", code, afterMs: 2_000 }) });
    scene.agentHost();
    await scene.run(15_000);
    scene.controller.offer(scene.mint().ticket);
    await scene.run(60_000);
    expect(scene.controller.ended).toEqual(ended);
  });

  it("that ends to update itself is started again, once", async () => {
    const fates = [{ kind: "exits", code: 3, afterMs: 1_000 }, { kind: "well" }] as const;
    let count = 0;
    const scene = new HostScene({ runnerFate: () => fates[count++] ?? { kind: "well" } });
    scene.agentHost();
    await scene.run(15_000);
    scene.controller.offer(scene.mint().ticket);
    await scene.run(400_000);
    expect(scene.texts().filter((text) => text.startsWith("listener") && text.includes("starts"))).toHaveLength(2);
    const job = scene.queue();
    await scene.run(90_000);
    expect(job.phase).toMatchObject({ conclusion: "success" });
  });
});

describe("the machine", () => {
  it("powers off when nobody answers for a quarter of an hour", async () => {
    const scene = new HostScene();
    scene.agentHost();
    await scene.run(20_000);
    scene.controller.isReachable = false;
    await scene.run(10 * 60_000);
    expect(scene.isGone).toBe(false);
    await scene.run(15 * 60_000);
    expect(scene.isGone).toBe(true);
    expect(scene.witnessed).toContain("ends by agent with no runner");
  });

  it("stays when nobody answers while it runs a job", async () => {
    const { scene, job } = await runningJob({ jobMs: 40 * 60_000 });
    scene.controller.isReachable = false;
    await scene.run(39 * 60_000);
    expect(scene.isGone).toBe(false);
    expect(job.phase.kind).toBe("acquired");
  });

  it("starts no runner where the journal has no room, and tells of no ticket", async () => {
    const scene = new HostScene();
    const host = scene.agentHost();
    await scene.run(15_000);
    host.fillDisk(60_000);
    scene.controller.offer(scene.mint().ticket);
    await scene.run(30_000);
    expect(scene.texts()).toContain("the agent has ended");
    expect(host.truth().runner).toBeNull();
    await scene.run(60_000);
    expect(scene.controller.reports.at(-1)?.phase).toBe("parked");
  });

  it("refuses to hand back a listener whose lines a full disk may have lost", async () => {
    const scene = new HostScene();
    const host = scene.agentHost();
    await scene.run(15_000);
    const { ticket } = scene.mint();
    scene.controller.offer(ticket);
    await scene.runTo("session of");
    await scene.run(5_000);
    host.fillDisk(120_000);
    scene.controller.order(ticket.id);
    await scene.run(40_000);
    expect(scene.controller.ended).toEqual([]);
    expect(host.truth().runner).toMatchObject({ isListenerAlive: true, isListenerStopped: false });
  });

  it("ends once, and tells the witness before", async () => {
    const { scene, host, job } = await runningJob();
    host.end({ by: "fault", kind: "provider.reclaim" });
    host.end({ by: "fault", kind: "provider.reclaim" });
    expect(scene.witnessed.filter((text) => text.startsWith("ends"))).toEqual([`ends by fault with job ${job.id}`]);
    expect(host.truth()).toMatchObject({ isUp: false, runner: null });
    expect(scene.isGone).toBe(false);
    await scene.run(11 * 60_000);
    expect(job.phase).toMatchObject({ cause: "lost-communication" });
  });

  it("does the same again with the same seed, and something else with another", async () => {
    const digests: string[] = [];
    for (const seed of [3, 3, 4]) {
      const { scene } = await runningJob({ seed });
      await scene.run(120_000);
      digests.push(scene.digest);
    }
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  });

  it("costs little while it is parked: a report for each heartbeat, a poll for each time that one is held", async () => {
    const scene = new HostScene();
    scene.agentHost(30_000);
    await scene.run(60_000);
    const before = scene.controller.calls.length;
    await scene.run(600_000);
    expect(scene.controller.calls.length - before).toBeLessThanOrEqual(20 + 24 + 2);
  });
});
