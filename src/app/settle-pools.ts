/**
 * Which pools run, and from which settings: those of the configuration, and those that left it while something of them is
 * there. Each start writes down what its pools are configured with.
 */
import { HoldfastError } from "../domain/errors.ts";
import type { PoolName } from "../domain/ids.ts";
import { listPoolSettings } from "../store/pools/list.ts";
import { listConnectionsInUse, listPoolsWithRemains, listSettingsInUse } from "../store/pools/remains.ts";
import type { PoolSettings } from "../store/pools/row.ts";
import { markPoolLeft, savePoolSettings } from "../store/pools/save.ts";
import type { Queryable } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import { inTransaction } from "../store/transaction.ts";
import type { Config, PoolConfig } from "./config/config.ts";
import { readStoredPool, writeStoredPool } from "./config/stored-pools.ts";

export interface SettledPool {
  readonly config: PoolConfig;
  /** What it was configured with before, as far as machines or launches of those settings are there. */
  readonly formers: readonly PoolConfig[];
  /** It left the configuration. */
  readonly isDeparted: boolean;
  /** So did its connection. */
  readonly isUnconnected: boolean;
}

/**
 * @throws {HoldfastError} `pool-unreadable` where something is there whose settings are not known; `config-invalid` where
 *   a pool changed its connection while something of it is at the old one.
 */
export async function settlePools(store: Store, config: Config, nowMs: number): Promise<readonly SettledPool[]> {
  return inTransaction(store, async (tx) => {
    const stored = await listPoolSettings(tx);
    const configured = new Set(config.pools.map(({ policy }) => policy.name));
    await refuseMoved(tx, config);
    const inUse = await listSettingsInUse(tx);
    const formersOf = ({ policy }: PoolConfig) =>
      inUse
        .filter((one) => one.pool === policy.name && one.settingsHash !== policy.settingsHash)
        .map((one) => findSettings(stored, one.pool, (settings) => settings.settingsHash === one.settingsHash));
    const settled: SettledPool[] = config.pools.map((pool) => ({
      config: pool,
      formers: formersOf(pool),
      isDeparted: false,
      isUnconnected: false,
    }));
    for (const name of (await listPoolsWithRemains(tx)).filter((one) => !configured.has(one))) {
      const last = asDeparted(findSettings(stored, name, ({ isCurrent }) => isCurrent));
      const isUnconnected = !config.connections.has(last.policy.connection);
      settled.push({ config: last, formers: formersOf(last), isDeparted: true, isUnconnected });
    }
    await noteSettings(tx, config, stored, nowMs);
    return settled;
  });
}

/** A pool that only observed goes on observing: nothing of it is ended that it did not end before. */
function asDeparted({ policy, runner, provider }: PoolConfig): PoolConfig {
  const mode = policy.mode === "run" ? "departed" : policy.mode;
  return { policy: { ...policy, mode }, runner, provider };
}

function findSettings(
  stored: readonly PoolSettings[],
  pool: PoolName,
  fits: (settings: PoolSettings) => boolean,
): PoolConfig {
  const found = stored.find((one) => one.pool === pool && fits(one));
  if (found !== undefined) return readStoredPool(found);
  throw new HoldfastError("pool-unreadable", `looking in the store for the settings that pool "${pool}" was run with`);
}

async function noteSettings(
  tx: Queryable,
  { pools }: Config,
  stored: readonly PoolSettings[],
  nowMs: number,
): Promise<void> {
  for (const pool of pools) {
    const { name, settingsHash } = pool.policy;
    await savePoolSettings(tx, { pool: name, settingsHash, settings: writeStoredPool(pool), storedAtMs: nowMs });
  }
  const configured = new Set(pools.map(({ policy }) => policy.name));
  for (const name of new Set(stored.map(({ pool }) => pool)))
    if (!configured.has(name)) await markPoolLeft(tx, name, nowMs);
}

/** One pool works with one connection: what is registered at another would be looked for in the wrong place. */
async function refuseMoved(tx: Queryable, { pools }: Config): Promise<void> {
  for (const { pool, connection } of await listConnectionsInUse(tx)) {
    const policy = pools.find((one) => one.policy.name === pool)?.policy;
    if (policy === undefined || policy.connection === connection) continue;
    const attempted = `starting pool "${pool}" with connection "${policy.connection}" while it has tickets or registrations at "${connection}": give the pool another name, and the old one drains beside it`;
    throw new HoldfastError("config-invalid", attempted);
  }
}
