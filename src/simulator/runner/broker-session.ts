import { hostname } from "node:os";
import { type BrokerAnswer, callBroker, refusalOf } from "./broker-client.ts";
import type { RunnerConfiguration } from "./configuration.ts";
import type { Diagnostics } from "./diagnostics.ts";
import type { BrokerMessage, OpenedSession, RunnerState } from "./protocol.ts";
import type { ResolvedSettings } from "./stand-in-settings.ts";
import { formatUniversal, nowMs, sleep } from "./system.ts";

/** The broker says that the registration was deleted. */
export class RunnerNotFoundError extends Error {}

/** The broker does not talk to this version of the runner any more. */
export class VersionDeprecatedError extends Error {}

/** Everything of the listener's life that is shutting down ends with this. */
export class ShutdownError extends Error {}

/** What all parts of one listener share. */
export interface ListenerContext {
  readonly root: string;
  readonly configuration: RunnerConfiguration;
  readonly settings: ResolvedSettings;
  readonly diagnostics: Diagnostics;
  /** Aborts at SIGINT and SIGTERM. */
  readonly shutdown: AbortSignal;
}

export type SessionResult = "success" | "failure" | "conflict";

const SOURCE = "BrokerMessageListener";
const SESSION_RETRY_MS = 30_000;
const CONFLICT_LIMIT_MS = 240_000;
const RETRY_DELAY_MS_MAX = 5_000;
/** After so long without an answer the loop ends, and with it a running job (BrokerMessageListener.cs:366). */
const SILENCE_MS_MAX = 600_000;
const ACKNOWLEDGE_TIMEOUT_MS = 5_000;
const DELETE_TIMEOUT_MS = 30_000;

/** One listener's session with the broker: BrokerMessageListener.cs of the real runner. */
export class BrokerSession {
  readonly #context: ListenerContext;
  #sessionId: string | null = null;
  #state: RunnerState = "Online";
  #poll: AbortController | null = null;

  constructor(context: ListenerContext) {
    this.#context = context;
  }

