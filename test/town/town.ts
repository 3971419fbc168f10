/**
 * The whole system in a time of its own: the real controllers on their real periods, the real adapter and webhook surface,
 * the simulated GitHub behind them without sockets, machines that boot and run jobs. An hour takes seconds.
 */

import type { Hono } from "hono";
import { createGitHubConnection } from "../../src/adapters/github/connection.ts";
import {
  type ConnectionContext,
  type ConnectionMemory,
  emptyConnectionMemory,
} from "../../src/controllers/connection/context.ts";
import { emptyMemory, type PoolContext, type Surroundings } from "../../src/controllers/context.ts";
import type { Controller } from "../../src/controllers/driver.ts";
import { connectionControllers, poolControllers, sharedControllers } from "../../src/controllers/fleet.ts";
import { createHearing } from "../../src/controllers/hearing.ts";
import { standstillOf } from "../../src/controllers/standstill.ts";
import type { ProviderError } from "../../src/domain/errors.ts";
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
import type { Clock } from "../../src/ports/clock.ts";
import type { GitHubConnection } from "../../src/ports/github.ts";
import type { LaunchRequest, Provider } from "../../src/ports/provider.ts";
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
  isRunning: boolean;
}

/** Rounds of the event loop without an end after which a controller that sleeps counts as waiting for the clock. */
const QUIET_ROUNDS = 20;

export class Town {
  readonly clock = new ManualClock();
  readonly github: GitHubWire;
  readonly store: Store;
  readonly telemetry = recordTelemetry();
  /** What controllers threw: a pass that failed is run again, here as in life. */
  readonly failures: unknown[] = [];
  readonly hosts = new Map<string, Host>();
  readonly launches: LaunchRequest[] = [];
  readonly connection: GitHubConnection;
  readonly pools: readonly PoolContext[];
  readonly sources: OperatorSources;
  runnerVersion: string;
  /** With which every launch is refused; null for none. */
  launchError: ProviderError | null = null;
  readonly #webhooks: Hono;
  readonly #schedule: Scheduled[] = [];
  readonly #deliveries: DeliveryLog;
  readonly #polls = new OpenPolls();
  readonly #sleepers = { count: 0 };
  readonly #tokens = new AgentTokens(new Uint8Array(32), parseControllerId("town"));
  readonly #hearing = createHearing(this.clock);
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
    this.clock.advance(START_MS);
    const { repositories = ["acme/widgets"], seed = 1, github } = options;
    this.github = new GitHubWire(this.clock, { repositories, seed, ...(github === undefined ? {} : { github }) });
    this.#deliveries = new DeliveryLog(store, this.clock, { batchMs: 0 });
    this.connection = createGitHubConnection({
      connection: connectionName(),
      apiUrl: this.github.state.apiUrl,
      auth: options.auth ?? { kind: "token", token: TOKEN },
      clock: this.#countingClock(),
      telemetry: this.telemetry,
      fetch: this.github.fetch as never,
    });
    const surroundings = this.#surroundings(policies);
    const agents = createAgentApp({ ...surroundings, tokens: this.#tokens, polls: this.#polls });
    this.pools = this.#openPools(options, surroundings, agents, leases);
    const connection = this.#connectionContext(options, surroundings);
    const controllers = [
      ...sharedControllers(surroundings),
      ...connectionControllers(connection),
      ...this.pools.flatMap(poolControllers),
    ];
    this.#schedule.push(...controllers.map((controller) => ({ controller, dueAtMs: START_MS, isRunning: false })));
    this.#webhooks = createWebhookApp({
      ...surroundings,
      connections: new Map([[connectionName(), { webhookSecrets: [HOOK_SECRET] }]]),
      deliveries: this.#deliveries,
    });
    this.sources = this.#operatorSources(policies, connection.memory);
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
    await this.#whileRunning();
    for (let round = 0; round < WAKES_PER_TICK_MAX; round += 1) {
      const nowMs = this.clock.nowMs();
      const due = this.#schedule.filter(({ dueAtMs, isRunning }) => dueAtMs <= nowMs && !isRunning);
      if (due.length === 0) break;
      for (const one of due) {
        one.dueAtMs = nowMs + one.controller.periodMs;
        one.isRunning = true;
        void one.controller
          .run()
          .catch(this.#noteFailure)
          .finally(() => {
            one.isRunning = false;
          });
        await this.#whileRunning();
      }
    }
    for (const host of this.hosts.values()) await host.tick();
    await this.#pump();
    await settle();
  }

