import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { expectInOrder, listening, useRunners } from "./runner-house.ts";
import { eventually, readProc } from "./runner-process.ts";

/** Of GitHub. */
const LEASE_MS = 10 * MINUTE_MS;
const RENEW_INTERVAL_MS = 100;

const house = useRunners();

describe("ends from outside", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s on a busy listener cancels the job and keeps the registration's end to GitHub",
    async (signal) => {
      const runner = await house.yard.start(house.github);
      const jobId = house.queue(["sleep 60"]);
      await house.inProgress(jobId);
      runner.child.kill(signal);
      expect(await house.completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
      expect(await runner.exited).toEqual({ code: 0, signal: null });
      expect(runner.workerPids()).toEqual([]);
      const log = runner.log();
      expectInOrder(log, [
        "HostContext] Runner will be shutdown for UserCancelled",
        "JobDispatcher] Send job cancellation message to worker for job",
        "with result: Canceled",
        "Runner] Deleting Runner Session...",
        "Listener] Runner execution been cancelled.",
      ]);
      expect(runner.log("Worker")).toContain("The runner has received a shutdown signal.");
    },
  );

  it("SIGINT on an idle listener ends it and leaves its registration, offline", async () => {
    const runner = await house.yard.start(house.github, { name: "r-idle" });
    await listening(runner);
    runner.child.kill("SIGINT");
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(house.github.runners()).toMatchObject([{ name: "r-idle", isOnline: false }]);
    expect(existsSync(join(runner.root, ".runner"))).toBe(true);
  });

  it("SIGKILL of the listener leaves the Worker, which finishes and reports the job itself", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["while [ ! -e go ]; do sleep 0.02; done", "echo done > done.txt"]);
    await house.inProgress(jobId);
    runner.child.kill("SIGKILL");
    expect(await runner.exited).toEqual({ code: null, signal: "SIGKILL" });
    // A step that is just being forked still looks like its Worker.
    await eventually("the orphaned Worker alone", () => runner.workerPids().length === 1);
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "success", cause: "reported-by-runner" });
    await eventually("the Worker's end", () => runner.workerPids().length === 0);
  });

  it("SIGKILL of the listener: nobody renews, the job is lost once its lease is over, the Worker goes on", async () => {
    const runner = await house.yard.start(house.github, { settings: { renewIntervalMs: RENEW_INTERVAL_MS } });
    const jobId = house.queue(["sleep 60"]);
    await house.inProgress(jobId);
    runner.child.kill("SIGKILL");
    await runner.exited;
    // Half a lease at a time, and time to renew it in between: whoever did so would keep the job. The last renewal of the
    // listener itself may still be on the wire.
    for (let stepCount = 0; stepCount < 3; stepCount += 1) {
      await sleep(4 * RENEW_INTERVAL_MS);
      house.github.advanceClock(LEASE_MS / 2);
    }
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "failure", cause: "lost-communication" });
    expect(runner.workerPids()).not.toEqual([]);
  });

  it("SIGSTOP of the listener stops every task of it, and SIGCONT lets the job end well", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["while [ ! -e go ]; do sleep 0.02; done"]);
    await house.inProgress(jobId);
    runner.child.kill("SIGSTOP");
    await eventually("the listener to stand still", () => readProc(runner.pid, "stat").includes(") T "));
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "success" });
    runner.child.kill("SIGCONT");
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it("a message to a listener that stands still is on the wire: killed there, the job goes to another runner", async () => {
    // Whoever is just between two polls when the clock jumps is online all the same.
    await house.replaceGitHub({ github: { offlineAfterMs: 2 * MINUTE_MS } });
    const frozen = await house.yard.start(house.github, { name: "frozen" });
    await listening(frozen);
    const next = await house.yard.start(house.github, { name: "next" });
    await listening(next);
    frozen.child.kill("SIGSTOP");
    await eventually("the listener to stand still", () => readProc(frozen.pid, "stat").includes(") T "));
    const jobId = house.queue(["true"]);
    expect(house.github.jobs()).toMatchObject([{ phase: "assigned", runnerName: "frozen" }]);
    expect(frozen.counters()).not.toContain("MessageReceived_RunnerJobRequest");
    frozen.child.kill("SIGKILL");
    await frozen.exited;
    // The minute for which GitHub waits, but for the one that is dead alone: the next has one of its own.
    house.github.advanceClock(MINUTE_MS);
    expect(await house.completed(jobId)).toMatchObject({ runnerName: "next", lostAssignmentCount: 1 });
    expect(frozen.counters()).not.toContain("MessageReceived_RunnerJobRequest");
  });

  it("the Worker ignores SIGINT, and SIGTERM cancels its job", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["sleep 60"]);
    await house.inProgress(jobId);
    const [worker] = runner.workerPids();
    if (worker === undefined) throw new Error("there is no Worker");
    process.kill(worker, "SIGINT");
    process.kill(worker, "SIGTERM");
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it("a Worker that crashes is reported by its listener", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["sleep 60"]);
    await house.inProgress(jobId);
    const [worker] = runner.workerPids();
    if (worker === undefined) throw new Error("there is no Worker");
    process.kill(worker, "SIGKILL");
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.log()).toContain("Code: 137");
  });

  it("a job that is cancelled at GitHub is cancelled on the host", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["sleep 60"]);
    await house.inProgress(jobId);
    expect(house.github.cancelJob(jobId)).toBe(true);
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "cancelled", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.counters()).toContain("MessageReceived_JobCancellation");
  });

  it("a busy flag that lies lets DELETE through, and the next poll kills the job", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["sleep 60"]);
    await house.inProgress(jobId);
    const remove = () =>
      fetch(`${house.github.apiUrl}/orgs/acme/actions/runners/${runner.runnerId}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${house.github.token}` },
      });
    expect((await remove()).status).toBe(422);
    house.github.misreportRunner(runner.runnerId, { busy: false });
    expect((await remove()).status).toBe(204);
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "cancelled", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expectInOrder(runner.log(), [
      "Runner] Runner registration no longer exists while retrieving messages. ",
      "WRITE ERROR: The runner no longer exists on the server. Cleaning up local configuration.",
      "Listener] Runner execution has finished with return code 0",
    ]);
    expect(existsSync(join(runner.root, ".runner"))).toBe(false);
  });
});
