import { cpSync, existsSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import {
  createRunnerYard,
  DEADLINE_MS,
  eventually,
  isAlive,
  type RunnerProcess,
  type RunnerYard,
  readProc,
} from "./runner-process.ts";

let github: SimulatedGitHub;
let yard: RunnerYard;

beforeEach(async () => {
  github = await startSimulatedGitHub({ repositories: ["acme/widgets"], longPollMs: 1_000 });
  yard = createRunnerYard();
});

afterEach(async () => {
  await yard.stopAll();
  await github.close();
});

function queue(steps: readonly string[], more: { readonly name?: string } = {}): number {
  return github.queueJob({ repository: "acme/widgets", labels: ["self-hosted"], steps, ...more });
}

function completed(jobId: number) {
  return github.waitForJob(jobId, (job) => job.status === "completed", DEADLINE_MS);
}

function inProgress(jobId: number) {
  return github.waitForJob(jobId, (job) => job.status === "in_progress", DEADLINE_MS);
}

/** Its session is there, and it knows. */
function listening(runner: RunnerProcess) {
  return eventually("a listener that listens", () => runner.log().includes("Listening for Jobs"));
}

/** Each of the texts, in this order, somewhere in the log. */
function expectInOrder(log: string, texts: readonly string[]): void {
  let from = 0;
  for (const text of texts) {
    const at = log.indexOf(text, from);
    if (at < 0) throw new Error(`${JSON.stringify(text)} does not come next in:\n${log.slice(from)}`);
    from = at + text.length;
  }
}

describe("one job of an ephemeral runner", () => {
  it("runs the steps, completes, exits 0 and writes what the real one writes, in its order", async () => {
    const runner = await yard.start(github, { name: "r-one" });
    const jobId = queue(["echo one > out.txt", "echo two >> out.txt"], { name: "build" });
    const job = await completed(jobId);
    expect(job).toMatchObject({ conclusion: "success", cause: "reported-by-runner", runnerName: "r-one" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(readFileSync(join(runner.root, "_work", "widgets", "out.txt"), "utf8")).toBe("one\ntwo\n");
    expect(github.runners()).toEqual([]);
    expect(existsSync(join(runner.root, ".runner"))).toBe(false);

    const guid = job.jobGuid;
    const log = runner.log();
    expectInOrder(log, [
      "BrokerMessageListener] Session created.",
      "Terminal] WRITE LINE: ",
      "Z: Listening for Jobs",
      "BrokerMessageListener] Acknowledging runner request '",
      "JobDispatcher] Job request 1 for plan ",
      `job ${guid} received.`,
      "JobDispatcher] Start dispatcher for one time used runner.",
      "BrokerMessageListener] Received job status event. JobState: Busy",
      "Z: Running job: build",
      `JobDispatcher] Start renew job request 1 for job ${guid}.`,
      "Runner] One time used runner received job message.",
      `JobDispatcher] Successfully renew job ${guid}, job is valid till `,
      "ProcessInvokerWrapper] Process started with process id ",
      `JobDispatcher] Send job request message to worker for job ${guid}.`,
      "JobNotification] Entering JobStarted Notification",
      `JobDispatcher] Worker finished for job ${guid}. Code: 100`,
      `JobDispatcher] finish job request for job ${guid} with result: Succeeded`,
      "Z: Job build completed with result: Succeeded",
      "BrokerMessageListener] Received job status event. JobState: Online",
      "Runner] Job has finished at backend, the runner will exit since it is running under onetime use mode.",
      "Listener] Runner execution has finished with return code 0",
    ]);
    for (const line of log.trimEnd().split("\n")) {
      expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ (INFO|ERR |WARN) \w+\] /);
    }
    expect(runner.counters()).toEqual([
      "RunnerProcessStarted",
      "SessionCreated",
      "MessageReceived_RunnerJobRequest",
      "JobRequestRenewed_1",
      "StartingWorkerProcess",
      `RunnerSendingJobToWorker_${guid}`,
      "SentJobToWorker_1",
    ]);
    expect(runner.counters("Worker")).toEqual([
      "WorkerProcessStarted",
      "WorkerWaitingForJobMessage",
      "WorkerJobMessageReceived_1",
      "WorkerJobInitialized_1",
    ]);
    expect(readFileSync(join(runner.root, "Runner.perf"), "utf8")).toMatch(
      /^RunnerProcessStarted:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z\n/,
    );
    const workerLog = runner.log("Worker");
    expectInOrder(workerLog, ["Job message:\n", `Job ID ${guid}`, "Total job steps: 2.", "Job completed."]);
  });

  it("looks like the real one in the process table", async () => {
    const runner = await yard.start(github);
    await inProgress(queue(["sleep 60"]));
    expect(readProc(runner.pid, "comm")).toBe("Runner.Listener\n");
    const [worker] = runner.workerPids();
    if (worker === undefined) throw new Error("there is no Worker");
    expect(readProc(worker, "comm")).toBe("Runner.Worker\n");
    const worded = readProc(worker, "cmdline").replaceAll("\0", " ").trimEnd();
    expect(worded).toMatch(new RegExp(`${runner.root}/bin/Runner\\.Worker spawnclient \\d+ \\d+$`));
    expect(readlinkSync(`/proc/${worker}/cwd`)).toBe(join(runner.root, "bin"));
    expect(readlinkSync(`/proc/${runner.pid}/exe`)).toBe(process.execPath);
    expect(readProc(worker, "stat").split(") ")[1]?.split(" ")[1]).toBe(String(runner.pid));
  });

  it("gives steps what the real one gives, and no secret", async () => {
    await yard.start(github, { name: "r-env" });
    const runner = await yard.start(github, { name: "r-env-2", labels: ["env"] });
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["env"], steps: ["env > env.txt"] });
    await completed(jobId);
    const variables = readFileSync(join(runner.root, "_work", "widgets", "env.txt"), "utf8");
    expect(variables).toMatch(/^RUNNER_NAME=r-env-2$/m);
    expect(variables).toMatch(/^RUNNER_TRACKING_ID=github_[0-9a-f-]{36}$/m);
    expect(variables).toMatch(/^GITHUB_REPOSITORY=acme\/widgets$/m);
    expect(variables).toMatch(/^GITHUB_RUN_ID=\d+$/m);
    expect(variables).not.toMatch(/JITCONFIG/);
  });

  it("fails at the first failing step, whose number GitHub knows", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["true", "exit 3", "echo never > never.txt"]);
    expect(await completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(join(runner.root, "_work", "widgets", "never.txt"))).toBe(false);
    expect(runner.log()).toContain("Code: 102");
  });

  it("kills what the steps left behind, but for what dropped the tracking variable", async () => {
    const runner = await yard.start(github);
    const jobId = queue([
      "sleep 61 & echo $! > tracked.pid",
      "env -u RUNNER_TRACKING_ID sleep 62 & echo $! > untracked.pid",
    ]);
    await completed(jobId);
    await runner.exited;
    const pidIn = (name: string) => Number(readFileSync(join(runner.root, "_work", "widgets", name), "utf8"));
    await eventually("the end of the tracked process", () => !isAlive(pidIn("tracked.pid")));
    expect(isAlive(pidIn("untracked.pid"))).toBe(true);
    expect(runner.log("Worker")).toContain(`Terminate orphan process: pid (${pidIn("tracked.pid")})`);
  });
});

