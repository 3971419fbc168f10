/**
 * The agent's calls to its controller (`src/agent/client.ts`) over the world's line. A refused token means: check in again,
 * once for a call.
 */
import type { IncarnationId, MachineId } from "../../domain/ids.ts";
import { parseProviderId } from "../../domain/ids.ts";
import {
  type CheckInAnswer,
  type CheckInRequest,
  type HostReport,
  POLL_HOLD_MS,
  type PollAnswer,
  type PollRequest,
  PROTOCOL_VERSION,
  type ReportAnswer,
  type ReportRequest,
  type SavedLogs,
} from "../../domain/protocol.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { AgentLine, Exchange } from "../world/host.ts";
import type { Course } from "./course.ts";

const CALL_TIMEOUT_MS = 10 * SECOND_MS;
const POLL_TIMEOUT_MS = POLL_HOLD_MS + CALL_TIMEOUT_MS;
const AGENT_VERSION = "0.1.0";
/** A refused token is renewed once. */
const TRIES_MAX = 2;

type Path = Parameters<AgentLine["send"]>[1]["path"];

export type Outcome<Answer> =
  | { readonly kind: "answered"; readonly answer: Answer }
  | { readonly kind: "failed"; readonly isRefusal: boolean };

export interface ClientParts {
  readonly line: AgentLine;
  readonly course: Course;
  readonly providerId: string;
  /** By which it speaks until it is told another. */
  readonly machineId: MachineId;
  readonly readIdentity: () => CheckInRequest["identity"];
  readonly incarnation: IncarnationId;
  readonly bootId: string;
  /** After each call that was not broken off: whether there was an HTTP answer of any status. */
  readonly onExchange: (isAnswered: boolean) => void;
}

/** One call on its way, from the first try to its outcome. */
interface Call {
  readonly path: Path;
  readonly body: () => object;
  readonly timeoutMs: number;
  readonly onOutcome: (outcome: Outcome<unknown>) => void;
  tryCount: number;
  isBrokenOff: boolean;
  breakLine: (() => void) | null;
}

export class Client {
  readonly #parts: ClientParts;
  readonly #open = new Set<Call>();
  #token: string | null = null;
  /** By the last check-in. */
  #machineId: MachineId;
  /** Calls that wait for the one check-in. */
  #awaiting: ((isIn: boolean) => void)[] | null = null;
  #sequence = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#machineId = parts.machineId;
  }

  report(report: HostReport, storeGeneration: number, onOutcome: (outcome: Outcome<ReportAnswer>) => void): void {
    const body = (): ReportRequest => ({ ...this.#message(), sequence: this.#nextSequence(), storeGeneration, report });
    this.#call("report", body, CALL_TIMEOUT_MS, onOutcome as Call["onOutcome"]);
  }

  /** @returns breaks it off; it then fails without a word about the controller. */
  poll(onOutcome: (outcome: Outcome<PollAnswer>) => void): () => void {
    const body = (): PollRequest => ({ ...this.#message(), sequence: this.#nextSequence() });
    const call = this.#call("poll", body, POLL_TIMEOUT_MS, onOutcome as Call["onOutcome"]);
    return () => this.#breakOff(call);
  }

  sendLogs(saved: Pick<SavedLogs, "ticketId" | "logs">, onOutcome: (outcome: Outcome<number>) => void): void {
    const body = (): SavedLogs => ({ ...this.#message(), ...saved });
    this.#call("logs", body, CALL_TIMEOUT_MS, (outcome) => {
      if (outcome.kind === "failed") return onOutcome(outcome);
      onOutcome({ kind: "answered", answer: (outcome.answer as { savedCount: number }).savedCount });
    });
  }

  /** The agent is dead: its connections close. */
  drop(): void {
    for (const call of this.#open) call.breakLine?.();
    this.#open.clear();
  }

  #message(): { readonly machineId: MachineId; readonly incarnation: IncarnationId } {
    return { machineId: this.#machineId, incarnation: this.#parts.incarnation };
  }

  #nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  #call(path: Path, body: () => object, timeoutMs: number, onOutcome: Call["onOutcome"]): Call {
    const call: Call = { path, body, timeoutMs, onOutcome, tryCount: 0, isBrokenOff: false, breakLine: null };
    this.#open.add(call);
    this.#try(call);
    return call;
  }

  #breakOff(call: Call): void {
    if (!this.#open.has(call)) return;
    call.isBrokenOff = true;
    call.breakLine?.();
    this.#end(call, { kind: "failed", isRefusal: false });
  }

  #end(call: Call, outcome: Outcome<unknown>): void {
    this.#open.delete(call);
    call.onOutcome(outcome);
  }

  #try(call: Call): void {
    if (call.tryCount >= TRIES_MAX) return void this.#end(call, { kind: "failed", isRefusal: true });
    call.tryCount += 1;
    if (this.#token !== null) return void this.#exchange(call, this.#token);
    this.#checkIn((isIn) => {
      if (call.isBrokenOff) return;
      if (isIn && this.#token !== null) this.#exchange(call, this.#token);
      else this.#end(call, { kind: "failed", isRefusal: false });
    });
  }

  #exchange(call: Call, token: string): void {
    call.breakLine = this.#send(call.path, token, call.body(), call.timeoutMs, (exchange) => {
      if (call.isBrokenOff) return;
      this.#parts.onExchange(exchange !== null);
      if (exchange?.status !== 401) return this.#end(call, outcomeOf(exchange));
      // Another call may have got a new one meanwhile.
      if (this.#token === token) this.#token = null;
      this.#try(call);
    });
  }

  /** One at a time, whoever needs it. */
  #checkIn(onIn: (isIn: boolean) => void): void {
    if (this.#awaiting !== null) return void this.#awaiting.push(onIn);
    const awaiting = [onIn];
    this.#awaiting = awaiting;
    const { readIdentity, machineId, incarnation, bootId, providerId } = this.#parts;
    const request: CheckInRequest = {
      machineId,
      incarnation,
      protocolVersion: PROTOCOL_VERSION,
      providerId: parseProviderId(providerId),
      identity: readIdentity(),
      bootId,
      agentVersion: AGENT_VERSION,
    };
    this.#send("check-in", null, request, CALL_TIMEOUT_MS, (exchange) => {
      this.#parts.onExchange(exchange !== null);
      this.#awaiting = null;
      const outcome = outcomeOf(exchange);
      if (outcome.kind === "answered") {
        const answer = outcome.answer as CheckInAnswer;
        this.#token = answer.token;
        this.#machineId = answer.machineId ?? machineId;
      }
      for (const answer of awaiting) answer(outcome.kind === "answered");
    });
  }

  #send(
    path: Path,
    token: string | null,
    body: object,
    timeoutMs: number,
    onExchange: (exchange: Exchange) => void,
  ): () => void {
    const { line, course, providerId } = this.#parts;
    return line.send(providerId, { path, token, body, timeoutMs }, (exchange) =>
      course.arrive(() => onExchange(exchange)),
    );
  }
}

function outcomeOf(exchange: Exchange): Outcome<unknown> {
  if (exchange === null) return { kind: "failed", isRefusal: false };
  if (exchange.status < 200 || exchange.status > 299) return { kind: "failed", isRefusal: true };
  return { kind: "answered", answer: exchange.body };
}
