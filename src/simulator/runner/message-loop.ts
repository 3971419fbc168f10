import { type BrokerAnswer, callBroker, refusalOf } from "./broker-client.ts";
import { type BrokerSession, type ListenerContext, RunnerNotFoundError, ShutdownError } from "./broker-session.ts";
import { type Dispatch, startDispatch } from "./dispatcher.ts";
import type { AcquiredJob, BrokerMessage } from "./protocol.ts";
import { passStep } from "./stand-in-settings.ts";
import { sleep } from "./system.ts";

/** The listener's life between session and exit: the loop of Runner.cs, with its ways out. */

const SOURCE = "Runner";

/** How the loop ended, and what is left to do. */
export interface LoopEnd {
  /** The session is still GitHub's to forget. */
  readonly isSessionLeft: boolean;
  readonly isConfigurationDeleted: boolean;
  /** What ends the process in another way than return code 0. */
  readonly error: Error | null;
}

export async function runMessageLoop(context: ListenerContext, session: BrokerSession): Promise<LoopEnd> {
  const loop = new MessageLoop(context, session);
  try {
    const isJobDone = await loop.run();
    return await loop.end({ isSessionLeft: true, isConfigurationDeleted: isJobDone, error: null });
  } catch (error) {
    if (error instanceof RunnerNotFoundError) {
      const { diagnostics } = context;
      diagnostics.trace(SOURCE, `Runner registration no longer exists while retrieving messages. ${error.message}`);
      diagnostics.writeError("The runner no longer exists on the server. Cleaning up local configuration.");
      return loop.end({ isSessionLeft: false, isConfigurationDeleted: true, error: null });
    }
    const cause = error instanceof Error ? error : new Error(String(error));
    return loop.end({ isSessionLeft: true, isConfigurationDeleted: false, error: cause });
  }
}

const ACQUIRE_TRY_COUNT_MAX = 5;

class MessageLoop {
  readonly #context: ListenerContext;
  readonly #session: BrokerSession;
  #dispatch: Dispatch | null = null;

  constructor(context: ListenerContext, session: BrokerSession) {
    this.#context = context;
    this.#session = session;
  }

