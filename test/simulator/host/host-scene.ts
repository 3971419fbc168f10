/** One machine in a world of its own, and a controller that does what the test says. */
import { type MachineId, parseMachineId, parseTicketId, type TicketId } from "../../../src/domain/ids.ts";
import type {
  CheckInRequest,
  HandBackOrder,
  HostReport,
  OfferedTicket,
  PollAnswer,
  ReportRequest,
} from "../../../src/domain/protocol.ts";
import { createGitHub } from "../../../src/simulator/github/create.ts";
import { createSeededIds } from "../../../src/simulator/github/ids.ts";
import { queueJob } from "../../../src/simulator/github/jobs.ts";
import { encodeJitConfig } from "../../../src/simulator/github/rest-runners.ts";
import { registerRunner } from "../../../src/simulator/github/runners.ts";
import type { GitHubState, Job, Runner } from "../../../src/simulator/github/state.ts";
import { makeAgentHost } from "../../../src/simulator/host/agent-host.ts";
import type { Disk } from "../../../src/simulator/host/disk.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { EventLog, type WorldEvent } from "../../../src/simulator/world/event-log.ts";
import { GitHubWorld } from "../../../src/simulator/world/github-world.ts";
import type {
  AgentBirth,
  AgentLine,
  Exchange,
  Host,
  HostWorld,
  JobFate,
  RunnerFate,
} from "../../../src/simulator/world/host.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import type { Witness } from "../../../src/simulator/world/witness.ts";

/** 2026-08-19T16:08:55Z */
const START_MS = 1_787_155_735_000;
export const SCOPE = { kind: "organization", organization: "acme" } as const;
export const PROVIDER_ID = "i-0123456789abcdef0";
const WAY_MS = 20;

/** A controller of one machine: it confirms every end at once. */
class ControllerStandIn implements AgentLine {
  readonly reports: HostReport[] = [];
  readonly calls: string[] = [];
  readonly checkIns: CheckInRequest[] = [];
  /** As whom the agent is told to speak; left out of the answer while null. */
  machineId: MachineId | null = null;
  /** As whom each report was made. */
  readonly speakers: MachineId[] = [];
  isReachable = true;
  ticket: OfferedTicket | null = null;
  handBack: HandBackOrder | null = null;
  isRetiring = false;
  isPinned = false;
  readonly #scheduler: Scheduler;
  #openPoll: ((answer: PollAnswer) => void) | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get ended(): readonly string[] {
    const ends = new Map<string, string>();
    for (const { ended } of this.reports)
      for (const { id, end } of ended) ends.set(id, end.kind === "barren" ? `barren: ${end.reason}` : end.kind);
    return [...ends.values()];
  }

  /** Hands a ticket to whoever polls, now or later. */
  offer(ticket: OfferedTicket): void {
    this.ticket = ticket;
    this.#openPoll?.({ kind: "ticket", ticket });
  }

  order(ticketId: TicketId, attempt = 1): void {
    this.handBack = { ticketId, attempt };
  }

  send(from: string, call: Parameters<AgentLine["send"]>[1], onAnswer: (answer: Exchange) => void): () => void {
    if (from !== PROVIDER_ID) throw new Error(`a call of ${from}`);
    let isOver = false;
    const answer = (exchange: Exchange, afterMs = WAY_MS) =>
      this.#scheduler.after(afterMs, () => {
        if (isOver) return;
        isOver = true;
        onAnswer(exchange);
      });
    this.calls.push(call.path);
    if (!this.isReachable) answer(null, call.timeoutMs);
    else
      this.#scheduler.after(WAY_MS, () => {
        if (!isOver) this.#take(call, answer);
      });
    return () => {
      isOver = true;
    };
  }

  #take(call: Parameters<AgentLine["send"]>[1], answer: (exchange: Exchange, afterMs?: number) => void): void {
    switch (call.path) {
      case "check-in": {
        this.checkIns.push(call.body as CheckInRequest);
        const named = this.machineId === null ? {} : { machineId: this.machineId };
        return void answer({ status: 200, body: { protocolVersion: 1, token: "token", ...named } });
      }
      case "logs":
        return void answer({ status: 200, body: { savedCount: 1 } });
      case "report": {
        const { report, machineId } = call.body as ReportRequest;
        this.reports.push(report);
        this.speakers.push(machineId);
        const body = {
          storeGeneration: 1,
          confirmedEnds: report.ended.map(({ id }) => id),
          ticketOut: null,
          isRetiring: this.isRetiring,
          handBack: this.handBack,
          isPinned: this.isPinned,
        };
        return void answer({ status: 200, body });
      }
      case "poll":
        return void this.#takePoll(answer);
    }
  }

  #takePoll(answer: (exchange: Exchange, afterMs?: number) => void): void {
    const settle = (body: PollAnswer) => {
      this.#openPoll = null;
      this.ticket = null;
      answer({ status: 200, body });
    };
    if (this.ticket !== null) return void settle({ kind: "ticket", ticket: this.ticket });
    this.#openPoll = settle;
    this.#scheduler.after(25_000, () => {
      if (this.#openPoll === settle) settle({ kind: "nothing" });
    });
  }
}

