import type { PoolName } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import type { PoolSettings } from "./row.ts";

/** Notes what a pool is configured with now; what it was configured with before is kept beside it. Idempotent. */
export async function savePoolSettings(
  db: Queryable,
  settings: Pick<PoolSettings, "pool" | "settingsHash" | "settings" | "storedAtMs">,
): Promise<void> {
  const { pool, settingsHash, storedAtMs } = settings;
  await db.updateTable("pool_settings").set({ is_current: 0, left_ms: null }).where("pool", "=", pool).execute();
  const written = { settings: settings.settings, is_current: 1, stored_ms: storedAtMs, left_ms: null };
  await db
    .insertInto("pool_settings")
    .values({ pool, settings_hash: settingsHash, ...written })
    .onConflict((conflict) => conflict.columns(["pool", "settings_hash"]).doUpdateSet(written))
    .execute();
}

/** Notes since when the configuration has a pool no more; a later note changes nothing. */
export async function markPoolLeft(db: Queryable, pool: PoolName, nowMs: number): Promise<void> {
  await db
    .updateTable("pool_settings")
    .set({ left_ms: nowMs })
    .where("pool", "=", pool)
    .where("left_ms", "is", null)
    .execute();
}
