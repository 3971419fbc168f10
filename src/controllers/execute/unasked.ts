/**
 * Launches that were written and never asked for: the process that wrote one ended in between, or it waits behind one that
 * fails. Until its draft is stored nothing was asked for, and what it was written for may be over.
 */
import { findDrain } from "../../store/drains.ts";
import type { LaunchRow } from "../../store/launches/row.ts";
import { countPresentByPool } from "../../store/machines/count.ts";
import { loadMachines } from "../../store/machines/load.ts";
import type { PoolContext } from "../context.ts";

/** Why a launch is not to be made any more; null where it is, or where it may have been made already. */
export async function whyNotWanted(context: PoolContext, launch: LaunchRow): Promise<string | null> {
  const { pool, store } = context;
  if (!(await wasNeverAsked(context, launch))) return null;
  if (launch.settingsHash !== pool.settingsHash) return "the pool's settings have changed since it was written";
  if (pool.mode === "departed") return "the pool has left the configuration";
  if (context.isShuttingDown()) return "everything is being taken down";
  if ((await findDrain(store.db, { kind: "pool", id: pool.name })) !== null) return "the pool is drained";
  const presentCount = (await countPresentByPool(store.db)).get(pool.name) ?? 0;
  if (presentCount <= pool.machineCountMax) return null;
  return `the pool has ${presentCount} machines with it, and \`machines.max\` is ${pool.machineCountMax}`;
}

/** By a store that was restored it may have been asked for since the backup. */
async function wasNeverAsked({ abilities, store }: PoolContext, launch: LaunchRow): Promise<boolean> {
  const isDrafted = abilities?.orders?.draftsFor(launch.settingsHash) ?? false;
  if (!isDrafted || launch.order !== null) return false;
  const rows = await loadMachines(store.db, launch.machineIds);
  return [...rows.values()].every(({ origin }) => origin === "launched");
}
