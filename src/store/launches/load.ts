import type { LaunchId, PoolName } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import { type LaunchRow, toLaunch } from "./row.ts";

export async function loadLaunch(db: Queryable, id: LaunchId): Promise<LaunchRow | null> {
  const row = await db.selectFrom("launches").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? null : toLaunch(row);
}

/** Those whose outcome is not known yet, oldest first. */
export async function listOpenLaunches(db: Queryable, pool: PoolName): Promise<readonly LaunchRow[]> {
  const rows = await db
    .selectFrom("launches")
    .selectAll()
    .where("pool", "=", pool)
    .where("state", "=", "open")
    .orderBy("created_ms")
    .orderBy("id")
    .execute();
  return rows.map(toLaunch);
}
