/** A machine of the town: an agent that says what is true, and a runner that does what GitHub's model gives it. */
import type { Hono } from "hono";
import { type MachineId, parseIncarnationId } from "../../src/domain/ids.ts";
import type { HostReport, OfferedTicket, PollAnswer, ReportAnswer } from "../../src/domain/protocol.ts";
import type { AgentTokens } from "../../src/http/agents/token.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { acquire } from "../../src/simulator/github/assignment.ts";
import { finishJob, renew, startJob } from "../../src/simulator/github/lease.ts";
import { beginPoll, closeSession, endPoll, openSession, takeMessage } from "../../src/simulator/github/sessions.ts";
import type { GitHubState, Runner, Session } from "../../src/simulator/github/state.ts";

const HEARTBEAT_MS = 15_000;
const RENEW_MS = 60_000;

export interface HostWorld {
  readonly app: Hono;
  readonly tokens: AgentTokens;
  readonly clock: Clock;
  readonly github: GitHubState;
  readonly jobMs: number;
  readonly runnerVersion: string;
}

interface Running {
  readonly requestId: string;
  readonly untilMs: number;
  renewAtMs: number;
}

export class Host {
  readonly machineId: MachineId;
  readonly #world: HostWorld;
  readonly #bootedAtMs: number;
  #token: string | null = null;
  #sequence = 0;
  #heartbeatAtMs = 0;
  #poll: { answer: PollAnswer | null } | null = null;
  #ticket: OfferedTicket | null = null;
  #runner: Runner | null = null;
  #session: Session | null = null;
  #running: Running | null = null;
  #ended: HostReport["ended"][number][] = [];
  /** Jobs that it ran, by GitHub's request ids: one would be too many. */
  readonly ran: string[] = [];

  constructor(world: HostWorld, machineId: MachineId, bootMs: number) {
    this.#world = world;
    this.machineId = machineId;
    this.#bootedAtMs = world.clock.nowMs() + bootMs;
  }

  async tick(): Promise<void> {
    const nowMs = this.#world.clock.nowMs();
    if (nowMs < this.#bootedAtMs) return;
    if (this.#token === null) await this.#checkIn();
    const before = this.#step();
    if (this.#ticket !== null) this.#followRunner(nowMs);
    else this.#takeTicket();
    if (this.#step() !== before || nowMs >= this.#heartbeatAtMs) await this.#report(nowMs);
    if (this.#ticket === null && this.#poll === null && this.#token !== null) this.#startPoll();
  }

  #startPoll(): void {
    const poll: { answer: PollAnswer | null } = { answer: null };
    this.#poll = poll;
    void this.#post("poll", { sequence: ++this.#sequence }).then(async (response) => {
      poll.answer = response.ok ? ((await response.json()) as PollAnswer) : { kind: "nothing" };
    });
  }

  #takeTicket(): void {
    const answer = this.#poll?.answer ?? null;
    if (answer === null) return;
    this.#poll = null;
    if (answer.kind === "ticket") this.#ticket = answer.ticket;
  }

  #followRunner(nowMs: number): void {
    const { github } = this.#world;
    this.#runner ??= [...github.runners.values()].find(({ name }) => name === this.#ticket?.runnerName) ?? null;
    if (this.#runner === null) return;
    if (this.#session === null) this.#connect(this.#runner, nowMs);
    else if (this.#running === null) this.#takeJob(this.#runner, this.#session, nowMs);
    else this.#goOn(this.#running, nowMs);
  }

  #goOn(running: Running, nowMs: number): void {
    const { requestId, untilMs, renewAtMs } = running;
    if (nowMs >= renewAtMs) {
      renew(this.#world.github, requestId, nowMs);
      running.renewAtMs = nowMs + RENEW_MS;
    }
    if (nowMs >= untilMs) this.#finish(requestId, nowMs);
  }

  #connect(runner: Runner, nowMs: number): void {
    const { github, runnerVersion } = this.#world;
    const opening = openSession(github, runner, { version: runnerVersion, os: "Linux" }, nowMs);
    if (opening.kind !== "opened") return;
    beginPoll(github, opening.session.id, nowMs);
    this.#session = opening.session;
  }

  #takeJob(runner: Runner, session: Session, nowMs: number): void {
    const { github, jobMs } = this.#world;
    const message = takeMessage(github, session);
    if (message?.kind !== "job-request") return;
    if (acquire(github, runner, message.requestId, nowMs).kind !== "acquired") return;
    renew(github, message.requestId, nowMs);
    startJob(github, message.requestId, nowMs);
    this.ran.push(message.requestId);
    this.#running = { requestId: message.requestId, untilMs: nowMs + jobMs, renewAtMs: nowMs + RENEW_MS };
  }

  #finish(requestId: string, nowMs: number): void {
    const { github } = this.#world;
    finishJob(github, requestId, "Succeeded", null, nowMs);
    if (this.#session !== null) {
      endPoll(github, this.#session, nowMs);
      closeSession(github, this.#session.id);
    }
    if (this.#ticket !== null) this.#ended.push({ id: this.#ticket.id, end: { kind: "spent" } });
    [this.#ticket, this.#runner, this.#session, this.#running] = [null, null, null, null];
  }

  #step(): string {
    if (this.#ticket === null) return "none";
    return this.#running !== null ? "running" : this.#session !== null ? "online" : "delivered";
  }

  async #checkIn(): Promise<void> {
    const { tokens } = this.#world;
    const response = await this.#post("check-in", {
      protocolVersion: 1,
      providerId: this.machineId,
      identity: { kind: "process", secret: tokens.identitySecret(this.machineId) },
      bootId: "boot",
      agentVersion: "0",
    });
    if (response.ok) this.#token = ((await response.json()) as { token: string }).token;
  }

  async #report(nowMs: number): Promise<void> {
    const step = this.#step();
    const ticket = this.#ticket === null ? null : { id: this.#ticket.id, step };
    const sighting = { kind: "seen", hasListener: this.#session !== null, workerCount: this.#running === null ? 0 : 1 };
    const phase = ticket === null ? "parked" : "engaged";
    const report = { phase, ticket, ended: this.#ended, sighting };
    const response = await this.#post("report", { sequence: ++this.#sequence, storeGeneration: 1, report });
    if (!response.ok) return;
    const { confirmedEnds, handBack } = (await response.json()) as ReportAnswer;
    this.#ended = this.#ended.filter(({ id }) => !confirmedEnds.includes(id));
    this.#heartbeatAtMs = nowMs + HEARTBEAT_MS;
    if (handBack !== null && handBack.ticketId === this.#ticket?.id) this.#answerOrder(handBack.ticketId, nowMs);
  }

  /** Its fence: a runner with a job runs on. What is on the wire and not acquired goes back to GitHub's queue. */
  #answerOrder(ticketId: OfferedTicket["id"], nowMs: number): void {
    if (this.#running !== null) return;
    if (this.#session !== null) {
      endPoll(this.#world.github, this.#session, nowMs);
      closeSession(this.#world.github, this.#session.id);
    }
    this.#ended.push({ id: ticketId, end: { kind: "handed-back" } });
    [this.#ticket, this.#runner, this.#session] = [null, null, null];
    this.#heartbeatAtMs = nowMs;
  }

  async #post(path: string, body: object): Promise<Response> {
    return await this.#world.app.request(`/agent/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token ?? ""}` },
      body: JSON.stringify({ machineId: this.machineId, incarnation: INCARNATION, ...body }),
    });
  }
}

const INCARNATION = parseIncarnationId("incarnation-1");
