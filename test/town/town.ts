/**
 * The whole system in a time of its own: the real controllers on their real periods, the real adapter and webhook surface,
 * the simulated GitHub behind them without sockets, machines that boot and run jobs. An hour takes seconds.
 */
import type { Hono } from "hono";
import { createGitHubConnection } from "../../src/adapters/github/connection.ts";
import { emptyConnectionMemory } from "../../src/controllers/connection/context.ts";
import { emptyMemory, type PoolContext, type Surroundings } from "../../src/controllers/context.ts";
import type { Controller } from "../../src/controllers/driver.ts";
import { connectionControllers, poolControllers, sharedControllers } from "../../src/controllers/fleet.ts";
import { parseControllerId, parseProviderId } from "../../src/domain/ids.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import type { MachinePermit } from "../../src/domain/permit.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { SECOND_MS } from "../../src/domain/units.ts";
import { createAgentApp } from "../../src/http/agents/app.ts";
import { OpenPolls } from "../../src/http/agents/polls.ts";
import { AgentTokens } from "../../src/http/agents/token.ts";
import type { OperatorSources } from "../../src/http/operators/sources.ts";
import { createWebhookApp } from "../../src/http/webhooks.ts";
import type { GitHubConnection } from "../../src/ports/github.ts";
import type { LaunchRequest, Provider } from "../../src/ports/provider.ts";
import type { Wake } from "../../src/ports/wake.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { acquireLease, type Lease } from "../../src/store/leases.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { connectionName, pool as poolOf } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";
import { GitHubWire, HOOK_SECRET, TOKEN, type WireOptions } from "./github-wire.ts";
import { Host } from "./host.ts";

/** 2026-08-19T16:08:55Z */
export const START_MS = 1_787_155_735_000;
const TICK_MS = SECOND_MS;
const LEASE_LIFE_MS = 365 * 24 * 3_600_000;
const WAKES_PER_TICK_MAX = 20;

export interface TownOptions extends Partial<WireOptions> {
  readonly pools?: readonly Partial<PoolPolicy>[];
  readonly demand?: "webhooks" | "poll";
  readonly bootMs?: number;
  readonly jobMs?: number;
  readonly runnerVersion?: string;
  /** Defaults to a token. */
  readonly auth?: Parameters<typeof createGitHubConnection>[0]["auth"];
}

interface Scheduled {
  readonly controller: Controller;
  dueAtMs: number;
}

export class Town {
  readonly clock: ManualClock;
  readonly github: GitHubWire;
  readonly store: Store;
  readonly telemetry = recordTelemetry();
  readonly hosts = new Map<string, Host>();
  readonly launches: LaunchRequest[] = [];
  readonly connection: GitHubConnection;
  readonly pools: readonly PoolContext[];
  readonly sources: OperatorSources;
  runnerVersion: string;
  readonly #webhooks: Hono;
  readonly #schedule: readonly Scheduled[];
  readonly #deliveries: DeliveryLog;
  #randomCount = 0;

  static async open(options: TownOptions = {}): Promise<Town> {
    const store = await openStore("sqlite::memory:");
    const policies = (options.pools ?? [{}]).map(poolOf);
    const leases = new Map<string, Lease>();
    for (const { name } of policies) {
      const lease = await acquireLease(store.db, name, "town", LEASE_LIFE_MS);
      if (lease !== null) leases.set(name, lease);
    }
    return new Town(options, store, policies, leases);
  }

