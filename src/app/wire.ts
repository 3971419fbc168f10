import { createSelfProbe } from "../adapters/network/self-probe.ts";
import { holderName, isHolderDead } from "../adapters/system/holder.ts";
import {
  emptyMemory,
  forgetAll,
  type PoolContext,
  type PoolMemory,
  type Surroundings,
} from "../controllers/context.ts";
import { Driver } from "../controllers/driver.ts";
import {
  connectionControllers,
  departureControllers,
  poolControllers,
  sharedControllers,
  tenureController,
} from "../controllers/fleet.ts";
import { followHints } from "../controllers/follow-hints.ts";
import { foretellPass } from "../controllers/foretell.ts";
import { createHearing } from "../controllers/hearing.ts";
import { isDrained } from "../controllers/pool-gauge.ts";
import { readingOf } from "../controllers/pool-reading.ts";
import { type Ears, exchangeHeard, hearOthers } from "../controllers/replicas.ts";
import { standstillOf } from "../controllers/standstill.ts";
import { Tenure } from "../controllers/tenure.ts";
import type { MachineId, PoolName } from "../domain/ids.ts";
import type { ProviderState } from "../domain/observed.ts";
import { createAgentApp } from "../http/agents/app.ts";
import type { InstanceAuthority } from "../http/agents/instance-identity.ts";
import { AgentLanes } from "../http/agents/lanes.ts";
import { OpenPolls } from "../http/agents/polls.ts";
import { AgentTokens } from "../http/agents/token.ts";
import { createHealthApp } from "../http/health.ts";
import { createOperatorApp } from "../http/operators/app.ts";
import type { DepartedPool } from "../http/operators/departed.ts";
import type { OperatorSources, PoolReading } from "../http/operators/sources.ts";
import { createPagesApp } from "../http/pages/app.ts";
import { createWebhookApp } from "../http/webhooks.ts";
import type { Clock } from "../ports/clock.ts";
import type { Provider } from "../ports/provider.ts";
import type { Random } from "../ports/random.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import { DeliveryLog } from "../store/deliveries/log.ts";
import { openStore, type Store } from "../store/store.ts";
import { agentBundle } from "./agent-bundle.ts";
import type { Config } from "./config/config.ts";
import type { Environment } from "./config/environment.ts";
import { Connections } from "./connections.ts";
import { type Front, type FrontApps, openFront } from "./front.ts";
import { healthOf } from "./health.ts";
import { createPlaceReader } from "./known-places.ts";
import { missingConnection } from "./missing-connection.ts";
import { PoolTrials } from "./pool-trials.ts";
import { createPoolProvider, podAuthoritiesOf } from "./providers.ts";
import { type SettledPool, settlePools } from "./settle-pools.ts";
import { supportOf } from "./support.ts";
import { traceProvider } from "./traced-provider.ts";
import { version } from "./version.ts";

export interface SystemParts {
  /** For the proxy variables. */
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  renderMetrics(): Promise<string>;
}

export interface Holdfast {
  readonly store: Store;
  /** Where each surface really listens: `http://127.0.0.1:43211`. */
  readonly addresses: Front["addresses"];
  readonly providers: readonly Provider[];
  /** Launches nothing more, and lets every machine that is free retire. What runs a job runs on. */
  takeDown(): void;
  /** Stops this process' work; machines and their jobs go on, and the next start finds them again. */
  close(): Promise<void>;
}

