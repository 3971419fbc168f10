import type { Queryable } from "../schema.ts";
import { listPoolSettings } from "./list.ts";
import { listPoolsWithRemains, listSettingsInUse } from "./remains.ts";

/**
 * Deletes settings that nothing was made from any more: of a pool that left the configuration before `beforeMs` and of
 * which nothing is left, and those that a pool was configured with last before then. To be called in a transaction.
 * @returns how many rows were deleted.
 */
export async function forgetPoolSettings(db: Queryable, options: { readonly beforeMs: number }): Promise<number> {
  const { beforeMs } = options;
  const remaining = new Set(await listPoolsWithRemains(db));
  const used = new Set((await listSettingsInUse(db)).map(({ pool, settingsHash }) => `${pool} ${settingsHash}`));
  const expired = (await listPoolSettings(db)).filter(({ pool, settingsHash, isCurrent, storedAtMs, leftAtMs }) => {
    if (isCurrent) return leftAtMs !== null && leftAtMs < beforeMs && !remaining.has(pool);
    return storedAtMs < beforeMs && !used.has(`${pool} ${settingsHash}`);
  });
  for (const { pool, settingsHash } of expired)
    await db.deleteFrom("pool_settings").where("pool", "=", pool).where("settings_hash", "=", settingsHash).execute();
  return expired.length;
}