describe("ends from outside", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s on a busy listener cancels the job and keeps the registration's end to GitHub",
    async (signal) => {
      const runner = await yard.start(github);
      const jobId = queue(["sleep 60"]);
      await inProgress(jobId);
      runner.child.kill(signal);
      expect(await completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
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
    const runner = await yard.start(github, { name: "r-idle" });
    await listening(runner);
    runner.child.kill("SIGINT");
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(github.runners()).toMatchObject([{ name: "r-idle", isOnline: false }]);
    expect(existsSync(join(runner.root, ".runner"))).toBe(true);
  });

  it("SIGKILL of the listener leaves the Worker, which finishes and reports the job itself", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["while [ ! -e go ]; do sleep 0.02; done", "echo done > done.txt"]);
    await inProgress(jobId);
    runner.child.kill("SIGKILL");
    expect(await runner.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(runner.workerPids()).toHaveLength(1);
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    expect(await completed(jobId)).toMatchObject({ conclusion: "success", cause: "reported-by-runner" });
    await eventually("the Worker's end", () => runner.workerPids().length === 0);
  });

  it("SIGKILL of the listener while the lease is short: nobody renews, the job is lost, the Worker goes on", async () => {
    await github.close();
    github = await startSimulatedGitHub({
      repositories: ["acme/widgets"],
      longPollMs: 1_000,
      github: { leaseMs: 700 },
    });
    const runner = await yard.start(github, { settings: { renewIntervalMs: 100 } });
    const jobId = queue(["sleep 60"]);
    await inProgress(jobId);
    runner.child.kill("SIGKILL");
    expect(await completed(jobId)).toMatchObject({ conclusion: "failure", cause: "lost-communication" });
    expect(runner.workerPids()).toHaveLength(1);
  });

  it("SIGSTOP of the listener stops every task of it, and SIGCONT lets the job end well", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["while [ ! -e go ]; do sleep 0.02; done"]);
    await inProgress(jobId);
    runner.child.kill("SIGSTOP");
    await eventually("the listener to stand still", () => readProc(runner.pid, "stat").includes(") T "));
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    runner.child.kill("SIGCONT");
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it("the Worker ignores SIGINT, and SIGTERM cancels its job", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["sleep 60"]);
    await inProgress(jobId);
    const [worker] = runner.workerPids();
    if (worker === undefined) throw new Error("there is no Worker");
    process.kill(worker, "SIGINT");
    process.kill(worker, "SIGTERM");
    expect(await completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it("a Worker that crashes is reported by its listener", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["sleep 60"]);
    await inProgress(jobId);
    const [worker] = runner.workerPids();
    if (worker === undefined) throw new Error("there is no Worker");
    process.kill(worker, "SIGKILL");
    expect(await completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.log()).toContain("Code: 137");
  });

  it("a job that is cancelled at GitHub is cancelled on the host", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["sleep 60"]);
    await inProgress(jobId);
    expect(github.cancelJob(jobId)).toBe(true);
    expect(await completed(jobId)).toMatchObject({ conclusion: "cancelled", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.counters()).toContain("MessageReceived_JobCancellation");
  });

  it("a busy flag that lies lets DELETE through, and the next poll kills the job", async () => {
    const runner = await yard.start(github);
    const jobId = queue(["sleep 60"]);
    await inProgress(jobId);
    const remove = () =>
      fetch(`${github.apiUrl}/orgs/acme/actions/runners/${runner.runnerId}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${github.token}` },
      });
    expect((await remove()).status).toBe(422);
    github.misreportRunner(runner.runnerId, { busy: false });
    expect((await remove()).status).toBe(204);
    expect(await completed(jobId)).toMatchObject({ conclusion: "cancelled", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expectInOrder(runner.log(), [
      "Runner] Runner registration no longer exists while retrieving messages. ",
      "WRITE ERROR: The runner no longer exists on the server. Cleaning up local configuration.",
      "Listener] Runner execution has finished with return code 0",
    ]);
    expect(existsSync(join(runner.root, ".runner"))).toBe(false);
  });
});

