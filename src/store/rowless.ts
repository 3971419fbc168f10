/**
 * Machines that no row knows and whose agents speak: no listing may ever show them, and only the process that holds their pool
 * can adopt them. Whichever process hears them tells it. Times are the database's own.
 */
import { sql } from "kysely";
import { type ProviderId, parseProviderId } from "../domain/ids.ts";
import { MINUTE_MS } from "../domain/units.ts";
import { DATABASE_NOW_MS } from "./database-clock.ts";
import type { Queryable } from "./schema.ts";
import { rowsOf } from "./statement.ts";
import type { Store } from "./store.ts";
import { inTransaction } from "./transaction.ts";

/** Whoever speaks on is told again and again. */
const TOLD_FOR_MS = MINUTE_MS;

/** Idempotent. @param listener the process that heard them. */
export async function saveRowless(store: Store, ids: readonly ProviderId[], listener: string): Promise<void> {
  if (ids.length === 0) return;
  const told = { spoke_ms: DATABASE_NOW_MS, told_by: listener };
  await inTransaction(store, async (tx) => {
    await tx
      .deleteFrom("rowless_agents")
      .where("spoke_ms", "<", sql<number>`${DATABASE_NOW_MS} - ${TOLD_FOR_MS}`)
      .execute();
    await tx
      .insertInto("rowless_agents")
      .values(ids.map((id) => ({ provider_id: id, ...told })))
      .onConflict((conflict) => conflict.column("provider_id").doUpdateSet(told))
      .execute();
  });
}

const told = rowsOf((db, { listener }: { readonly listener: string }) =>
  db
    .selectFrom("rowless_agents")
    .select("provider_id")
    .where("told_by", "!=", listener)
    .where("spoke_ms", ">=", sql<number>`${DATABASE_NOW_MS} - ${TOLD_FOR_MS}`),
);

/** @returns what processes other than this one told of late. */
export async function readRowlessElsewhere(db: Queryable, listener: string): Promise<readonly ProviderId[]> {
  return (await told(db, { listener })).map(({ provider_id }) => parseProviderId(provider_id));
}
