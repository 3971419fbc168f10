import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { listening, useRunners } from "./runner-house.ts";
import { DEADLINE_MS, eventually, isAlive } from "./runner-process.ts";

const house = useRunners();

describe("what goes wrong", () => {
  it.each([
    { status: 404, text: "Job message not found" },
    { status: 409, text: "Job message already acquired" },
  ])("an acquire that is refused with $status leaves a ghost that listens for ever", async ({ status, text }) => {
    house.github.faults.inject("acquire", { kind: "status", effect: "none", status });
    const runner = await house.yard.start(house.github);
    house.queue(["true"]);
    await eventually("the refusal in the log", () => runner.log().includes(`Skipping message Job. ${text} '`));
    expect(isAlive(runner.pid)).toBe(true);
    expect(runner.workerPids()).toEqual([]);
    expect(runner.log()).not.toContain("JobState: Busy");
  });

  it("an ephemeral runner whose acknowledgement is refused exits 0", async () => {
    house.github.faults.inject("acknowledge", { kind: "status", effect: "none", status: 404 });
    const runner = await house.yard.start(house.github);
    house.queue(["true"]);
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.log()).toContain("Acknowledge returned job-not-found for ephemeral runner request");
  });

  it("survives that GitHub is away for a while, idle and busy", async () => {
    const runner = await house.yard.start(house.github);
    await listening(runner);
    await house.github.goOffline();
    await eventually("the complaint", () => runner.log().includes("Retriable exception"));
    await house.github.comeBack();
    const jobId = house.queue(["while [ ! -e go ]; do sleep 0.02; done"]);
    await house.inProgress(jobId);
    await house.github.goOffline();
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    await eventually("the Worker's complaint", () => runner.log("Worker").includes("Catch exception while attempting"));
    await house.github.comeBack();
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it.each([2, 3, 4, 7])("exits %i before a job when told to, once", async (code) => {
    const runner = await house.yard.start(house.github, { settings: { exitCode: [code] } });
    expect(await runner.exited).toEqual({ code, signal: null });
    expect(existsSync(join(runner.root, "update.finished"))).toBe(code === 3 || code === 4);
    const jobId = house.queue(["true"]);
    const again = house.yard.launch(runner.root, {});
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await again.exited).toEqual({ code: 0, signal: null });
  });

  it("never registers, or hangs at a step, and still hears a signal or dies by SIGKILL", async () => {
    const silent = await house.yard.start(house.github, { settings: { neverRegisters: true } });
    const stuck = await house.yard.start(house.github, { settings: { hangsAt: "acquired" }, labels: ["stuck"] });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["stuck"], steps: ["true"] });
    await house.github.waitForJob(jobId, ({ phase }) => phase === "acquired", DEADLINE_MS);
    expect(stuck.counters()).toContain("MessageReceived_RunnerJobRequest");
    expect(stuck.log()).not.toContain("JobState: Busy");
    await eventually("the silent listener", () => silent.counters().includes("RunnerProcessStarted"));
    expect(house.github.runners().find(({ id }) => id === silent.runnerId)).toMatchObject({ version: null });
    silent.child.kill("SIGTERM");
    expect(await silent.exited).toEqual({ code: 0, signal: null });
  });

  it("a second listener with the same configuration is refused the session", async () => {
    const first = await house.yard.start(house.github);
    await listening(first);
    const copy = join(house.yard.folder(), "copy");
    cpSync(first.root, copy, { recursive: true });
    rmSync(join(copy, "_diag"), { recursive: true });
    const second = house.yard.launch(copy, {});
    await eventually("the refusal", () => second.log().includes("A session for this runner already exists."));
  });

  it("exits 1 without a configuration, and when its registration is gone before it starts", async () => {
    const root = house.yard.folder();
    createRunnerFolder(root);
    expect(await house.yard.launch(root, {}).exited).toEqual({ code: 1, signal: null });
    expect(await house.yard.launch(root, { ACTIONS_RUNNER_INPUT_JITCONFIG: "bm90IGpzb24=" }).exited).toMatchObject({
      code: 1,
    });
    const runner = await house.yard.start(house.github, { settings: { delaysMs: { starting: 400 } } });
    await fetch(`${house.github.apiUrl}/orgs/acme/actions/runners/${runner.runnerId}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${house.github.token}` },
    });
    expect(await runner.exited).toEqual({ code: 1, signal: null });
  });
});
