/**
 * One start of Holdfast in the world: the production controllers, driver, store, and the surfaces that agents and GitHub
 * call, put together as `serve` does, on a clock and a network of the world.
 */
import type { Hono } from "hono";
import {
  type ConnectionContext,
  type ConnectionMemory,
  emptyConnectionMemory,
} from "../../controllers/connection/context.ts";
import {
  emptyMemory,
  forgetAll,
  type PoolContext,
  type PoolMemory,
  type Surroundings,
} from "../../controllers/context.ts";
import { type Controller, Driver } from "../../controllers/driver.ts";
import {
  connectionControllers,
  poolControllers,
  sharedControllers,
  tenureController,
} from "../../controllers/fleet.ts";
import { followHints } from "../../controllers/follow-hints.ts";
import { createHearing } from "../../controllers/hearing.ts";
import { type Ears, exchangeHeard, hearOthers } from "../../controllers/replicas.ts";
import { standstillOf } from "../../controllers/standstill.ts";
import { TENURE_PERIOD_MS, Tenure } from "../../controllers/tenure.ts";
import type { ConnectionName, ControllerId, PoolName } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { createAgentApp } from "../../http/agents/app.ts";
import type { InstanceAuthority } from "../../http/agents/instance-identity.ts";
import { AgentLanes } from "../../http/agents/lanes.ts";
import type { PodAuthority } from "../../http/agents/pod-identity.ts";
import { OpenPolls } from "../../http/agents/polls.ts";
import { AgentTokens } from "../../http/agents/token.ts";
import type { OperatorSources } from "../../http/operators/sources.ts";
import { createWebhookApp } from "../../http/webhooks.ts";
import type { GitHub } from "../../ports/github.ts";
import type { GitHubHooks } from "../../ports/github-hooks.ts";
import type { Random } from "../../ports/random.ts";
import type { Telemetry } from "../../ports/telemetry.ts";
import { DeliveryLog } from "../../store/deliveries/log.ts";
import type { Store } from "../../store/store.ts";
import { CLUSTER } from "../provider/kubernetes-settings.ts";
import type { WorldProvider } from "../provider/pod-port.ts";
import { type Chance, randomOf } from "./chance.ts";
import type { WorldProcess } from "./process.ts";

export const HOOK_SECRET = "the secret of the world's hook";
export const WEBHOOKS_URL = "https://holdfast.world";

export interface ControllerOptions {
  readonly process: WorldProcess;
  readonly controllerId: ControllerId;
  readonly connection: ConnectionName;
  readonly pools: readonly PoolPolicy[];
  readonly github: GitHub;
  readonly hooks: GitHubHooks;
  readonly telemetry: Telemetry;
  readonly chance: Chance;
  /** Every period and rest of a controller times this. */
  readonly pace: number;
  openStore(): Promise<Store>;
  provider(pool: PoolName): WorldProvider;
  /** Who vouches for machines that are instances. */
  readonly authorities: readonly InstanceAuthority[];
  /** Whether the process of that name is known to be dead. */
  isDead(name: string): boolean;
}

export interface RunningController {
  readonly process: WorldProcess;
  readonly agents: Hono;
  readonly webhooks: Hono;
  readonly sources: OperatorSources;
  /** Since `close` was called: whoever asks it gets no answer that counts. */
  readonly isClosing: boolean;
  /** In order, as at SIGTERM. */
  close(): Promise<void>;
}

/** A lease outlives so many of its renewals, and no gap in hearing opens between two. */
const TENURE_PACE_MAX = 3;
const TOKEN_KEY = new Uint8Array(32).fill(7);

export async function startController(options: ControllerOptions): Promise<RunningController> {
  const { process, pools, telemetry, connection } = options;
  const { clock } = process;
  const store = await options.openStore();
  const core = createCore(options, store);
  const { driver, tenure, polls, lanes, deliveries, memories } = core;
  const surroundings = surroundingsOf(options, core);
  const memory = emptyConnectionMemory();
  let isClosing = false;
  const providers = new Map(pools.map(({ name }) => [name, options.provider(name)]));
  const contexts = pools.map((pool) =>
    contextOf(pool, options.github, demandOf(providers, pool.name), core, surroundings),
  );
  const controllers = [
    ...sharedControllers(surroundings),
    ...connectionControllers(connectionContext(options, core, surroundings, memory)),
    ...contexts.flatMap(poolControllers),
  ];
  driver.start([
    { ...tenureController(tenure), periodMs: TENURE_PERIOD_MS * Math.min(options.pace, TENURE_PACE_MAX) },
    ...controllers.map((one) => paced(one, options.pace)),
  ]);
  const hints = followHints(contexts, driver);
  const agents = createAgentApp({
    ...surroundings,
    tokens: core.tokens,
    polls,
    lanes,
    authorities: options.authorities,
    podAuthorities: podAuthoritiesOf(providers),
  });
  const webhooks = createWebhookApp({
    connections: new Map([[connection, { webhookSecrets: [HOOK_SECRET] }]]),
    deliveries,
    store,
    clock,
    wake: driver,
    telemetry,
  });
  return {
    process,
    agents,
    webhooks,
    sources: sourcesOf(options, core, memories),
    get isClosing() {
      return isClosing;
    },
    close: async () => {
      isClosing = true;
      tenure.stopTaking();
      await hints.stop();
      polls.wakeAll();
      await driver.stop();
      await deliveries.close();
      await tenure.release();
      await store.close();
    },
  };
}

