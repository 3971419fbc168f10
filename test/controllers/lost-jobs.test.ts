/** Jobs that went down with their machine: which of them are to run again. */
import { afterEach, describe, expect, it } from "vitest";
import { parseJobId } from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { connectionName } from "../domain/builders.ts";
import { JOB, LABELS, RerunScene } from "./rerun-scene.ts";

let scene: RerunScene;
afterEach(() => scene.yard.close());

describe("which jobs are to run again", () => {
  it("one whose machine died under it", async () => {
    scene = await RerunScene.open();
    await scene.die();
    expect(await scene.rerun()).toMatchObject({
      jobId: JOB,
      runAttempt: 1,
      wasOver: false,
      pool: "linux",
      state: { kind: "due", waitsFor: "not-looked" },
    });
    expect((await scene.facts()).at(-1)).toBe("it went down with its machine: it is to run again once its run is over");
  });

  it("one whose machine was gone before anybody asked", async () => {
    scene = await RerunScene.open();
    scene.yard.provider.machines.delete(scene.agent.machineId);
    scene.yard.clock.advance(MINUTE_MS);
    await scene.yard.pass();
    expect(scene.yard.provider.terminated).toEqual([]);
    expect((await scene.rerun())?.state.kind).toBe("due");
  });

  it("one whose host was lost, though GitHub had failed it before that was proven", async () => {
    scene = await RerunScene.open();
    scene.yard.clock.advance(10 * MINUTE_MS);
    await scene.yard.tell(JOB, { status: "completed", conclusion: "failure", completedAtMs: scene.yard.clock.nowMs() });
    await scene.beSilent(HOUR_MS);
    expect(scene.yard.provider.terminated.map(({ proof }) => proof)).toEqual(["host-lost"]);
    expect(await scene.rerun()).toMatchObject({ wasOver: true, state: { kind: "due" } });
  });

  it.each<readonly [string, Partial<PoolPolicy>, Partial<JobEvent>]>([
    ["in a pool that does not want it", { rerun: null }, {}],
    ["that asks not to", {}, { labels: LABELS }],
    ["that ended well", {}, { status: "completed", conclusion: "success" }],
    ["that a person cancelled", {}, { status: "completed", conclusion: "cancelled" }],
  ])("none %s", async (_name, pool, job) => {
    scene = await RerunScene.open(pool, job);
    await scene.die();
    expect(await scene.rerun()).toBeNull();
    if (job.labels !== undefined)
      expect((await scene.facts()).at(-1)).toBe("it asks not to be run again (label no-rerun)");
  });

  it("none whose machine an operator ended by force", async () => {
    scene = await RerunScene.open();
    const machine = await scene.yard.onlyMachine();
    const forced = { operator: "alice", reason: "it mines", atMs: scene.yard.clock.nowMs() };
    await saveMachine(scene.yard.store.db, { ...machine, forced, version: machine.version + 1 }, machine.version);
    await scene.yard.pass();
    expect(scene.yard.provider.terminated.map(({ proof }) => proof)).toEqual(["forced"]);
    expect((await loadMachine(scene.yard.store.db, machine.id))?.state.kind).toBe("gone");
    expect(await scene.rerun()).toBeNull();
  });

  it("none whose host was silent for so long that a limit ended it", async () => {
    scene = await RerunScene.open();
    await scene.beSilent(8 * HOUR_MS);
    expect(scene.yard.provider.terminated.map(({ proof }) => proof)).toEqual(["forced"]);
    expect(await scene.rerun()).toBeNull();
  });

  it("one of which GitHub shows a copy in a later attempt, by the attempt that it ran in", async () => {
    scene = await RerunScene.open();
    const row = await loadJob(scene.yard.store.db, connectionName(), JOB);
    if (row === null) throw new Error("there is a job");
    const { runId, name } = row.job;
    const copy = { status: "completed", conclusion: "failure", runnerName: row.job.runnerName } as const;
    await scene.yard.queue(2, { runId, name, runAttempt: 2, ...copy });
    await scene.die();
    expect(await scene.rerun()).toMatchObject({ jobId: JOB, runAttempt: 1 });
    expect(await scene.facts(parseJobId(2))).toEqual([]);
  });

  it("none a third time", async () => {
    scene = await RerunScene.open();
    await scene.die();
    const row = await loadJob(scene.yard.store.db, connectionName(), JOB);
    const first = await scene.rerun();
    // Its second attempt, on a machine that dies too.
    await scene.yard.queue(2, { runAttempt: 2, runId: row?.job.runId ?? 0, name: row?.job.name ?? "" });
    await scene.yard.tell(JOB, { status: "completed", conclusion: "failure" });
    await scene.yard.pass();
    scene.agent = scene.yard.agent((await scene.yard.onlyMachine()).id);
    await scene.agent.checkIn();
    await scene.agent.report();
    await scene.yard.pass();
    await scene.agent.poll();
    await scene.yard.tell(parseJobId(2), {
      status: "in_progress",
      runnerName: (await scene.yard.onlyTicket()).runnerName,
    });
    await scene.die();
    expect(await scene.rerun()).toEqual(first);
    expect(await scene.facts(parseJobId(2))).toContainEqual(expect.stringMatching(/it is not run a third time$/));
  });
});
