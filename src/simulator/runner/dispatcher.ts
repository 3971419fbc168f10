import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { callBroker } from "./broker-client.ts";
import type { BrokerSession, ListenerContext } from "./broker-session.ts";
import { type AcquiredJob, resultOf, type TaskResult } from "./protocol.ts";
import { startRenewing } from "./renewal.ts";
import { passStep } from "./stand-in-settings.ts";
import { aborted, formatUniversal, sleep } from "./system.ts";
import { encodeMessage, WORKER_INPUT, WORKER_OUTPUT, type WorkerMessage } from "./worker-channel.ts";

/** JobDispatcher.cs of the real runner: holds the lease of one job, starts its Worker and waits for it. */

const SOURCE = "JobDispatcher";

export interface Dispatch {
  readonly job: AcquiredJob;
  /** Resolves when the job is over here: its Worker is gone, and the listener idle again. */
  readonly done: Promise<TaskResult>;
  isDone(): boolean;
  /** The job was cancelled at GitHub: the Worker is told, and killed when it takes too long. */
  cancel(): void;
  /** The listener goes: the Worker is told, and waited for without limit. */
  shutDown(): void;
}

export function startDispatch(context: ListenerContext, session: BrokerSession, job: AcquiredJob): Dispatch {
  const { diagnostics, configuration } = context;
  diagnostics.trace(SOURCE, `Job request ${job.requestId} for plan ${job.planId} job ${job.jobId} received.`);
  if (configuration.isEphemeral) diagnostics.trace(SOURCE, "Start dispatcher for one time used runner.");
  const stopping = new AbortController();
  const killing = new AbortController();
  let isDone = false;
  const run = async (): Promise<TaskResult> => {
    session.setState("Busy");
    try {
      return await runJob({ context, job, stop: stopping.signal, kill: killing.signal });
    } finally {
      isDone = true;
      session.setState("Online");
      if (configuration.isEphemeral) diagnostics.trace(SOURCE, "Fire signal for one time used runner.");
    }
  };
  const done = run();
  // It is awaited only by who gets there; a failure that nobody awaits yet must not end the process.
  done.catch(() => {});
  return {
    job,
    done,
    isDone: () => isDone,
    cancel: () => {
      stopping.abort();
      void sleep(context.settings.cancelGraceMs).then(() => killing.abort());
    },
    shutDown: () => stopping.abort(),
  };
}

interface JobRun {
  readonly context: ListenerContext;
  readonly job: AcquiredJob;
  /** The Worker is to end the job. */
  readonly stop: AbortSignal;
  /** The Worker is to be killed. */
  readonly kill: AbortSignal;
}

async function runJob(run: JobRun): Promise<TaskResult> {
  const { context, job, stop } = run;
  const { diagnostics, settings, shutdown } = context;
  diagnostics.writeLine(`${formatUniversal()}: Running job: ${job.jobDisplayName}`);
  diagnostics.trace(SOURCE, `Start renew job request ${job.requestId} for job ${job.jobId}.`);
  const renewal = startRenewing(context, job);
  await Promise.race([renewal.first, renewal.ended, aborted(stop)]);
  if (renewal.hasEnded()) {
    diagnostics.trace(
      SOURCE,
      `Unable to renew job request for job ${job.jobId} for the first time, stop dispatching job to worker.`,
    );
    return "Abandoned";
  }
  if (stop.aborted) {
    // Nobody tells GitHub: completing is the Worker's, and there is none. The lease has to run out.
    await renewal.stop();
    return "Canceled";
  }
  diagnostics.count(`JobRequestRenewed_${job.requestId}`);
  await passStep(settings, "renewed", shutdown);
  const worker = spawnWorker(context);
  await passStep(settings, "worker-spawned", shutdown);
  sendJob(run, worker);
  await passStep(settings, "job-sent", shutdown);
  const first = await Promise.race([
    worker.exited.then(() => "exited" as const),
    renewal.ended.then(() => "abandoned" as const),
    aborted(stop).then(() => "stopped" as const),
  ]);
  const result = first === "exited" ? await judgeExit(run, await worker.exited) : await stopWorker(run, worker, first);
  await passStep(settings, "job-finished", shutdown);
  diagnostics.trace(SOURCE, `finish job request for job ${job.jobId} with result: ${result}`);
  diagnostics.writeLine(`${formatUniversal()}: Job ${job.jobDisplayName} completed with result: ${result}`);
  await renewal.stop();
  diagnostics.trace("JobNotification", "Entering JobCompleted Notification");
  return result;
}