  private constructor(
    options: TownOptions,
    store: Store,
    policies: readonly PoolPolicy[],
    leases: ReadonlyMap<string, Lease>,
  ) {
    this.store = store;
    this.runnerVersion = options.runnerVersion ?? "2.336.0";
    this.clock = new ManualClock();
    this.clock.advance(START_MS);
    const { repositories = ["acme/widgets"], seed = 1, github } = options;
    this.github = new GitHubWire(this.clock, { repositories, seed, ...(github === undefined ? {} : { github }) });
    this.#deliveries = new DeliveryLog(store, this.clock, { batchMs: 0 });
    const name = connectionName();
    this.connection = createGitHubConnection({
      connection: name,
      apiUrl: this.github.state.apiUrl,
      auth: options.auth ?? { kind: "token", token: TOKEN },
      clock: this.clock,
      telemetry: this.telemetry,
      fetch: this.github.fetch as never,
    });
    const polls = new OpenPolls();
    const tokens = new AgentTokens(new Uint8Array(32), parseControllerId("town"));
    const heard = new Map<string, number>();
    const schedule: Scheduled[] = [];
    const wake: Wake = {
      controller: (which, pool) => {
        for (const one of schedule)
          if (one.controller.name === which && one.controller.pool === pool) one.dueAtMs = this.clock.nowMs();
      },
      machine: (id) => polls.wake(id),
    };
    const surroundings: Surroundings = {
      controllerId: parseControllerId("town"),
      store,
      clock: this.clock,
      random: { token: (length) => String(++this.#randomCount).padStart(length, "0"), fraction: () => 0.5 },
      telemetry: this.telemetry,
      wake,
      hearing: {
        note: (id, nowMs) => void heard.set(id, nowMs),
        heardAtMs: (id) => heard.get(id) ?? null,
        forget: (id) => void heard.delete(id),
      },
      pools: policies,
      isShuttingDown: () => false,
      heardSinceMs: () => START_MS,
      identitySecret: (id) => tokens.identitySecret(id),
    };
    const agents = createAgentApp({ ...surroundings, tokens, polls });
    const world = { app: agents, tokens, clock: this.clock, github: this.github.state };
    const boot = { jobMs: options.jobMs ?? 30 * SECOND_MS, bootMs: options.bootMs ?? 5 * SECOND_MS };
    const startHost = (request: LaunchRequest) => {
      this.launches.push(request);
      for (const { machineId } of request.machines) {
        const host = new Host({ ...world, ...boot, runnerVersion: this.runnerVersion }, machineId, boot.bootMs);
        if (!this.hosts.has(machineId)) this.hosts.set(machineId, host);
      }
    };
    this.pools = policies.map((pool) => ({
      ...surroundings,
      pool,
      github: this.connection.github,
      provider: this.#provider(startHost),
      memory: emptyMemory(),
      lease: () => leases.get(pool.name) ?? null,
    }));
    const memory = emptyConnectionMemory();
    const connectionContext = {
      ...surroundings,
      connection: name,
      demand: options.demand ?? "webhooks",
      github: this.connection.github,
      hooks: this.connection.hooks,
      webhooksUrl: "https://holdfast.town",
      ownPools: policies,
      memory,
      isHolding: () => true,
    } as const;
    const controllers = [
      ...sharedControllers(surroundings),
      ...connectionControllers(connectionContext),
      ...this.pools.flatMap(poolControllers),
    ];
    schedule.push(...controllers.map((controller) => ({ controller, dueAtMs: START_MS })));
    this.#schedule = schedule;
    const connections = new Map([[name, { webhookSecrets: [HOOK_SECRET] }]]);
    this.#webhooks = createWebhookApp({
      connections,
      deliveries: this.#deliveries,
      store,
      clock: this.clock,
      wake,
      telemetry: this.telemetry,
    });
    this.sources = this.#operatorSources(policies, heard, memory.trouble);
  }

  /** Goes on for so long, second by second. */
  async run(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += TICK_MS) {
      this.clock.advance(TICK_MS);
      await this.tick();
    }
  }

  /** Until it is so, at most for so long. */
  async runUntil(isSo: () => boolean, limitMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < limitMs && !isSo(); passedMs += TICK_MS) await this.run(TICK_MS);
  }

  async tick(): Promise<void> {
    await this.#pump();
    for (let round = 0; round < WAKES_PER_TICK_MAX; round += 1) {
      const due = this.#schedule.filter(({ dueAtMs }) => dueAtMs <= this.clock.nowMs());
      if (due.length === 0) break;
      for (const one of due) {
        one.dueAtMs = this.clock.nowMs() + one.controller.periodMs;
        await one.controller.run();
      }
    }
    for (const host of this.hosts.values()) await host.tick();
    await this.#pump();
    await settle();
  }

  async close(): Promise<void> {
    await this.#deliveries.close();
    await this.store.close();
  }

  /** Webhooks wait for their commit, which waits for the clock to stand still a moment. */
  async #pump(): Promise<void> {
    let isDone = false;
    const pumped = this.github.pump(this.#webhooks).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await settle();
      this.clock.advance(0);
    }
    await pumped;
  }

  #provider(start: (request: LaunchRequest) => void): Provider {
    const observe = (id: string) => ({
      providerId: parseProviderId(id),
      machineId: this.hosts.get(id)?.machineId ?? null,
      launchId: null,
      pool: null,
      state: (this.hosts.has(id) ? "running" : "gone") as ProviderState,
      observedAtMs: this.clock.nowMs(),
    });
    return {
      launch: async (request) => {
        start(request);
        return request.machines.map(({ machineId }) => ({ machineId, providerId: parseProviderId(machineId) }));
      },
      list: async (which) => (which === "all" ? [...this.hosts.keys()] : which).map(observe),
      terminate: async (permit: MachinePermit) => void this.hosts.delete(permit.providerId),
      readRunnerVersion: async () => this.runnerVersion,
      check: async () => [],
    };
  }

  #operatorSources(
    pools: readonly PoolPolicy[],
    heard: ReadonlyMap<string, number>,
    trouble: ReturnType<typeof emptyConnectionMemory>["trouble"],
  ): OperatorSources {
    return {
      controllerId: parseControllerId("town"),
      version: "0",
      startedAtMs: START_MS,
      pools,
      store: this.store,
      clock: this.clock,
      readHealth: () => ({ isReady: true, problems: [], controllers: [] }),
      readConnections: () => [
        {
          name: connectionName(),
          demand: "webhooks",
          budgets: this.connection.readBudgets(),
          repositoryCount: null,
          lookedAtMs: null,
          troubles: [trouble.recover, trouble.discover].flatMap((one) =>
            one === null ? [] : [`${one.code}: ${one.text}`],
          ),
        },
      ],
      heardAtMs: (id) => heard.get(id) ?? null,
      heardSinceMs: () => START_MS,
      providerState: () => null,
    };
  }
}

/** Lets everything go on that waits for no clock. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
