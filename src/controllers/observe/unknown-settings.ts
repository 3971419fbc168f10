/**
 * Settings of a pool that this process does not know: another one, which ran beside it, launched with them since it started.
 * Where they put machines nobody here can look, so nothing is concluded, adopted or launched before they are known.
 */
import { ProviderError } from "../../domain/errors.ts";
import { listSettingsInUse } from "../../store/pools/remains.ts";
import type { PoolContext } from "../context.ts";

/** @returns the trouble to be told; null where all settings in use are known. */
export async function findUnknownSettings(context: PoolContext): Promise<ProviderError | null> {
  const { store, pool, memory, knownSettings, restart } = context;
  if (knownSettings === undefined) return null;
  const inUse = await listSettingsInUse(store.db, pool.name);
  if (inUse.every(({ settingsHash }) => knownSettings.has(settingsHash))) return null;
  memory.isFleetListed = false;
  await restart?.(pool.name);
  const attempted = "listing what was made from settings that this process does not know; its next start does";
  return new ProviderError("provider-unavailable", attempted);
}
