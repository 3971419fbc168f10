import { callBroker } from "./broker-client.ts";
import { createDiagnostics, type Diagnostics } from "./diagnostics.ts";
import { exitCodeOf, type TaskResult } from "./protocol.ts";
import { readStandInSettings } from "./stand-in-settings.ts";
import { cleanUpOrphans, type JobStop, runSteps, type StepsOutcome } from "./steps.ts";
import { aborted, findRoot, hang, sleep } from "./system.ts";
import { readMessages, WORKER_INPUT, type WorkerMessage } from "./worker-channel.ts";

/**
 * `Runner.Worker` of the stand-in: one process for one job. It reports the job itself, start and end, so that it can
 * outlive its listener; only the lease is not its own. Program.cs, Worker.cs and JobRunner.cs of the real runner.
 */

type JobRequest = Extract<WorkerMessage, { type: "NewJobRequest" }>;

/** Neither a result nor a signal: the real Worker's code for any unhandled exception. */
const CRASH_CODE = 1;
/** How long a Worker waits for its job. */
const START_TIMEOUT_MS = 30_000;
const REPORT_TRY_COUNT_MAX = 5;

/** Runs to the end of the process. */
export async function runWorker(): Promise<never> {
  const root = findRoot();
  const diagnostics = createDiagnostics(root, "Worker");
  diagnostics.count("WorkerProcessStarted");
  try {
    process.exit(await run(root, diagnostics));
  } catch (error) {
    diagnostics.trace("Worker", error instanceof Error ? (error.stack ?? error.message) : String(error), "ERR ");
    process.exit(CRASH_CODE);
  }
}

async function run(root: string, diagnostics: Diagnostics): Promise<number> {
  const stop = createStop(diagnostics);
  if (readStandInSettings(root).workerHangs === true) await hang();
  const received = Promise.withResolvers<JobRequest>();
  diagnostics.count("WorkerWaitingForJobMessage");
  diagnostics.trace("Worker", "Waiting to receive the job message from the channel.");
  readMessages(WORKER_INPUT, (message) => {
    if (message.type !== "NewJobRequest") stop.stop(message.type === "CancelRequest" ? "cancelled" : "shutdown");
    else received.resolve(message);
  });
  const request = await Promise.race([received.promise, sleep(START_TIMEOUT_MS).then(() => null)]);
  if (request === null) throw new Error("No job message was received from the channel.");
  diagnostics.trace("Worker", "Message received.");
  diagnostics.count(`WorkerJobMessageReceived_${request.job.requestId}`);
  const result = await runJob(root, diagnostics, request, stop);
  diagnostics.trace("Worker", "Job completed.");
  return exitCodeOf(result);
}

interface Stopping extends JobStop {
  stop(why: "cancelled" | "shutdown"): void;
}

function createStop(diagnostics: Diagnostics): Stopping {
  const controller = new AbortController();
  let why: "cancelled" | "shutdown" | null = null;
  const stop = (reason: "cancelled" | "shutdown"): void => {
    if (why !== null) return;
    why = reason;
    diagnostics.trace("Worker", "Cancellation/Shutdown message received.");
    if (reason === "shutdown") diagnostics.trace("HostContext", "Runner will be shutdown for UserCancelled");
    controller.abort();
  };
  // SIGINT is the listener's to handle; SIGTERM cancels the job (Worker.cs:221).
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => stop("shutdown"));
  return { signal: controller.signal, why: () => why, stop };
}

async function runJob(root: string, diagnostics: Diagnostics, request: JobRequest, stop: JobStop): Promise<TaskResult> {
  const { job } = request;
  const masked = { ...job, token: "***" };
  diagnostics.trace("Worker", `Job message:\n ${JSON.stringify(masked, null, 2)}`);
  diagnostics.trace("JobRunner", `Job ID ${job.jobId}`);
  diagnostics.count(`WorkerJobInitialized_${job.requestId}`);
  await report(diagnostics, request, "/start", {}, stop.signal);
  diagnostics.trace("JobRunner", `Total job steps: ${job.steps.length}.`);
  const outcome = await runSteps({ root, diagnostics, request, stop });
  if (outcome.result === "Failed" && stop.why() === "shutdown") {
    diagnostics.trace(
      "JobRunner",
      "The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.",
      "ERR ",
    );
  }
  cleanUpOrphans(diagnostics, outcome.trackingId);
  diagnostics.trace("JobRunner", "Raising job completed against run service");
  const completion = completionOf(outcome);
  const isReported = await report(diagnostics, request, "/complete", completion, null);
  if (!isReported) throw new Error(`Job ${job.jobId} was not completed at the run service.`);
  return outcome.result;
}

function completionOf(outcome: StepsOutcome) {
  return { result: outcome.result, failedStepIndex: outcome.failedStepIndex };
}

/** Tells the run service, several times if need be. False if it knows no such job, or never answered. */
async function report(
  diagnostics: Diagnostics,
  request: JobRequest,
  path: "/start" | "/complete",
  body: object,
  signal: AbortSignal | null,
): Promise<boolean> {
  const { serverUrl, job, settings } = request;
  for (let tryCount = 1; tryCount <= REPORT_TRY_COUNT_MAX; tryCount += 1) {
    try {
      const call = { method: "POST", path, token: job.token, body } as const;
      const sent = callBroker(serverUrl, signal === null ? call : { ...call, signal });
      const answer = await Promise.race([sent, signal === null ? sent : aborted(signal).then(() => null)]);
      if (answer === null) return false;
      if (answer.status < 300) return true;
      if (answer.status < 500) {
        diagnostics.trace(
          "JobRunner",
          `Catch exception while attempting to report job ${job.jobId}: ${answer.status}`,
          "ERR ",
        );
        return false;
      }
    } catch (error) {
      if (signal?.aborted === true) return false;
      diagnostics.trace(
        "JobRunner",
        `Catch exception while attempting to report job ${job.jobId}: ${String(error)}`,
        "ERR ",
      );
    }
    await sleep(settings.retryDelayMs * 2 ** tryCount);
  }
  return false;
}