describe("what goes wrong", () => {
  it.each([
    { status: 404, text: "Job message not found" },
    { status: 409, text: "Job message already acquired" },
  ])("an acquire that is refused with $status leaves a ghost that listens for ever", async ({ status, text }) => {
    github.faults.inject("acquire", { kind: "status", effect: "none", status });
    const runner = await yard.start(github);
    queue(["true"]);
    await eventually("the refusal in the log", () => runner.log().includes(`Skipping message Job. ${text} '`));
    expect(isAlive(runner.pid)).toBe(true);
    expect(runner.workerPids()).toEqual([]);
    expect(runner.log()).not.toContain("JobState: Busy");
  });

  it("an ephemeral runner whose acknowledgement is refused exits 0", async () => {
    github.faults.inject("acknowledge", { kind: "status", effect: "none", status: 404 });
    const runner = await yard.start(github);
    queue(["true"]);
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(runner.log()).toContain("Acknowledge returned job-not-found for ephemeral runner request");
  });

  it("survives that GitHub is away for a while, idle and busy", async () => {
    const runner = await yard.start(github);
    await listening(runner);
    await github.goOffline();
    await eventually("the complaint", () => runner.log().includes("Retriable exception"));
    await github.comeBack();
    const jobId = queue(["while [ ! -e go ]; do sleep 0.02; done"]);
    await inProgress(jobId);
    await github.goOffline();
    cpSync(join(runner.root, "bin", "Runner.Worker"), join(runner.root, "_work", "widgets", "go"));
    await eventually("the Worker's complaint", () => runner.log("Worker").includes("Catch exception while attempting"));
    await github.comeBack();
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
  });

  it.each([2, 3, 4, 7])("exits %i before a job when told to, once", async (code) => {
    const runner = await yard.start(github, { settings: { exitCode: [code] } });
    expect(await runner.exited).toEqual({ code, signal: null });
    expect(existsSync(join(runner.root, "update.finished"))).toBe(code === 3 || code === 4);
    const jobId = queue(["true"]);
    const again = yard.launch(runner.root, {});
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    expect(await again.exited).toEqual({ code: 0, signal: null });
  });

  it("never registers, or hangs at a step, and still hears a signal or dies by SIGKILL", async () => {
    const silent = await yard.start(github, { settings: { neverRegisters: true } });
    const stuck = await yard.start(github, { settings: { hangsAt: "acquired" }, labels: ["stuck"] });
    const jobId = github.queueJob({ repository: "acme/widgets", labels: ["stuck"], steps: ["true"] });
    await github.waitForJob(jobId, ({ phase }) => phase === "acquired", DEADLINE_MS);
    expect(stuck.counters()).toContain("MessageReceived_RunnerJobRequest");
    expect(stuck.log()).not.toContain("JobState: Busy");
    await eventually("the silent listener", () => silent.counters().includes("RunnerProcessStarted"));
    expect(github.runners().find(({ id }) => id === silent.runnerId)).toMatchObject({ version: null });
    silent.child.kill("SIGTERM");
    expect(await silent.exited).toEqual({ code: 0, signal: null });
  });

  it("a second listener with the same configuration is refused the session", async () => {
    const first = await yard.start(github);
    await listening(first);
    const copy = join(yard.folder(), "copy");
    cpSync(first.root, copy, { recursive: true });
    rmSync(join(copy, "_diag"), { recursive: true });
    const second = yard.launch(copy, {});
    await eventually("the refusal", () => second.log().includes("A session for this runner already exists."));
  });

  it("exits 1 without a configuration, and when its registration is gone before it starts", async () => {
    const root = yard.folder();
    createRunnerFolder(root);
    expect(await yard.launch(root, {}).exited).toEqual({ code: 1, signal: null });
    expect(await yard.launch(root, { ACTIONS_RUNNER_INPUT_JITCONFIG: "bm90IGpzb24=" }).exited).toMatchObject({
      code: 1,
    });
    const runner = await yard.start(github, { settings: { delaysMs: { starting: 400 } } });
    await fetch(`${github.apiUrl}/orgs/acme/actions/runners/${runner.runnerId}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${github.token}` },
    });
    expect(await runner.exited).toEqual({ code: 1, signal: null });
  });
});

