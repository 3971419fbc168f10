/**
 * A place where this process does not look: another one, which ran beside it with other settings, launched there since this one
 * started. Nothing of the pool is concluded, adopted or launched then. What is known is held, and the next start looks there.
 */
import { ProviderError } from "../../domain/errors.ts";
import { listSettingsNamed } from "../../store/pools/remains.ts";
import type { PoolContext } from "../context.ts";

/** @returns the trouble to be told; null where all places are known. */
export async function findMissingPlace({
  store,
  pool,
  memory,
  isPlaceKnown,
}: PoolContext): Promise<ProviderError | null> {
  if (isPlaceKnown === undefined) return null;
  const hashes = await listSettingsNamed(store.db, pool.name);
  const answers = await Promise.all(hashes.map(isPlaceKnown));
  memory.isPlaceMissing = answers.includes(false);
  if (!memory.isPlaceMissing) return null;
  memory.isFleetListed = false;
  const attempted =
    "listing machines where this process does not look: another one launched them with settings that it read since; start this one again";
  return new ProviderError("provider-unavailable", attempted);
}
