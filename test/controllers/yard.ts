/**
 * One pool's controllers over a real store in memory, a provider and a GitHub that do as they are told, and agents that
 * speak through the real agents' API. Nothing runs by itself: a test runs each pass.
 */
import type { Hono } from "hono";
import { assign } from "../../src/controllers/assign.ts";
import { attend } from "../../src/controllers/attend.ts";
import { emptyMemory, type PoolContext, type Surroundings } from "../../src/controllers/context.ts";
import { askAboutJobs } from "../../src/controllers/execute/ask.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { mintTickets } from "../../src/controllers/execute/mint.ts";
import { standBy } from "../../src/controllers/execute/standby.ts";
import { handBack } from "../../src/controllers/hand-back.ts";
import { createHearing } from "../../src/controllers/hearing.ts";
import { ingest } from "../../src/controllers/ingest.ts";
import { observe } from "../../src/controllers/observe.ts";
import { type Ears, hearOthers } from "../../src/controllers/replicas.ts";
import { retire } from "../../src/controllers/retire.ts";
import { sweep } from "../../src/controllers/sweep.ts";
import type { ProviderError } from "../../src/domain/errors.ts";
import type { TicketId } from "../../src/domain/ids.ts";
import {
  type IncarnationId,
  type JobId,
  type MachineId,
  parseControllerId,
  parseIncarnationId,
  parseJobId,
  parseProviderId,
} from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { ObservedMachine, ProviderState } from "../../src/domain/observed.ts";
import type { MachinePermit } from "../../src/domain/permit.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { HostReport, PollAnswer, ReportAnswer } from "../../src/domain/protocol.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { createAgentApp } from "../../src/http/agents/app.ts";
import { OpenPolls } from "../../src/http/agents/polls.ts";
import { AgentTokens } from "../../src/http/agents/token.ts";
import type { LaunchRequest, LaunchTenure, Provider } from "../../src/ports/provider.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { saveJob } from "../../src/store/jobs/save.ts";
import { acquireLease, type Lease } from "../../src/store/leases.ts";
import { listMachines } from "../../src/store/machines/list.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { connectionName, job as jobOf, poolName, pool as poolOf } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { FakeGitHub } from "./fake-github.ts";
import { FakeStandby } from "./fake-standby.ts";

const LEASE_LIFE_MS = 3_600_000;
const BOTH_PASSES_MAX = 6;

class FakeProvider implements Provider {
  readonly machines = new Map<string, { state: ProviderState; readonly machineId: MachineId }>();
  readonly launches: LaunchRequest[] = [];
  readonly terminated: MachinePermit[] = [];
  readonly standby = new FakeStandby(this.machines);
  nextLaunchError: { readonly error: ProviderError; readonly takesEffect: boolean } | null = null;
  listError: ProviderError | null = null;
  terminateTakes = true;
  terminateError: ProviderError | null = null;
  runnerVersion: string | null = null;
  /** Left out of the listing, though they are there. */
  readonly unlisted = new Set<string>();
  /** Whose marks do not say which pool they are of. */
  readonly unplaced = new Set<string>();
  /** What it says of a machine besides its state. */
  readonly remarks = new Map<string, Partial<ObservedMachine>>();
  /** Of which it says by id that it does not know it, instead of its positive word. */
  readonly notFound = new Set<string>();
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  async launch(request: LaunchRequest, _tenure?: LaunchTenure) {
    this.launches.push(request);
    const failure = this.nextLaunchError;
    this.nextLaunchError = null;
    if (failure === null || failure.takesEffect)
      for (const { machineId } of request.machines)
        if (!this.machines.has(machineId)) this.machines.set(machineId, { state: "running", machineId });
    if (failure !== null) throw failure.error;
    return request.machines.map(({ machineId }) => ({ machineId, providerId: parseProviderId(machineId) }));
  }