  /**
   * Resolves with whether it ends because an ephemeral runner had its one job.
   * @throws {ShutdownError} on a signal. @throws {RunnerNotFoundError} when the registration is gone.
   */
  async run(): Promise<boolean> {
    const { diagnostics, configuration, shutdown } = this.#context;
    const leaving = new AbortController();
    const stop = AbortSignal.any([shutdown, leaving.signal]);
    while (true) {
      const next = this.#session.nextMessage(stop);
      // When the job is over first, the poll's end is nobody's concern.
      next.catch(() => {});
      const dispatch = this.#dispatch;
      if (configuration.isEphemeral && dispatch !== null) {
        const isOver = await Promise.race([next.then(() => false), dispatch.done.then(() => true)]);
        if (isOver) {
          diagnostics.trace(
            SOURCE,
            "Job has finished at backend, the runner will exit since it is running under onetime use mode.",
          );
          diagnostics.trace(SOURCE, "Stop message queue looping.");
          leaving.abort();
          await next.catch(() => {});
          return true;
        }
      }
      const message = await next;
      diagnostics.count(`MessageReceived_${message.messageType}`);
      if (message.messageType === "JobCancellation") this.#cancel(message.jobId);
      else if ((await this.#take(message)) === "acknowledged-away") return true;
    }
  }

  /** Whatever ended the loop, a job that still runs is cancelled and waited for. */
  async end(end: LoopEnd): Promise<LoopEnd> {
    const { diagnostics } = this.#context;
    diagnostics.trace("JobDispatcher", "Shutting down JobDispatcher. Make sure all WorkerDispatcher has finished.");
    const dispatch = this.#dispatch;
    if (dispatch !== null && !dispatch.isDone()) {
      diagnostics.trace(
        "JobDispatcher",
        `Ensure WorkerDispatcher for job ${dispatch.job.jobId} run to finish, cancel any running job.`,
      );
      dispatch.shutDown();
      await dispatch.done;
    }
    return end;
  }

  #cancel(jobId: string): void {
    const { diagnostics } = this.#context;
    diagnostics.trace("JobDispatcher", `Job cancellation request ${jobId} received, cancellation timeout 5 minutes.`);
    if (this.#dispatch?.job.jobId === jobId && !this.#dispatch.isDone()) this.#dispatch.cancel();
  }

  async #take(
    message: Extract<BrokerMessage, { messageType: "RunnerJobRequest" }>,
  ): Promise<"acknowledged-away" | "taken"> {
    const { diagnostics, configuration, settings, shutdown } = this.#context;
    const { runnerRequestId } = message;
    if (configuration.isEphemeral && this.#dispatch !== null) {
      diagnostics.trace(SOURCE, `Skip message deletion for job request message '${message.messageId}'.`);
      return "taken";
    }
    await passStep(settings, "message-received", shutdown);
    const acknowledged = await this.#session.acknowledge(runnerRequestId);
    if (acknowledged === "job-not-found" && configuration.isEphemeral) {
      diagnostics.trace(
        SOURCE,
        `Acknowledge returned job-not-found for ephemeral runner request '${runnerRequestId}'. Exiting runner.`,
      );
      return "acknowledged-away";
    }
    await passStep(settings, "acknowledged", shutdown);
    const job = await this.#acquire(runnerRequestId);
    if (shutdown.aborted && job === null) throw new ShutdownError("shutting down while a job was acquired");
    if (job === null) return "taken";
    await passStep(settings, "acquired", shutdown);
    if (this.#dispatch !== null) await this.#dispatch.done;
    this.#dispatch = startDispatch(this.#context, this.#session, job);
    if (configuration.isEphemeral) diagnostics.trace(SOURCE, "One time used runner received job message.");
    return "taken";
  }

  /** The job, or null when it is somebody else's or out of reach: the listener goes on listening then. */
  async #acquire(runnerRequestId: string): Promise<AcquiredJob | null> {
    const { configuration, diagnostics, settings, shutdown } = this.#context;
    const { serverUrl, token } = configuration;
    for (let tryCount = 1; tryCount <= ACQUIRE_TRY_COUNT_MAX && !shutdown.aborted; tryCount += 1) {
      const answer = await this.#callAcquire(serverUrl, token, runnerRequestId);
      if (answer?.status === 200) return answer.body as AcquiredJob;
      if (answer?.status === 404 || answer?.status === 409) {
        this.#skip(serverUrl, runnerRequestId, answer);
        return null;
      }
      await sleep(settings.retryDelayMs * tryCount, shutdown);
    }
    if (!shutdown.aborted) {
      diagnostics.trace(SOURCE, "Caught exception from acquiring job message: no answer", "ERR ");
    }
    return null;
  }

  async #callAcquire(serverUrl: string, token: string, runnerRequestId: string): Promise<BrokerAnswer | null> {
    const { shutdown } = this.#context;
    try {
      const body = { runnerRequestId };
      return await callBroker(serverUrl, { method: "POST", path: "/acquire", token, body, signal: shutdown });
    } catch {
      return null;
    }
  }

  #skip(serverUrl: string, runnerRequestId: string, answer: BrokerAnswer): void {
    const { diagnostics } = this.#context;
    const status = answer.status === 404 ? "NotFound" : "Conflict";
    const why = answer.status === 404 ? "Job message not found" : "Job message already acquired";
    diagnostics.trace(
      "GitHubActionsService",
      `POST request to ${serverUrl}/acquirejob failed. HTTP Status: ${status}`,
      "ERR ",
    );
    diagnostics.trace(SOURCE, `Skipping message Job. ${why} '${runnerRequestId}'. ${refusalOf(answer).message}`);
  }
}