/** Longer periods than this are bound to deadlines of the contract, as that between two readings of a silent host. */
const PACED_PERIOD_MAX_MS = 30 * SECOND_MS;

function paced(one: Controller, pace: number): Controller {
  const periodMs = Math.max(one.periodMs, Math.min(one.periodMs * pace, PACED_PERIOD_MAX_MS));
  return one.restMs === undefined ? { ...one, periodMs } : { ...one, periodMs, restMs: one.restMs * pace };
}

interface Core {
  readonly store: Store;
  readonly polls: OpenPolls;
  readonly lanes: AgentLanes;
  readonly driver: Driver;
  readonly tenure: Tenure;
  readonly tokens: AgentTokens;
  readonly deliveries: DeliveryLog;
  readonly ears: Ears;
  readonly memories: ReadonlyMap<PoolName, PoolMemory>;
  readonly random: Random;
}

function createCore(options: ControllerOptions, store: Store): Core {
  const { process, pools, telemetry, chance, controllerId, connection } = options;
  const { clock } = process;
  const polls = new OpenPolls();
  const lanes = new AgentLanes({ clock, telemetry });
  const driver = new Driver(clock, telemetry, (machineId) => polls.wake(machineId));
  const ears: Ears = { store, hearing: createHearing(clock), listener: process.name };
  const memories = new Map(pools.map(({ name }) => [name, emptyMemory()]));
  const tenure = new Tenure({
    store,
    clock,
    telemetry,
    pools: pools.map(({ name }) => name),
    holder: process.name,
    mayTake: () => true,
    isHolderDead: options.isDead,
    probe: async () => process.isRunning,
    isBehind: () => lanes.isBehind(),
    exchangeHeard: (othersPools) => exchangeHeard(ears, othersPools),
    onLost: (pool) => telemetry.forgetPool(pool),
    onAcquired: (pool) => {
      const memory = memories.get(pool);
      if (memory !== undefined) forgetAll(memory);
      driver.pool(pool);
      driver.connection(connection);
    },
  });
  return {
    store,
    polls,
    lanes,
    driver,
    tenure,
    tokens: new AgentTokens(TOKEN_KEY, controllerId),
    deliveries: new DeliveryLog(store, clock),
    ears,
    memories,
    random: randomOf(chance),
  };
}

function surroundingsOf(options: ControllerOptions, core: Core): Surroundings {
  const { process, controllerId, pools, telemetry } = options;
  const { store, driver, tenure, tokens, ears, memories, random } = core;
  const { clock } = process;
  return {
    controllerId,
    store,
    clock,
    random,
    telemetry,
    wake: driver,
    hearing: ears.hearing,
    hearOthers: () => hearOthers(ears),
    pools,
    isShuttingDown: () => false,
    heardSinceMs: () => tenure.heardSinceMs(),
    standstill: (pool, repository) => standstillOf(pool, repository, memories.get(pool.name) ?? emptyMemory(), clock),
    identitySecret: (machineId) => tokens.identitySecret(machineId),
  };
}

function demandOf(providers: ReadonlyMap<PoolName, WorldProvider>, pool: PoolName): WorldProvider {
  const provider = providers.get(pool);
  invariant(provider !== undefined, "every pool of the world has its provider");
  return provider;
}

/** The cluster of each pool of pods, for the machines of that pool. */
function podAuthoritiesOf(providers: ReadonlyMap<PoolName, WorldProvider>): readonly PodAuthority[] {
  return [...providers].flatMap(([pool, { reviewPodToken }]) =>
    reviewPodToken === undefined ? [] : [{ namespace: CLUSTER.namespace, pools: [pool], reviewPodToken }],
  );
}

function contextOf(
  pool: PoolPolicy,
  github: GitHub,
  provider: WorldProvider,
  core: Core,
  surroundings: Surroundings,
): PoolContext {
  return {
    ...surroundings,
    pool,
    github,
    provider,
    abilities: provider,
    memory: core.memories.get(pool.name) ?? emptyMemory(),
    lease: () => core.tenure.lease(pool.name),
    leaseLeftMs: () => core.tenure.leftMs(pool.name),
  };
}

function connectionContext(
  options: ControllerOptions,
  { tenure }: Core,
  surroundings: Surroundings,
  memory: ConnectionMemory,
): ConnectionContext {
  const { pools, connection, github, hooks } = options;
  return {
    ...surroundings,
    connection,
    demand: "webhooks",
    github,
    hooks,
    webhooksUrl: WEBHOOKS_URL,
    ownPools: pools,
    memory,
    isHolding: () => pools.some(({ name }) => tenure.lease(name) !== null),
  };
}

function sourcesOf(
  { process, controllerId, pools }: ControllerOptions,
  { store, tenure, ears }: Core,
  memories: ReadonlyMap<PoolName, PoolMemory>,
): OperatorSources {
  return {
    controllerId,
    version: "simulated",
    startedAtMs: process.clock.nowMs(),
    pools,
    store,
    clock: process.clock,
    readHealth: () => ({ isReady: true, problems: [], controllers: [] }),
    readConnections: () => [],
    heardAtMs: (machineId) => ears.hearing.heardAtMs(machineId),
    heardSinceMs: () => tenure.heardSinceMs(),
    providerState: (machineId) =>
      [...memories.values()]
        .map(({ observed }) => observed.get(machineId)?.state)
        .find((state) => state !== undefined) ?? null,
  };
}