  async list(which: "all" | readonly string[]) {
    if (this.listError !== null) throw this.listError;
    const ids = which === "all" ? [...this.machines.keys()].filter((id) => !this.unlisted.has(id)) : which;
    return ids.map((id) => ({
      providerId: parseProviderId(id),
      machineId: this.machines.get(id)?.machineId ?? null,
      launchId:
        this.launches.find(({ machines }) => machines.some(({ machineId }) => machineId === id))?.launchId ?? null,
      pool: this.unplaced.has(id) ? null : poolName("linux"),
      state: this.machines.get(id)?.state ?? (this.notFound.has(id) ? ("not-found" as const) : ("gone" as const)),
      observedAtMs: this.#clock.nowMs(),
      ...this.remarks.get(id),
    }));
  }

  async terminate(permit: MachinePermit) {
    if (this.terminateError !== null) throw this.terminateError;
    this.terminated.push(permit);
    if (this.terminateTakes) this.machines.delete(permit.providerId);
  }

  async readRunnerVersion() {
    return this.runnerVersion;
  }

  async check() {
    return [];
  }
}

export class Yard {
  readonly clock = new ManualClock();
  readonly provider = new FakeProvider(this.clock);
  readonly github = new FakeGitHub(this.clock);
  readonly telemetry = recordTelemetry();
  readonly tokens = new AgentTokens(new Uint8Array(32), parseControllerId("yard"));
  readonly context: PoolContext;
  readonly app: Hono;
  readonly store: Store;
  readonly ears: Ears;
  lease: Lease | null;
  isShuttingDown = false;
  heardSinceMs: number;
  #tokenCount = 0;

  static async open(pool: Partial<PoolPolicy> = {}): Promise<Yard> {
    const store = await openStore("sqlite::memory:");
    const policy = poolOf(pool);
    return new Yard(store, policy, await acquireLease(store.db, policy.name, "yard", LEASE_LIFE_MS));
  }