describe("the folder", () => {
  it("works after it was copied elsewhere, and the root is where the copy is", async () => {
    const template = yard.folder();
    createRunnerFolder(template);
    const root = join(yard.folder(), "copy");
    cpSync(template, root, { recursive: true });
    rmSync(template, { recursive: true });
    const { encodedJitConfig } = github.registerRunner({
      scope: { kind: "repository", fullName: "acme/widgets" },
      name: "copied",
      labels: ["self-hosted"],
      groupId: 1,
      isEphemeral: true,
    });
    const runner = yard.launch(root, { ACTIONS_RUNNER_INPUT_JITCONFIG: encodedJitConfig });
    const jobId = queue(["pwd > where.txt"]);
    expect(await completed(jobId)).toMatchObject({ conclusion: "success" });
    await runner.exited;
    expect(readFileSync(join(root, "_work", "widgets", "where.txt"), "utf8").trim()).toBe(
      join(root, "_work", "widgets"),
    );
  });

  it("runs job after job for a registration that is not ephemeral", async () => {
    const runner = await yard.start(github, { isEphemeral: false });
    expect(await completed(queue(["true"]))).toMatchObject({ conclusion: "success" });
    expect(await completed(queue(["true"]))).toMatchObject({ conclusion: "success" });
    expect(isAlive(runner.pid)).toBe(true);
    expect(github.runners()).toHaveLength(1);
  });
});
