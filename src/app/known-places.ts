/**
 * Which settings put machines where this process looks. It read those that were in use when it started; another process, which
 * runs beside it, may have launched with others since.
 */
import { HoldfastError } from "../domain/errors.ts";
import { listPoolSettings } from "../store/pools/list.ts";
import type { PoolSettings } from "../store/pools/row.ts";
import type { Queryable } from "../store/schema.ts";
import { readStoredPool } from "./config/stored-pools.ts";
import { placeOf } from "./providers.ts";
import type { SettledPool } from "./settle-pools.ts";

/** Of one pool. What a hash stands for never changes, so it is read once. */
export function createPlaceReader(
  db: Queryable,
  { config, formers }: Pick<SettledPool, "config" | "formers">,
): (settingsHash: string) => Promise<boolean> {
  const settled = [config, ...formers];
  const places = new Set(settled.map(placeOf));
  const answers = new Map(settled.map(({ policy }) => [policy.settingsHash, true]));
  return async (settingsHash) => {
    const answer = answers.get(settingsHash);
    if (answer !== undefined) return answer;
    const stored = await listPoolSettings(db);
    const row = stored.find((one) => one.pool === config.policy.name && one.settingsHash === settingsHash);
    if (row === undefined) return false;
    const place = readPlace(row);
    const isKnown = place !== null && places.has(place);
    answers.set(settingsHash, isKnown);
    return isKnown;
  };
}

/** Null for settings of a shape that this version does not read. */
function readPlace(row: PoolSettings): string | null {
  try {
    return placeOf(readStoredPool(row));
  } catch (error) {
    if (error instanceof HoldfastError && error.code === "pool-unreadable") return null;
    throw error;
  }
}