  readonly #noteFailure = (error: unknown): void => {
    this.failures.push(error);
  };

  /** Until no controller runs, or those that do sleep until the clock goes on. */
  async #whileRunning(): Promise<void> {
    let quietRounds = 0;
    while (this.#schedule.some(({ isRunning }) => isRunning)) {
      const before = this.#schedule.filter(({ isRunning }) => isRunning).length;
      await settle();
      const after = this.#schedule.filter(({ isRunning }) => isRunning).length;
      quietRounds = after < before || this.#sleepers.count === 0 ? 0 : quietRounds + 1;
      if (quietRounds >= QUIET_ROUNDS) return;
    }
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

  /** The town's clock; counts who sleeps by it. */
  #countingClock(): Clock {
    const { clock } = this;
    const sleepers = this.#sleepers;
    return {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleep: async (durationMs, signal) => {
        sleepers.count += 1;
        await clock.sleep(durationMs, signal).finally(() => {
          sleepers.count -= 1;
        });
      },
    };
  }

  #surroundings(pools: readonly PoolPolicy[]): Surroundings {
    return {
      controllerId: parseControllerId("town"),
      store: this.store,
      clock: this.clock,
      random: { token: (length) => String(++this.#randomCount).padStart(length, "0"), fraction: () => 0.5 },
      telemetry: this.telemetry,
      wake: { controller: (name, pool) => this.#wake(name, pool), machine: (id) => this.#polls.wake(id) },
      hearing: this.#hearing,
      hearOthers: async () => {},
      pools,
      isShuttingDown: () => false,
      heardSinceMs: () => START_MS,
      standstill: (pool, repository) => {
        const context = this.pools.find((one) => one.pool.name === pool.name);
        return context === undefined ? "none" : standstillOf(pool, repository, context.memory, this.clock);
      },
      identitySecret: (id) => this.#tokens.identitySecret(id),
    };
  }

  #wake(name: string, pool: string | null): void {
    for (const one of this.#schedule)
      if (one.controller.name === name && one.controller.pool === pool) one.dueAtMs = this.clock.nowMs();
  }

  #openPools(
    options: TownOptions,
    surroundings: Surroundings,
    app: Hono,
    leases: ReadonlyMap<string, Lease>,
  ): readonly PoolContext[] {
    const { bootMs = 5 * SECOND_MS, jobMs = 30 * SECOND_MS } = options;
    const world = { app, tokens: this.#tokens, clock: this.clock, github: this.github.state, jobMs };
    const start = (request: LaunchRequest) => {
      this.launches.push(request);
      const { runnerVersion } = this;
      for (const { machineId } of request.machines)
        if (!this.hosts.has(machineId))
          this.hosts.set(machineId, new Host({ ...world, runnerVersion }, machineId, bootMs));
    };
    const provider = this.#provider(start);
    return surroundings.pools.map((pool) => ({
      ...surroundings,
      pool,
      github: this.connection.github,
      provider,
      memory: emptyMemory(),
      lease: () => leases.get(pool.name) ?? null,
      leaseLeftMs: () => 45_000,
    }));
  }

  #connectionContext({ demand = "webhooks" }: TownOptions, surroundings: Surroundings): ConnectionContext {
    return {
      ...surroundings,
      connection: connectionName(),
      demand,
      github: this.connection.github,
      hooks: this.connection.hooks,
      webhooksUrl: "https://holdfast.town",
      ownPools: surroundings.pools,
      memory: emptyConnectionMemory(),
      isHolding: () => true,
    };
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
        if (this.launchError !== null) throw this.launchError;
        start(request);
        return request.machines.map(({ machineId }) => ({ machineId, providerId: parseProviderId(machineId) }));
      },
      list: async (which) => (which === "all" ? [...this.hosts.keys()] : which).map(observe),
      terminate: async (permit: MachinePermit) => void this.hosts.delete(permit.providerId),
      readRunnerVersion: async () => this.runnerVersion,
      check: async () => [],
    };
  }

  #operatorSources(pools: readonly PoolPolicy[], { trouble }: ConnectionMemory): OperatorSources {
    const connection = { name: connectionName(), demand: "webhooks", repositoryCount: null, lookedAtMs: null } as const;
    const troubles = () => [trouble.recover, trouble.discover, trouble.rerun].filter((one) => one !== null);
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
          ...connection,
          budgets: this.connection.readBudgets(),
          troubles: troubles().map(({ code, text }) => `${code}: ${text}`),
        },
      ],
      heardAtMs: (id) => this.#hearing.heardAtMs(id),
      heardSinceMs: () => START_MS,
      providerState: () => null,
    };
  }
}

/** Lets everything go on that waits for no clock. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