  /**
   * Tries until it is there, refused for good, or the runner shuts down.
   * @throws {VersionDeprecatedError} if this version is not taken any more.
   */
  async create(): Promise<SessionResult> {
    const { diagnostics, settings, shutdown } = this.#context;
    const startedMs = nowMs();
    let isReconnecting = false;
    let delayMs = settings.retryDelayMs;
    while (!shutdown.aborted) {
      diagnostics.trace(SOURCE, "Attempt to create session.");
      diagnostics.trace(SOURCE, "Connecting to the Broker Server...");
      const answer = await this.#open();
      if (answer?.status === 201) {
        this.#sessionId = (answer.body as OpenedSession).sessionId;
        diagnostics.writeLine("√ Connected to GitHub");
        diagnostics.trace(SOURCE, "Session created.");
        if (isReconnecting) diagnostics.writeLine(`${formatUniversal()}: Runner reconnected.`);
        return "success";
      }
      diagnostics.trace(SOURCE, "Catch exception during create session.", "ERR ");
      refuseDeprecated(answer);
      if (answer?.status === 404 || answer?.status === 401) {
        diagnostics.writeError(
          "Failed to create a session. The runner registration has been deleted from the server, please re-configure. Runner registrations are automatically deleted for runners that have not connected to the service recently.",
        );
        return "failure";
      }
      const isConflict = answer?.status === 409;
      if (isConflict) diagnostics.writeError("A session for this runner already exists.");
      if (isConflict && nowMs() - startedMs >= CONFLICT_LIMIT_MS) return "conflict";
      if (!isReconnecting)
        diagnostics.writeError(`${formatUniversal()}: Runner connect error. Retrying until reconnected.`);
      isReconnecting = true;
      await sleep(isConflict ? SESSION_RETRY_MS : delayMs, shutdown);
      delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX);
    }
    diagnostics.trace(SOURCE, "Session creation has been cancelled.");
    throw new ShutdownError("shutting down while the session was created");
  }

  /** Null if there was no answer. */
  async #open(): Promise<BrokerAnswer | null> {
    const { configuration, settings, shutdown } = this.#context;
    const { agentId, agentName, serverUrl, token } = configuration;
    const os = process.platform === "darwin" ? "macOS" : "Linux";
    const body = {
      agentId,
      agentName,
      version: settings.version,
      os,
      sessionName: `${hostname()} (PID: ${process.pid})`,
    };
    return callOrNull(serverUrl, { method: "POST", path: "/sessions", token, body, signal: shutdown });
  }

  /** Says what the next polls claim, and ends the poll that claims something else. */
  setState(state: RunnerState): void {
    this.#context.diagnostics.trace(SOURCE, `Received job status event. JobState: ${state}`);
    this.#state = state;
    this.#poll?.abort();
  }

  /**
   * The next message, however many polls that takes.
   * @throws {RunnerNotFoundError} if the registration was deleted. @throws {ShutdownError} when `stop` aborts.
   */
  async nextMessage(stop: AbortSignal): Promise<BrokerMessage> {
    const { diagnostics, settings } = this.#context;
    let delayMs = settings.retryDelayMs;
    let silentSinceMs: number | null = null;
    while (!stop.aborted) {
      const poll = new AbortController();
      this.#poll = poll;
      const answer = await this.#pollOnce(AbortSignal.any([poll.signal, stop]));
      if (answer?.status === 200) return answer.body as BrokerMessage;
      if (stop.aborted) break;
      if (poll.signal.aborted) {
        diagnostics.trace(
          SOURCE,
          "Get messages has been cancelled using local token source. Continue to get messages with new status.",
        );
        continue;
      }
      if (answer?.status === 202) {
        silentSinceMs = null;
        delayMs = settings.retryDelayMs;
        continue;
      }
      await this.#recover(answer);
      silentSinceMs ??= nowMs();
      if (nowMs() - silentSinceMs >= SILENCE_MS_MAX) throw new Error("Get next message failed for too long.");
      await sleep(delayMs, stop);
      delayMs = Math.min(delayMs * 2, RETRY_DELAY_MS_MAX);
    }
    diagnostics.trace(SOURCE, "Get next message has been cancelled.");
    throw new ShutdownError("shutting down while polling");
  }

  async #pollOnce(signal: AbortSignal): Promise<BrokerAnswer | null> {
    const { serverUrl, token } = this.#context.configuration;
    const path = `/sessions/${this.#sessionId}/message?status=${this.#state}`;
    return callOrNull(serverUrl, { method: "GET", path, token, signal });
  }

  async #recover(answer: BrokerAnswer | null): Promise<void> {
    const { diagnostics } = this.#context;
    const { errorKind, message } = answer === null ? { errorKind: "", message: "no answer" } : refusalOf(answer);
    if (errorKind === "RunnerNotFound") throw new RunnerNotFoundError(message);
    refuseDeprecated(answer);
    diagnostics.trace(SOURCE, "Catch exception during get next message.", "ERR ");
    diagnostics.trace(SOURCE, message, "ERR ");
    if (errorKind === "RunnerSessionInvalid" && (await this.create()) === "success") {
      diagnostics.trace(SOURCE, "TaskAgentSessionExpiredException received, recovered by recreate session.");
      return;
    }
    diagnostics.trace(SOURCE, `Retriable exception: ${message}`);
  }

  /** Best effort, but for the answer that the job is gone. */
  async acknowledge(runnerRequestId: string): Promise<"done" | "job-not-found"> {
    const { configuration, diagnostics, shutdown } = this.#context;
    const { serverUrl, token } = configuration;
    diagnostics.trace(SOURCE, `Acknowledging runner request '${runnerRequestId}'.`);
    const answer = await callOrNull(serverUrl, {
      method: "POST",
      path: "/acknowledge",
      token,
      body: { runnerRequestId },
      signal: shutdown,
      timeoutMs: ACKNOWLEDGE_TIMEOUT_MS,
    });
    return answer?.status === 404 ? "job-not-found" : "done";
  }

  async delete(): Promise<void> {
    if (this.#sessionId === null) return;
    const { serverUrl, token } = this.#context.configuration;
    const path = `/sessions/${this.#sessionId}`;
    await callOrNull(serverUrl, { method: "DELETE", path, token, timeoutMs: DELETE_TIMEOUT_MS });
  }
}

function refuseDeprecated(answer: BrokerAnswer | null): void {
  if (answer === null) return;
  const { errorKind, message } = refusalOf(answer);
  if (errorKind === "AccessDenied") throw new VersionDeprecatedError(message);
}

async function callOrNull(...parameters: Parameters<typeof callBroker>): Promise<BrokerAnswer | null> {
  try {
    return await callBroker(...parameters);
  } catch {
    // No answer of any kind; who called decides by what it is waiting for.
    return null;
  }
}
