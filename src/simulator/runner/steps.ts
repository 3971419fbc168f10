import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { closeQuietly, type Diagnostics } from "./diagnostics.ts";
import { hasVariable, killProcessTree, listProcesses, signalProcess } from "./processes.ts";
import type { TaskResult } from "./protocol.ts";
import { aborted, copyEnvironment, type Environment, sleep } from "./system.ts";
import type { WorkerMessage } from "./worker-channel.ts";

/** What may end a job from outside: cancelled at GitHub, or the runner shuts down. */
export interface JobStop {
  readonly signal: AbortSignal;
  why(): "cancelled" | "shutdown" | null;
}

export interface StepsRun {
  readonly root: string;
  readonly diagnostics: Diagnostics;
  readonly request: Extract<WorkerMessage, { type: "NewJobRequest" }>;
  readonly stop: JobStop;
}

export interface StepsOutcome {
  readonly result: TaskResult;
  readonly failedStepIndex: number | null;
  /** The value of RUNNER_TRACKING_ID in everything that the steps started. */
  readonly trackingId: string;
}

const TRACKING_VARIABLE = "RUNNER_TRACKING_ID";

/** One after the other, until one fails or the job is stopped. A shutdown makes the job Failed, a cancellation Canceled. */
export async function runSteps(run: StepsRun): Promise<StepsOutcome> {
  const { root, diagnostics, request, stop } = run;
  const { job, workFolder } = request;
  const trackingId = `github_${randomUUID()}`;
  const directory = join(root, workFolder, job.repository.split("/")[1] ?? "repository");
  const temporary = join(root, workFolder, "_temp");
  mkdirSync(directory, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  const environment = stepEnvironment(run, directory, temporary, trackingId);
  for (const [index, command] of job.steps.entries()) {
    if (stop.signal.aborted) break;
    diagnostics.trace("StepsRunner", `Processing step: DisplayName='Run ${command}'`);
    const code = await runStep(run, command, directory, environment);
    diagnostics.trace("StepsRunner", `Step result: ${code === 0 ? "Succeeded" : "Failed"}`);
    if (stop.signal.aborted) return { result: stoppedResult(stop), failedStepIndex: index, trackingId };
    if (code !== 0) return { result: "Failed", failedStepIndex: index, trackingId };
  }
  if (stop.signal.aborted) return { result: stoppedResult(stop), failedStepIndex: 0, trackingId };
  return { result: "Succeeded", failedStepIndex: null, trackingId };
}

function stoppedResult(stop: JobStop): TaskResult {
  return stop.why() === "cancelled" ? "Canceled" : "Failed";
}

function stepEnvironment(run: StepsRun, directory: string, temporary: string, trackingId: string): Environment {
  const { request, root } = run;
  const { job, serverUrl } = request;
  return {
    ...copyEnvironment(),
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_API_URL: serverUrl,
    GITHUB_JOB: job.jobDisplayName,
    GITHUB_REF_NAME: job.headBranch,
    GITHUB_REPOSITORY: job.repository,
    GITHUB_RUN_ATTEMPT: String(job.runAttempt),
    GITHUB_RUN_ID: String(job.runId),
    GITHUB_SERVER_URL: serverUrl,
    GITHUB_SHA: job.headSha,
    GITHUB_WORKFLOW: job.workflowName,
    GITHUB_WORKSPACE: directory,
    RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
    RUNNER_ENVIRONMENT: "self-hosted",
    RUNNER_NAME: request.agentName,
    RUNNER_OS: process.platform === "darwin" ? "macOS" : "Linux",
    RUNNER_TEMP: temporary,
    RUNNER_TOOL_CACHE: join(root, request.workFolder, "_tool"),
    RUNNER_WORKSPACE: directory,
    [TRACKING_VARIABLE]: trackingId,
  };
}

/** The step's exit code; its output goes into the Worker's log. */
async function runStep(run: StepsRun, command: string, cwd: string, environment: Environment): Promise<number> {
  const { diagnostics, stop } = run;
  const output = diagnostics.openForAppending();
  try {
    const step = spawn("/bin/sh", ["-c", command], { cwd, env: environment, stdio: ["ignore", output, output] });
    const { promise: exited, resolve } = Promise.withResolvers<number>();
    step.on("error", (error) => {
      diagnostics.trace("ProcessInvokerWrapper", `Starting the step failed: ${error.message}`, "ERR ");
      resolve(1);
    });
    step.on("exit", (code) => resolve(code ?? 1));
    diagnostics.trace(
      "ProcessInvokerWrapper",
      `Process started with process id ${step.pid}, waiting for process exit.`,
    );
    await Promise.race([exited, aborted(stop.signal)]);
    if (stop.signal.aborted) await endStep(run, step, exited);
    return await exited;
  } finally {
    closeQuietly(output);
  }
}

/** SIGINT, then SIGTERM, then the whole tree (ProcessInvoker.cs:430). */
async function endStep(run: StepsRun, step: ChildProcess, exited: Promise<number>): Promise<void> {
  const { diagnostics, request } = run;
  const { interruptGraceMs, terminateGraceMs } = request.settings;
  const { pid } = step;
  if (pid === undefined) return;
  const rounds = [
    { signal: "SIGINT", graceMs: interruptGraceMs },
    { signal: "SIGTERM", graceMs: terminateGraceMs },
  ] as const;
  for (const { signal, graceMs } of rounds) {
    signalProcess(pid, signal);
    const isGone = await Promise.race([exited.then(() => true), sleep(graceMs).then(() => false)]);
    if (isGone) return;
  }
  diagnostics.trace(
    "ProcessInvokerWrapper",
    "Kill entire process tree since both cancel and terminate signal has been ignored by the target process.",
  );
  killProcessTree(pid);
}

/** What the steps left behind is killed, unless it dropped the tracking variable (JobExtension.cs:880). */
export function cleanUpOrphans(diagnostics: Diagnostics, trackingId: string): void {
  diagnostics.trace("JobExtension", "Cleaning up orphan processes");
  for (const { pid, name } of listProcesses()) {
    if (pid === process.pid || !hasVariable(pid, TRACKING_VARIABLE, trackingId)) continue;
    diagnostics.trace("JobExtension", `Terminate orphan process: pid (${pid}) (${name})`);
    signalProcess(pid, "SIGKILL");
  }
}
