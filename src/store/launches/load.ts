import type { LaunchId, PoolName } from "../../domain/ids.ts";
import type { Queryable } from "../schema.ts";
import { rowOf } from "../statement.ts";
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

const newestInState = rowOf((db, { pool, state }: { readonly pool: PoolName; readonly state: LaunchRow["state"] }) =>
  db
    .selectFrom("launches")
    .selectAll()
    .where("pool", "=", pool)
    .where("state", "=", state)
    .orderBy("created_ms", "desc")
    .orderBy("id", "desc")
    .limit(1),
);

/** The pool's newest of whatever state, as long as it is kept; null where there is none. */
export async function findLastLaunch(db: Queryable, pool: PoolName): Promise<LaunchRow | null> {
  let last: LaunchRow | null = null;
  // Each state is one look into the index.
  for (const state of ["open", "done", "refused"] as const) {
    const row = await newestInState(db, { pool, state });
    if (row !== undefined && row.created_ms >= (last?.createdAtMs ?? 0)) last = toLaunch(row);
  }
  return last;
}

/**
 * A pool's launches that were drafted, besides this one, and may have been carried out: those that are open, and those that
 * were closed since, whatever their answer was.
 */
export async function listDraftedBeside(
  db: Queryable,
  { id, pool }: LaunchRow,
  closedSinceMs: number,
): Promise<readonly LaunchRow[]> {
  const open = (await listOpenLaunches(db, pool)).filter((one) => one.id !== id && one.order !== null);
  const rows = await db
    .selectFrom("launches")
    .selectAll()
    .where("pool", "=", pool)
    .where("answered_ms", ">=", closedSinceMs)
    .where("id", "!=", id)
    .where("provider_order", "is not", null)
    .orderBy("answered_ms")
    .orderBy("id")
    .execute();
  return [...open, ...rows.map(toLaunch)];
}
