/**
 * When an agent was last heard, and by which process: any replica takes agents' messages, and the one that holds the lease
 * must not call silence what another one hears. Times are the database's own.
 */
import { sql } from "kysely";
import { type MachineId, parseMachineId } from "../domain/ids.ts";
import { DATABASE_NOW_MS } from "./database-clock.ts";
import type { Queryable } from "./schema.ts";
import { countOf, rowsOf } from "./statement.ts";

interface HearingValues {
  readonly machineId: MachineId;
  readonly listener: string;
  /** 1 for an agent's word, 0 for a refused try. */
  readonly isWord: number;
}

const upsert = countOf((db, { machineId, listener, isWord }: HearingValues) =>
  db
    .insertInto("hearings")
    .columns(["machine_id", "listener", "heard_ms", "stirred_ms"])
    .expression(
      db
        .selectFrom("machines")
        .select(({ val }) => [
          "id",
          val(listener).as("listener"),
          sql<number | null>`case when ${isWord} = 1 then ${DATABASE_NOW_MS} end`.as("heard_ms"),
          DATABASE_NOW_MS.as("stirred_ms"),
        ])
        .where("id", "=", machineId),
    )
    .onConflict((conflict) =>
      conflict.column("machine_id").doUpdateSet(({ ref, fn }) => ({
        listener: ref("excluded.listener"),
        heard_ms: fn.coalesce("excluded.heard_ms", "hearings.heard_ms"),
        stirred_ms: ref("excluded.stirred_ms"),
      })),
    ),
);

/** The machine's agent is heard now. Idempotent; does nothing for a machine without a row. */
export async function saveWord(db: Queryable, machineId: MachineId, listener: string): Promise<void> {
  await upsert(db, { machineId, listener, isWord: 1 });
}

/** Somebody is refused now who tries to speak as this machine. Idempotent; does nothing for a machine without a row. */
export async function saveTry(db: Queryable, machineId: MachineId, listener: string): Promise<void> {
  await upsert(db, { machineId, listener, isWord: 0 });
}

/** Idempotent. */
export async function forgetHearing(db: Queryable, machineId: MachineId): Promise<void> {
  await db.deleteFrom("hearings").where("machine_id", "=", machineId).execute();
}

export interface HeardElsewhere {
  readonly machineId: MachineId;
  /** So many milliseconds ago; null where there were refused tries alone. */
  readonly heardForMs: number | null;
  /** The same, refused tries included. */
  readonly stirredForMs: number;
}

const ofOthers = rowsOf((db, { listener }: { readonly listener: string }) =>
  db
    .selectFrom("hearings")
    .select([
      "machine_id",
      sql<number | null>`${DATABASE_NOW_MS} - heard_ms`.as("heard_for_ms"),
      sql<number>`${DATABASE_NOW_MS} - stirred_ms`.as("stirred_for_ms"),
    ])
    .where("listener", "!=", listener),
);

/** @returns what other processes heard, of each machine that one of them was the last to hear. */
export async function readHeardElsewhere(db: Queryable, listener: string): Promise<readonly HeardElsewhere[]> {
  const rows = await ofOthers(db, { listener });
  return rows.map((row) => ({
    machineId: parseMachineId(row.machine_id),
    heardForMs: row.heard_for_ms,
    stirredForMs: row.stirred_for_ms,
  }));
}