export interface SceneOptions {
  readonly seed?: number;
  readonly jobMs?: number;
  readonly runnerFate?: () => RunnerFate;
  readonly jobFate?: () => JobFate;
  readonly refusesAcquire?: () => boolean;
  readonly onFenceClosing?: (scene: HostScene) => void;
}

export class HostScene {
  readonly scheduler = new Scheduler(START_MS);
  readonly state: GitHubState;
  readonly github: GitHubWorld;
  readonly controller = new ControllerStandIn(this.scheduler);
  readonly events: WorldEvent[] = [];
  /** What the witness heard, in short. */
  readonly witnessed: string[] = [];
  readonly world: HostWorld;
  readonly #log: EventLog;
  isGone = false;
  reachesGitHub = true;
  /** Called with each event of the world's log. */
  onEvent: (event: WorldEvent) => void = () => {};

  constructor(options: SceneOptions = {}) {
    const { seed = 1, jobMs = 60_000 } = options;
    this.state = createGitHub({ ids: createSeededIds(seed) });
    this.github = new GitHubWorld(this.state, this.scheduler);
    this.#log = new EventLog(
      START_MS,
      () => this.scheduler.nowMs,
      (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
    );
    this.world = {
      scheduler: this.scheduler,
      chance: new Chance(seed).fork("host"),
      github: this.github,
      log: this.#log,
      witness: this.#makeWitness(),
      line: this.controller,
      controllerId: "test",
      reachesGitHub: () => this.reachesGitHub,
      drawRunnerFate: options.runnerFate ?? (() => ({ kind: "well" })),
      drawJobFate: options.jobFate ?? (() => ({ kind: "well" })),
      jobDurationMs: () => jobMs,
      refusesAcquire: options.refusesAcquire ?? (() => false),
      noteFenceBeginning: () => {},
      noteFenceClosing: () => options.onFenceClosing?.(this),
      runnerVersion: "2.336.0",
    };
  }

  get nowMs(): number {
    return this.scheduler.nowMs;
  }

  get digest(): string {
    return this.#log.digest();
  }

  /** @param disk of its last boot, where this is not the first. */
  agentHost(heartbeatMs?: number, more: Partial<AgentBirth> = {}, disk?: Disk): Host {
    const birth = {
      providerId: PROVIDER_ID,
      bootMs: 5_000,
      machineId: parseMachineId("m-00000001"),
      identitySecret: "secret",
      onGone: () => {
        this.isGone = true;
      },
      ...more,
    };
    return makeAgentHost(birth, this.world, heartbeatMs === undefined ? undefined : { heartbeatMs }, disk);
  }

  mint(name = "runner-1", ticketId = "t-00000001"): { readonly ticket: OfferedTicket; readonly runner: Runner } {
    const request = { scope: SCOPE, name, labels: ["linux"], groupId: 1, isEphemeral: true };
    const runner = registerRunner(this.state, request, this.nowMs);
    if (typeof runner === "string") throw new Error(runner);
    const ticket = { id: parseTicketId(ticketId), runnerName: name, jitConfig: encodeJitConfig(this.state, runner) };
    return { ticket, runner };
  }

  queue(): Job {
    const job = queueJob(this.state, { repository: "acme/widgets", labels: ["linux"], steps: ["make"] }, this.nowMs);
    this.github.changed();
    return job;
  }

  run(forMs: number): Promise<void> {
    return this.scheduler.runUntil(this.nowMs + forMs);
  }

  /** Runs until an event of the log says so. @throws where none does in time. */
  async runTo(text: string, withinMs = 120_000): Promise<void> {
    const count = this.events.length;
    const isThere = () => this.events.slice(count).some((event) => event.text.includes(text));
    await this.scheduler.runUntil(this.nowMs + withinMs, isThere);
    if (!isThere()) throw new Error(`nothing said "${text}": ${this.texts().slice(-20).join("; ")}`);
  }

  texts(): readonly string[] {
    return this.events.map(({ text }) => text);
  }

  #makeWitness(): Witness {
    const say = (text: string) => void this.witnessed.push(text);
    const who = (host: ReturnType<Host["truth"]>) =>
      host.runner === null ? "no runner" : `job ${host.runner.acquiredJobId ?? "none"}`;
    return {
      machineStarted: () => say("started"),
      machineEnds: (host, cause) => say(`ends by ${cause.by} with ${who(host)}`),
      machineSleeps: (host, cause) => say(`falls asleep by ${cause.by} with ${who(host)}`),
      runnerKilled: (host, cause) => say(`killed by ${cause.by} with ${who(host)}`),
      dispatchLost: (jobId) => say(`dispatch ${jobId} lost`),
      jobCancelledByRunner: (_host, jobId, why) => say(`job ${jobId} cancelled: ${why}`),
      jobAcquired: (_host, jobId) => say(`job ${jobId} acquired`),
      jobFinished: (_host, jobId) => say(`job ${jobId} finished`),
      faultHappened: (kind) => say(kind),
    };
  }
}