  private constructor(store: Store, pool: PoolPolicy, lease: Lease | null) {
    this.store = store;
    this.ears = { store, hearing: createHearing(this.clock), listener: "yard" };
    this.lease = lease;
    this.heardSinceMs = this.clock.nowMs();
    const surroundings: Surroundings = {
      controllerId: parseControllerId("yard"),
      store,
      clock: this.clock,
      random: { fraction: () => 0, token: (length) => this.#token(length) },
      telemetry: this.telemetry,
      wake: { controller: () => undefined, machine: () => undefined },
      hearing: this.ears.hearing,
      hearOthers: () => hearOthers(this.ears),
      pools: [pool],
      isShuttingDown: () => this.isShuttingDown,
      heardSinceMs: () => this.heardSinceMs,
      standstill: () => "none",
      identitySecret: (id) => this.tokens.identitySecret(id),
    };
    const { provider, github } = this;
    this.context = {
      ...surroundings,
      pool,
      provider,
      github,
      memory: { ...emptyMemory(), isFleetListed: true },
      lease: () => this.lease,
      leaseLeftMs: () => (this.lease === null ? 0 : 45_000),
    };
    this.app = createAgentApp({ ...surroundings, tokens: this.tokens, polls: new OpenPolls() });
  }

  #token(length: number): string {
    this.#tokenCount += 1;
    return String(this.#tokenCount).padStart(length, "0");
  }

  /** Every controller once, in the order in which a datum passes them; so often that a quiet fleet comes to rest. */
  async pass(): Promise<void> {
    for (let count = 0; count < BOTH_PASSES_MAX; count += 1) {
      await ingest(this.context);
      await attend(this.context);
      await assign(this.context);
      await launchMachines(this.context);
      await standBy(this.context);
      await mintTickets(this.context);
      await askAboutJobs(this.context);
      await observe(this.context);
      await handBack(this.context);
      await retire(this.context);
      await sweep(this.context);
    }
  }

  async queue(id = 1, overrides: Partial<JobEvent> = {}): Promise<JobId> {
    const nowMs = this.clock.nowMs();
    const job = jobOf({ id: parseJobId(id), createdAtMs: nowMs, queuedSeenAtMs: nowMs, ...overrides });
    this.github.jobs.set(job.id, job);
    await saveJob(
      this.store.db,
      {
        job,
        pool: this.context.pool.name,
        version: 0,
        ticketCount: 0,
        lastTicketAtMs: null,
        askedAtMs: null,
        firstSeenAtMs: nowMs,
        updatedAtMs: nowMs,
      },
      null,
      nowMs,
    );
    return job.id;
  }

  /** Lets an event change a job that was queued. */
  async tell(id: JobId, changes: Partial<JobEvent>): Promise<void> {
    const row = await loadJob(this.store.db, connectionName(), id);
    if (row === null) throw new Error(`no job ${id}`);
    await saveJob(this.store.db, { ...row, job: { ...row.job, ...changes } }, row.version, this.clock.nowMs());
  }

  machines(): Promise<readonly Machine[]> {
    return listMachines(this.store.db, { includeGone: true, limitCount: 1_000 });
  }

  /** The one machine that is not gone. */
  async onlyMachine(): Promise<Machine> {
    const machines = (await this.machines()).filter((machine) => machine.state.kind !== "gone");
    const [machine] = machines;
    if (machine === undefined || machines.length > 1) throw new Error(`${machines.length} machines`);
    return machine;
  }

  /** The last ticket of the one machine. */
  async onlyTicket(): Promise<Ticket> {
    const ticket = (await listTicketsOfMachine(this.store.db, (await this.onlyMachine()).id)).at(-1);
    if (ticket === undefined) throw new Error("no ticket");
    return ticket;
  }

  /** A queued job, its machine launched, its agent parked. */
  async parkedAgent(): Promise<Agent> {
    await this.queue();
    await this.pass();
    const agent = this.agent((await this.onlyMachine()).id);
    await agent.checkIn();
    await agent.report();
    await this.pass();
    return agent;
  }

  async withTicket(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
    const agent = await this.parkedAgent();
    const answer = await agent.poll();
    if (answer.kind !== "ticket") throw new Error(`the poll answered ${answer.kind}`);
    return { agent, ticketId: answer.ticket.id };
  }

  agent(machineId: MachineId, incarnation = "incarnation-1"): Agent {
    return new Agent(this, machineId, parseIncarnationId(incarnation));
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

/** An agent that says what a test lets it say. */
export class Agent {
  readonly #yard: Yard;
  readonly machineId: MachineId;
  readonly incarnation: IncarnationId;
  /** What it takes itself for at its provider. */
  providerId: string;
  token = "";
  sequence = 0;
  /** The highest that it saw. */
  storeGeneration = 1;
  bootId = "boot";

  constructor(yard: Yard, machineId: MachineId, incarnation: IncarnationId) {
    this.#yard = yard;
    this.machineId = machineId;
    this.incarnation = incarnation;
    this.providerId = machineId;
  }

  async post(path: string, body: object): Promise<Response> {
    return this.#yard.app.request(`/agent/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ machineId: this.machineId, incarnation: this.incarnation, ...body }),
    });
  }

  async checkIn(secret: string = this.#yard.tokens.identitySecret(this.machineId)): Promise<Response> {
    const response = await this.post("check-in", {
      protocolVersion: 1,
      providerId: this.providerId,
      identity: { kind: "process", secret },
      bootId: this.bootId,
      agentVersion: "0",
    });
    if (response.ok) this.token = ((await response.clone().json()) as { token: string }).token;
    return response;
  }

  async report(report: Partial<HostReport> = {}): Promise<ReportAnswer> {
    this.sequence += 1;
    const full = { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN, ...report };
    const response = await this.post("report", {
      sequence: this.sequence,
      storeGeneration: this.storeGeneration,
      report: full,
    });
    return (await response.json()) as ReportAnswer;
  }

  async poll(): Promise<PollAnswer> {
    this.sequence += 1;
    const response = await this.post("poll", { sequence: this.sequence });
    return (await response.json()) as PollAnswer;
  }
}

export const NOTHING_SEEN = { kind: "seen", hasListener: false, workerCount: 0 } as const;