interface Worker {
  readonly process: ChildProcess;
  /** Exit code; 128 and more for one that was killed. */
  readonly exited: Promise<number>;
}

const KILLED_CODE = 137;

function spawnWorker(context: ListenerContext): Worker {
  const { root, diagnostics } = context;
  const directory = join(root, "bin");
  diagnostics.count("StartingWorkerProcess");
  const worker = spawn(
    join(directory, "Runner.Worker"),
    ["spawnclient", String(WORKER_INPUT), String(WORKER_OUTPUT)],
    // No output pipes: the Worker must be able to outlive its listener.
    { cwd: directory, stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const { promise, resolve } = Promise.withResolvers<number>();
  worker.on("error", (error) => {
    diagnostics.trace(SOURCE, `Starting the worker failed: ${error.message}`, "ERR ");
    resolve(1);
  });
  worker.on("exit", (code) => resolve(code ?? KILLED_CODE));
  diagnostics.trace(
    "ProcessInvokerWrapper",
    `Process started with process id ${worker.pid}, waiting for process exit.`,
  );
  return { process: worker, exited: promise };
}

function sendJob(run: JobRun, worker: Worker): void {
  const { context, job } = run;
  const { configuration, diagnostics, settings } = context;
  const { serverUrl, agentName, workFolder } = configuration;
  diagnostics.trace(SOURCE, `Send job request message to worker for job ${job.jobId}.`);
  diagnostics.count(`RunnerSendingJobToWorker_${job.jobId}`);
  send(worker, { type: "NewJobRequest", job, serverUrl, agentName, workFolder, settings });
  diagnostics.trace("JobNotification", "Entering JobStarted Notification");
  diagnostics.count(`SentJobToWorker_${job.requestId}`);
}

function send(worker: Worker, message: WorkerMessage): void {
  const pipe = worker.process.stdio[WORKER_INPUT] as Writable | null;
  // A Worker that is gone shows by its exit, not by its pipe.
  pipe?.on("error", () => {});
  pipe?.write(encodeMessage(message));
}

/** The Worker ended by itself. A code that is no result is a crash, which the listener reports in its place. */
async function judgeExit(run: JobRun, code: number): Promise<TaskResult> {
  const { job, context } = run;
  const { diagnostics, configuration } = context;
  diagnostics.trace(SOURCE, `Worker finished for job ${job.jobId}. Code: ${code}`);
  const result = resultOf(code);
  if (result !== "crashed") return result;
  diagnostics.trace(SOURCE, `Return code ${code} indicate worker encounter an unhandled exception or app crash.`);
  try {
    const body = { result: "Failed", failedStepIndex: null };
    await callBroker(configuration.serverUrl, { method: "POST", path: "/complete", token: job.token, body });
  } catch (error) {
    diagnostics.trace(SOURCE, `Fail to raise job completion back to service. ${String(error)}`, "ERR ");
  }
  return "Failed";
}

async function stopWorker(run: JobRun, worker: Worker, why: "abandoned" | "stopped"): Promise<TaskResult> {
  const { context, job, kill } = run;
  const { diagnostics, shutdown } = context;
  diagnostics.trace(SOURCE, `Send job cancellation message to worker for job ${job.jobId}.`);
  send(worker, { type: shutdown.aborted ? "RunnerShutdown" : "CancelRequest" });
  await Promise.race([worker.exited, aborted(kill)]);
  if (kill.aborted && worker.process.exitCode === null) {
    diagnostics.trace(
      SOURCE,
      `worker process for job ${job.jobId} haven't exit within cancellation timout, kill running worker.`,
    );
    worker.process.kill("SIGKILL");
    await worker.exited;
  }
  return why === "abandoned" ? "Abandoned" : "Canceled";
}
