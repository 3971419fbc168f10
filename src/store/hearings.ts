/**
 * When an agent was last heard, and by which process: any replica takes agents' messages, and the one that holds the lease
 * must not call silence what another one hears. Times are the database's own.
 */
import { sql } from "kysely";
import { type MachineId, type PoolName, parseMachineId } from "../domain/ids.ts";
import { DATABASE_NOW_MS } from "./database-clock.ts";
import type { Queryable } from "./schema.ts";
import { countOf, rowsOf } from "./statement.ts";
import type { Store } from "./store.ts";
import { inTransaction } from "./transaction.ts";

/** How long ago a machine gave a sign; by a monotonic clock, which has parts of milliseconds. */
export interface Heard {
  readonly machineId: MachineId;
  /** Milliseconds since its agent's last word; null where there were refused tries alone. */
  readonly heardForMs: number | null;
  /** The same, refused tries to speak as it included. */
  readonly stirredForMs: number;
}

interface Telling extends Heard {
  readonly listener: string;
  readonly pools: readonly PoolName[];
}

/** A word is kept until a later one is told. */
function ifLater<Value>(column: "heard_ms" | "heard_by") {
  const [told, kept] = [sql.ref(`excluded.${column}`), sql.ref(`hearings.${column}`)];
  return sql<Value>`case when excluded.heard_ms > coalesce(hearings.heard_ms, 0) then ${told} else ${kept} end`;
}

const upsert = countOf((db, { machineId, listener, heardForMs, stirredForMs, pools }: Telling) =>
  db
    .insertInto("hearings")
    .columns(["machine_id", "heard_ms", "heard_by", "stirred_ms", "stirred_by"])
    .expression(
      db
        .selectFrom("machines")
        .select(({ val }) => [
          "id",
          sql<number | null>`${DATABASE_NOW_MS} - ${heardForMs}`.as("heard_ms"),
          sql<string | null>`case when ${heardForMs} is null then null else ${listener} end`.as("heard_by"),
          sql<number>`${DATABASE_NOW_MS} - ${stirredForMs}`.as("stirred_ms"),
          val(listener).as("stirred_by"),
        ])
        .where("id", "=", machineId)
        .where("pool", "in", pools),
    )
    .onConflict((conflict) =>
      conflict.column("machine_id").doUpdateSet(({ ref }) => ({
        heard_ms: ifLater("heard_ms"),
        heard_by: ifLater("heard_by"),
        stirred_ms: ref("excluded.stirred_ms"),
        stirred_by: ref("excluded.stirred_by"),
      })),
    ),
);

/**
 * Tells whoever holds these pools. Idempotent; says nothing of machines of other pools, and of those without a row.
 * @param listener the process that heard them.
 */
export async function saveHeard(
  store: Store,
  heard: readonly Heard[],
  { listener, pools }: { readonly listener: string; readonly pools: readonly PoolName[] },
): Promise<void> {
  if (heard.length === 0 || pools.length === 0) return;
  await inTransaction(store, async (tx) => {
    for (const { machineId, heardForMs, stirredForMs } of heard) {
      const wholeMs = {
        heardForMs: heardForMs === null ? null : Math.floor(heardForMs),
        stirredForMs: Math.floor(stirredForMs),
      };
      await upsert(tx, { machineId, ...wholeMs, listener, pools });
    }
  });
}

/** Idempotent. */
export async function forgetHeard(db: Queryable, machineId: MachineId): Promise<void> {
  await db.deleteFrom("hearings").where("machine_id", "=", machineId).execute();
}

const all = rowsOf((db, _none: object) =>
  db
    .selectFrom("hearings")
    .select([
      "machine_id",
      "heard_by",
      "stirred_by",
      sql<number | null>`${DATABASE_NOW_MS} - heard_ms`.as("heard_for_ms"),
      sql<number>`${DATABASE_NOW_MS} - stirred_ms`.as("stirred_for_ms"),
    ]),
);

/** @returns what processes other than this one told. */
export async function readHeardElsewhere(db: Queryable, listener: string): Promise<readonly Heard[]> {
  const rows = await all(db, {});
  return rows.flatMap((row) => {
    const heardForMs = row.heard_by === listener ? null : row.heard_for_ms;
    const stirredForMs = row.stirred_by === listener ? heardForMs : row.stirred_for_ms;
    return stirredForMs === null ? [] : [{ machineId: parseMachineId(row.machine_id), heardForMs, stirredForMs }];
  });
}
