import { cpSync, existsSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { expectInOrder, useRunners } from "./runner-house.ts";
import { eventually, isAlive, readProc } from "./runner-process.ts";

const house = useRunners();

describe("one job of an ephemeral runner", () => {
  it("runs the steps, completes, exits 0 and writes what the real one writes, in its order", async () => {
    const runner = await house.yard.start(house.github, { name: "r-one" });
    const jobId = house.queue(["echo one > out.txt", "echo two >> out.txt"]);
    const job = await house.completed(jobId);
    expect(job).toMatchObject({ conclusion: "success", cause: "reported-by-runner", runnerName: "r-one" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(readFileSync(join(runner.root, "_work", "widgets", "out.txt"), "utf8")).toBe("one\ntwo\n");
    expect(house.github.runners()).toEqual([]);
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
    const runner = await house.yard.start(house.github);
    await house.inProgress(house.queue(["sleep 60"]));
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
    await house.yard.start(house.github, { name: "r-env" });
    const runner = await house.yard.start(house.github, { name: "r-env-2", labels: ["env"] });
    const jobId = house.github.queueJob({ repository: "acme/widgets", labels: ["env"], steps: ["env > env.txt"] });
    await house.completed(jobId);
    const variables = readFileSync(join(runner.root, "_work", "widgets", "env.txt"), "utf8");
    expect(variables).toMatch(/^RUNNER_NAME=r-env-2$/m);
    expect(variables).toMatch(/^RUNNER_TRACKING_ID=github_[0-9a-f-]{36}$/m);
    expect(variables).toMatch(/^GITHUB_REPOSITORY=acme\/widgets$/m);
    expect(variables).toMatch(/^GITHUB_RUN_ID=\d+$/m);
    expect(variables).not.toMatch(/JITCONFIG/);
  });

  it("fails at the first failing step, whose number GitHub knows", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue(["true", "exit 3", "echo never > never.txt"]);
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "failure", cause: "reported-by-runner" });
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    expect(existsSync(join(runner.root, "_work", "widgets", "never.txt"))).toBe(false);
    expect(runner.log()).toContain("Code: 102");
  });

  it("kills what the steps left behind, but for what dropped the tracking variable", async () => {
    const runner = await house.yard.start(house.github);
    const jobId = house.queue([
      "sleep 61 & echo $! > tracked.pid",
      "env -u RUNNER_TRACKING_ID sleep 62 & echo $! > untracked.pid",
      // A process has its own environment only once it runs its own program.
      "while grep -q RUNNER_TRACKING_ID /proc/$(cat untracked.pid)/environ; do sleep 0.01; done",
    ]);
    await house.completed(jobId);
    await runner.exited;
    const pidIn = (name: string) => Number(readFileSync(join(runner.root, "_work", "widgets", name), "utf8"));
    await eventually("the end of the tracked process", () => !isAlive(pidIn("tracked.pid")));
    expect(isAlive(pidIn("untracked.pid"))).toBe(true);
    expect(runner.log("Worker")).toContain(`Terminate orphan process: pid (${pidIn("tracked.pid")})`);
  });
});

describe("the folder", () => {
  it("works after it was copied elsewhere, and the root is where the copy is", async () => {
    const template = house.yard.folder();
    createRunnerFolder(template);
    const root = join(house.yard.folder(), "copy");
    cpSync(template, root, { recursive: true });
    rmSync(template, { recursive: true });
    const { encodedJitConfig } = house.github.registerRunner({
      scope: { kind: "repository", fullName: "acme/widgets" },
      name: "copied",
      labels: ["self-hosted"],
      groupId: 1,
      isEphemeral: true,
    });
    const runner = house.yard.launch(root, { ACTIONS_RUNNER_INPUT_JITCONFIG: encodedJitConfig });
    const jobId = house.queue(["pwd > where.txt"]);
    expect(await house.completed(jobId)).toMatchObject({ conclusion: "success" });
    await runner.exited;
    expect(readFileSync(join(root, "_work", "widgets", "where.txt"), "utf8").trim()).toBe(
      join(root, "_work", "widgets"),
    );
  });

  it("runs job after job for a registration that is not ephemeral", async () => {
    const runner = await house.yard.start(house.github, { isEphemeral: false });
    expect(await house.completed(house.queue(["true"]))).toMatchObject({ conclusion: "success" });
    expect(await house.completed(house.queue(["true"]))).toMatchObject({ conclusion: "success" });
    expect(isAlive(runner.pid)).toBe(true);
    expect(house.github.runners()).toHaveLength(1);
  });
});
