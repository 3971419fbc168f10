/** Freezes: a row for each scope that is frozen. While there is one for a pool, or for all, nothing in it is ended. */
import type { PoolName } from "../domain/ids.ts";
import type { OperatorMark } from "../domain/machine.ts";
import { ALL_POOLS, type FreezeScope } from "../domain/operator-words.ts";
import type { FreezesTable, Queryable } from "./schema.ts";
import { rowOf } from "./statement.ts";

export interface Freeze {
  readonly scope: FreezeScope;
  readonly mark: OperatorMark;
}

/** That of all pools first, then by name. */
export async function listFreezes(db: Queryable): Promise<readonly Freeze[]> {
  const rows = await db.selectFrom("freezes").selectAll().orderBy("scope").execute();
  return rows.map(toFreeze);
}

export async function findFreeze(db: Queryable, scope: FreezeScope): Promise<Freeze | null> {
  const row = await db.selectFrom("freezes").selectAll().where("scope", "=", scope).executeTakeFirst();
  return row === undefined ? null : toFreeze(row);
}

const overPool = rowOf((db, { pool }: { readonly pool: PoolName }) =>
  db.selectFrom("freezes").selectAll().where("scope", "in", [ALL_POOLS, pool]).orderBy("scope").limit(1),
);

/** The freeze that is in force for a pool: that of all pools before its own; null where nothing stops its endings. */
export async function findFreezeOver(db: Queryable, pool: PoolName): Promise<Freeze | null> {
  const row = await overPool(db, { pool });
  return row === undefined ? null : toFreeze(row);
}

/** The first one counts. @returns false, with nothing written, where the scope is frozen. */
export async function insertFreeze(db: Queryable, { scope, mark }: Freeze): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("freezes")
    .values({ scope, operator: mark.operator, reason: mark.reason, since_ms: mark.atMs })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** @returns false where the scope was not frozen. */
export async function deleteFreeze(db: Queryable, scope: FreezeScope): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom("freezes").where("scope", "=", scope).executeTakeFirst();
  return numDeletedRows > 0n;
}

function toFreeze(row: FreezesTable): Freeze {
  // No pool's name holds an asterisk, and only names of pools come in.
  return {
    scope: row.scope as FreezeScope,
    mark: { operator: row.operator, reason: row.reason, atMs: row.since_ms },
  };
}