/** @throws {HoldfastError} `store-unavailable` | `store-newer` | `port-in-use` | `config-invalid` | `pool-unreadable` */
export async function startHoldfast(config: Config, parts: SystemParts): Promise<Holdfast> {
  const { clock, telemetry } = parts;
  const store = await openStore(config.storeAddress, { clock, telemetry });
  try {
    const settled = await settlePools(store, config, clock.nowMs());
    const trials = new PoolTrials(config, { store, clock, telemetry });
    await trials.begin();
    return await assemble(config, parts, { store, settled, trials });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What of one Holdfast the parts below share. */
interface Core {
  readonly config: Config;
  readonly parts: SystemParts;
  readonly store: Store;
  /** Those of the configuration, and those that left it and are not drained. */
  readonly pools: readonly SettledPool[];
  readonly trials: PoolTrials;
  readonly driver: Driver;
  readonly tenure: Tenure;
  readonly ears: Ears;
  readonly tokens: AgentTokens;
  readonly polls: OpenPolls;
  readonly lanes: AgentLanes;
  readonly deliveries: DeliveryLog;
  readonly memories: ReadonlyMap<PoolName, PoolMemory>;
  readonly connections: Connections;
  /** Empty until the pools are open. */
  readonly contexts: Map<PoolName, PoolContext>;
  isShuttingDown: boolean;
  /** Empty until the sockets are open. */
  agentsAddress: string;
}

/** What a start rests on. */
interface Grounds {
  readonly store: Store;
  readonly settled: readonly SettledPool[];
  readonly trials: PoolTrials;
}

async function assemble(config: Config, parts: SystemParts, grounds: Grounds): Promise<Holdfast> {
  const core = createCore(config, parts, grounds);
  const { store, settled, trials } = grounds;
  const { driver, tenure, polls, deliveries } = core;
  const front = await openFront(config, parts.clock, createApps(core), parts.telemetry);
  core.agentsAddress = front.addresses.agents;
  const surroundings = surroundingsOf(core);
  const pools = await openPools(core, surroundings, front);
  for (const context of pools) core.contexts.set(context.pool.name, context);
  driver.start([
    tenureController(tenure),
    ...trials.controllers(),
    ...sharedControllers(surroundings),
    ...core.connections.contexts(surroundings, (pool) => tenure.lease(pool) !== null).flatMap(connectionControllers),
    ...pools.flatMap(poolControllers),
    ...pools.filter((_, index) => settled[index]?.isDeparted).flatMap(departureControllers),
  ]);
  const hints = followHints(pools, driver);
  return {
    store,
    addresses: front.addresses,
    providers: pools.map((pool) => pool.provider),
    takeDown: () => {
      core.isShuttingDown = true;
      for (const pool of pools) driver.pool(pool.pool.name);
    },
    close: async () => {
      tenure.stopTaking();
      core.connections.stop();
      await hints.stop();
      polls.wakeAll();
      await front.close();
      await driver.stop();
      await deliveries.close();
      await tenure.release();
      await store.close();
    },
  };
}

/** Where it fails, with the sockets closed again. */
async function openPools(core: Core, surroundings: Surroundings, front: Front): Promise<readonly PoolContext[]> {
  try {
    return await Promise.all(core.pools.map((pool) => contextOf(pool, core, surroundings, front)));
  } catch (error) {
    await front.close();
    throw error;
  }
}

function createCore(config: Config, parts: SystemParts, { store, settled: pools, trials }: Grounds): Core {
  const { clock, telemetry } = parts;
  const poolNames = pools.map((pool) => pool.config.policy.name);
  const polls = new OpenPolls();
  const selfProbe = createSelfProbe();
  const lanes = new AgentLanes(parts);
  const holder = holderName(parts.random);
  const ears: Ears = { store, hearing: createHearing(clock), listener: holder };
  const driver = new Driver(clock, telemetry, (machineId) => polls.wake(machineId));
  const core: Core = {
    config,
    parts,
    store,
    pools,
    trials,
    driver,
    polls,
    lanes,
    ears,
    tokens: new AgentTokens(config.tokenKey, config.controllerId),
    deliveries: new DeliveryLog(store, clock),
    memories: new Map(poolNames.map((name) => [name, emptyMemory()])),
    connections: new Connections(config, parts),
    contexts: new Map(),
    tenure: new Tenure({
      store,
      clock,
      telemetry,
      pools: poolNames,
      holder,
      mayTake: (pool) => trials.isOpen(pool),
      isHolderDead,
      probe: () => selfProbe.answers(core.agentsAddress),
      isBehind: () => lanes.isBehind(),
      exchangeHeard: (othersPools) => exchangeHeard(ears, othersPools),
      // Another process holds it now, and shows its gauges.
      onLost: (pool) => telemetry.forgetPool(pool),
      onAcquired: (pool) => {
        const memory = core.memories.get(pool);
        if (memory !== undefined) forgetAll(memory);
        driver.pool(pool);
        for (const { policy } of config.pools) if (policy.name === pool) driver.connection(policy.connection);
      },
    }),
    isShuttingDown: false,
    agentsAddress: "",
  };
  return core;
}

function createApps(core: Core): FrontApps {
  const { config, store, deliveries, driver, tokens, polls, lanes, ears } = core;
  const { clock, telemetry, renderMetrics } = core.parts;
  const sources = sourcesOf(core);
  const { operators } = config;
  return {
    webhooks: createWebhookApp({ connections: config.connections, deliveries, store, clock, wake: driver, telemetry }),
    agents: createAgentApp({
      store,
      tokens,
      polls,
      lanes,
      hearing: ears.hearing,
      clock,
      wake: driver,
      telemetry,
      pools: core.pools.map(({ config: { policy }, isUnconnected }) => ({ ...policy, isUnconnected })),
      authorities: authoritiesOf(core.pools),
      podAuthorities: podAuthoritiesOf(core.pools, clock),
      bundle: core.pools.some(({ config: { provider } }) => provider.kind !== "process") ? agentBundle() : null,
    }),
    operators: createOperatorApp({ operators, sources, telemetry, wake: driver }),
    pages: createPagesApp({ operators, sources, telemetry }),
    health: createHealthApp({ readHealth: sources.readHealth, renderMetrics }),
  };
}

/** Of all regions in which a machine may be whose agent speaks. */
function authoritiesOf(pools: readonly SettledPool[]): readonly InstanceAuthority[] {
  return pools
    .flatMap(({ config, formers }) => [config, ...formers])
    .flatMap(({ provider }) =>
      "identityCertificates" in provider
        ? [{ region: provider.region, certificates: provider.identityCertificates }]
        : [],
    );
}

function sourcesOf(core: Core): OperatorSources {
  const { config, store, ears, tenure, memories, connections } = core;
  const { clock } = core.parts;
  const readDeparted = () => departedOf(core.pools, memories);
  return {
    controllerId: config.controllerId,
    version,
    startedAtMs: clock.nowMs(),
    pools: config.pools.map((pool) => pool.policy),
    store,
    clock,
    readPool: (pool) => readPoolMemory(core, pool),
    readHealth: () => healthOf(core, readDeparted()),
    readDeparted,
    foretell: async (pool) => {
      const context = core.contexts.get(pool);
      return context === undefined ? null : await foretellPass(context);
    },
    support: supportOf(core),
    readConnections: () => connections.read(),
    heardAtMs: (machineId) => ears.hearing.heardAtMs(machineId),
    heardSinceMs: () => tenure.heardSinceMs(),
    providerState: (machineId) => providerStateOf(memories, machineId),
  };
}

/** Null where another process holds the pool: what this one remembers of it is old. */
function readPoolMemory({ memories, tenure, parts: { clock } }: Core, pool: PoolName): PoolReading | null {
  const memory = memories.get(pool);
  return memory === undefined || tenure.lease(pool) === null ? null : readingOf(memory, clock);
}

function surroundingsOf(core: Core): Surroundings {
  const { config, store, ears, tenure, driver, tokens, memories, trials } = core;
  const { clock, random, telemetry } = core.parts;
  return {
    controllerId: config.controllerId,
    store,
    clock,
    random,
    telemetry,
    wake: driver,
    hearing: ears.hearing,
    hearOthers: () => hearOthers(ears),
    pools: config.pools.map((pool) => pool.policy),
    isShuttingDown: () => core.isShuttingDown,
    heardSinceMs: () => tenure.heardSinceMs(),
    standstill: (pool, repository) => {
      if (!trials.isOpen(pool.name)) return "everything";
      return standstillOf(pool, repository, memories.get(pool.name) ?? emptyMemory(), clock);
    },
    identitySecret: (machineId) => tokens.identitySecret(machineId),
  };
}

async function contextOf(
  pool: SettledPool,
  core: Core,
  surroundings: Surroundings,
  front: Front,
): Promise<PoolContext> {
  const { name, connection } = pool.config.policy;
  const { clock, telemetry } = core.parts;
  const { isUnconnected } = pool;
  const untraced = await createPoolProvider(pool, core.config, clock, front.agentsUrl);
  const { provider, abilities } = traceProvider(untraced, { pool: name, kind: pool.config.provider.kind }, telemetry);
  return {
    ...surroundings,
    pool: pool.config.policy,
    github: isUnconnected ? missingConnection(connection, clock) : core.connections.of(connection).github,
    isUnconnected,
    provider,
    abilities,
    memory: core.memories.get(name) ?? emptyMemory(),
    isPlaceKnown: createPlaceReader(core.store.db, pool),
    lease: () => core.tenure.lease(name),
    leaseLeftMs: () => core.tenure.leftMs(name),
  };
}

function providerStateOf(memories: ReadonlyMap<PoolName, PoolMemory>, machineId: MachineId): ProviderState | null {
  for (const memory of memories.values()) {
    const observed = memory.observed.get(machineId);
    if (observed !== undefined) return observed.state;
  }
  return null;
}

/** Those that left the configuration, until nothing of them is left. */
function departedOf(
  pools: readonly SettledPool[],
  memories: ReadonlyMap<PoolName, PoolMemory>,
): readonly DepartedPool[] {
  return pools.flatMap(({ config: { policy }, isDeparted, isUnconnected }) => {
    const remains = memories.get(policy.name)?.remains ?? null;
    return isDeparted && !isDrained(remains) ? [{ policy, remains, isUnconnected }] : [];
  });
}
