import type { Queryable } from "../schema.ts";
import { type PoolSettings, toPoolSettings } from "./row.ts";

/** Of every pool that ever was, as far as retention keeps them: the current ones first, then the latest. */
export async function listPoolSettings(db: Queryable): Promise<readonly PoolSettings[]> {
  const rows = await db
    .selectFrom("pool_settings")
    .selectAll()
    .orderBy("pool")
    .orderBy("is_current", "desc")
    .orderBy("stored_ms", "desc")
    .orderBy("settings_hash")
    .execute();
  return rows.map(toPoolSettings);
}
