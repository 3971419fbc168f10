/**
 * The agent's calls to its controller. No call throws: what came of it is its outcome. A refused token means: check in
 * again, once for a call.
 */
import type { HostSettings } from "../domain/host/settings.ts";
import type { IncarnationId, MachineId } from "../domain/ids.ts";
import {
  type CheckInRequest,
  type HostReport,
  type Identity,
  POLL_HOLD_MS,
  type PollAnswer,
  type PollRequest,
  PROTOCOL_VERSION,
  type ReportAnswer,
  type ReportRequest,
  type SavedLogs,
} from "../domain/protocol.ts";
import { SECOND_MS } from "../domain/units.ts";
import { AnswerError, parseCheckIn, parsePollAnswer, parseReportAnswer, parseSavedCount } from "./answers.ts";
import { describeError } from "./log.ts";
import type { System } from "./system.ts";

/** Shown to operators; `test/agent/files.test.ts` holds it to the package's. */
export const AGENT_VERSION = "0.1.0";

const CALL_TIMEOUT_MS = 10 * SECOND_MS;
const POLL_TIMEOUT_MS = POLL_HOLD_MS + CALL_TIMEOUT_MS;
const ANSWER_BYTES_MAX = 1024 * 1024;

export type Outcome<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  /** No answer that can be used: none at all, a refusal, or one that we do not understand. */
  | { readonly kind: "failed"; readonly why: string; readonly isRefusal: boolean };

export interface ClientOptions {
  readonly settings: HostSettings;
  /** What the platform vouches by, as it is now. @throws where it cannot be had; the check-in then fails. */
  readonly readIdentity: () => Promise<Identity>;
  readonly incarnation: IncarnationId;
  readonly bootId: string;
  readonly system: System;
  /** After each call, also one that failed: whether there was an HTTP answer of any status. */
  readonly onExchange: (isAnswered: boolean) => void;
}

interface Call {
  readonly path: string;
  readonly body: () => unknown;
  readonly timeoutMs: number;
  readonly token: string | null;
  /** Breaks the call off; a call that was broken off says nothing about the controller. */
  readonly signal?: AbortSignal;
}

type Response = { readonly kind: "http"; readonly status: number; readonly text: string } | Failure;
type Failure = { readonly kind: "failed"; readonly why: string; readonly isRefusal: boolean };

export class Client {
  readonly #options: ClientOptions;
  /** Who speaks: by the machine's own account until a check-in told better. */
  #machineId: MachineId;
  #token: string | null = null;
  #checkIn: Promise<Failure | null> | null = null;
  #sequence = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#machineId = options.settings.machineId;
  }

  report(report: HostReport, storeGeneration: number): Promise<Outcome<ReportAnswer>> {
    const body = (): ReportRequest => ({ ...this.#speaker(), sequence: this.#nextSequence(), storeGeneration, report });
    return this.#call({ path: "report", body, timeoutMs: CALL_TIMEOUT_MS }, parseReportAnswer);
  }

  poll(signal: AbortSignal): Promise<Outcome<PollAnswer>> {
    const body = (): PollRequest => ({ ...this.#speaker(), sequence: this.#nextSequence() });
    return this.#call({ path: "poll", body, timeoutMs: POLL_TIMEOUT_MS, signal }, parsePollAnswer);
  }

  sendLogs(saved: Pick<SavedLogs, "ticketId" | "logs">): Promise<Outcome<number>> {
    const body = (): SavedLogs => ({ ...this.#speaker(), ...saved });
    return this.#call({ path: "logs", body, timeoutMs: CALL_TIMEOUT_MS }, parseSavedCount);
  }

  /** Read when the message leaves: its token is of the same check-in. */
  #speaker(): { readonly machineId: MachineId; readonly incarnation: IncarnationId } {
    return { machineId: this.#machineId, incarnation: this.#options.incarnation };
  }

  /** Drawn when the message leaves, so that later messages carry higher numbers. */
  #nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  async #call<Answer>(call: Omit<Call, "token">, parse: (value: unknown) => Answer): Promise<Outcome<Answer>> {
    for (let tryCount = 0; tryCount < 2; tryCount += 1) {
      const failure = this.#token === null ? await this.#ensureToken() : null;
      if (failure !== null) return failure;
      const token = this.#token;
      const response = await this.#exchange({ ...call, token });
      if (response.kind === "failed") return response;
      if (response.status !== 401) return outcomeOf(call.path, response, parse);
      // Another call may have got a new one meanwhile.
      if (this.#token === token) this.#token = null;
    }
    return { kind: "failed", why: `${call.path}: refused with 401 right after a check-in`, isRefusal: true };
  }

  /** One check-in at a time, whoever needs it. */
  #ensureToken(): Promise<Failure | null> {
    this.#checkIn ??= this.#tryCheckIn().finally(() => {
      this.#checkIn = null;
    });
    return this.#checkIn;
  }

  async #tryCheckIn(): Promise<Failure | null> {
    const { settings, incarnation, bootId, readIdentity } = this.#options;
    let identity: Identity;
    try {
      identity = await readIdentity();
    } catch (error) {
      return { kind: "failed", why: `check-in: the identity: ${describeError(error)}`, isRefusal: false };
    }
    const request: CheckInRequest = {
      machineId: settings.machineId,
      incarnation,
      protocolVersion: PROTOCOL_VERSION,
      providerId: settings.providerId,
      identity,
      bootId,
      agentVersion: AGENT_VERSION,
    };
    const call = { path: "check-in", body: () => request, timeoutMs: CALL_TIMEOUT_MS, token: null };
    const response = await this.#exchange(call);
    if (response.kind === "failed") return response;
    const outcome = outcomeOf("check-in", response, parseCheckIn);
    if (outcome.kind === "failed") return outcome;
    this.#token = outcome.answer.token;
    this.#machineId = outcome.answer.machineId ?? settings.machineId;
    return null;
  }

  async #exchange(call: Call): Promise<Response> {
    const { settings, system, onExchange } = this.#options;
    const signals = [system.timeout(call.timeoutMs), ...(call.signal === undefined ? [] : [call.signal])];
    const headers: Record<string, string> = { "content-type": "application/json" };
    if (call.token !== null) headers.authorization = `Bearer ${call.token}`;
    let isAnswered = false;
    try {
      const response = await fetch(`${settings.controllerUrl}/agent/v1/${call.path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(call.body()),
        redirect: "error",
        signal: AbortSignal.any(signals),
      });
      isAnswered = true;
      return { kind: "http", status: response.status, text: await readBounded(response) };
    } catch (error) {
      return { kind: "failed", why: `${call.path}: ${describeError(error)}`, isRefusal: false };
    } finally {
      if (isAnswered || call.signal?.aborted !== true) onExchange(isAnswered);
    }
  }
}

function outcomeOf<Answer>(
  path: string,
  response: { readonly status: number; readonly text: string },
  parse: (value: unknown) => Answer,
): Outcome<Answer> {
  if (response.status < 200 || response.status > 299)
    return { kind: "failed", why: `${path}: refused with ${response.status}`, isRefusal: true };
  try {
    return { kind: "answered", answer: parse(response.text === "" ? null : JSON.parse(response.text)) };
  } catch (error) {
    if (!(error instanceof AnswerError) && !(error instanceof SyntaxError)) throw error;
    // A syntax error's message quotes the answer, which may hold a secret.
    const why = error instanceof AnswerError ? error.message : "the answer is not JSON";
    return { kind: "failed", why: `${path}: ${why}`, isRefusal: true };
  }
}

async function readBounded(response: globalThis.Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new AnswerError("the answer is longer than any that we know");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
