/**
 * Which store this is. Its generation grows with each opening and while it is open, durably and before anybody hears of it:
 * an agent that has seen a higher one has spoken to a later store than this, which was restored from a backup.
 */
import { sql } from "kysely";
import type { MachineId } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { ALL_POOLS } from "../domain/operator-words.ts";
import { listPresentMachines } from "./machines/list.ts";
import { savePresumed } from "./machines/presume.ts";
import type { Queryable } from "./schema.ts";
import { rowOf } from "./statement.ts";
import type { Store } from "./store.ts";

/** No store is opened so often: a higher one is somebody's invention. */
const GENERATION_MAX = 2 ** 40;

export interface Standing {
  readonly generation: number;
  /** A freeze is in force over the machine's pool, or over all of them where the machine has no row. */
  readonly isFrozen: boolean;
}

const standing = rowOf((db, { machineId }: { readonly machineId: MachineId }) =>
  db
    .selectFrom("store_facts")
    .select(["generation", sql<number>`exists ${frozenBy(db, machineId)}`.as("is_frozen")])
    .where("key", "=", 1),
);

function frozenBy(db: Queryable, machineId: MachineId) {
  const pool = db.selectFrom("machines").select("pool").where("id", "=", machineId);
  return db
    .selectFrom("freezes")
    .select("scope")
    .where("scope", "in", [sql.val(ALL_POOLS), pool]);
}

/** What every agent is told besides what is its own, by one look. */
export async function readStanding(db: Queryable, machineId: MachineId): Promise<Standing> {
  const row = await standing(db, { machineId });
  invariant(row !== undefined, "a store has its facts from its first migration on");
  return { generation: row.generation, isFrozen: row.is_frozen === 1 };
}

/**
 * So that a backup is behind what agents have seen, also one that was made while the store was open: by two, for its own
 * opening makes up for one.
 */
export async function advanceGeneration(db: Queryable): Promise<void> {
  await db.updateTable("store_facts").set({ generation: sql<number>`generation + 2` }).where("key", "=", 1).execute();
}

/** Passes what an agent has seen. @returns false where the store was not behind it. */
export async function passGeneration(tx: Queryable, seen: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("store_facts")
    .set({ generation: Math.min(seen, GENERATION_MAX) + 1 })
    .where("key", "=", 1)
    .where("generation", "<", Math.min(seen, GENERATION_MAX))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * The store knows less than the truth: every machine that may exist is presumed to hold a ticket, until its agent has said
 * what it holds. Once for each opening: a store is not restored under those that have it open.
 * @param opening `Store.generation`. @returns whether it was news.
 */
export async function markRestored(tx: Queryable, opening: Store["generation"], nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("store_facts")
    .set({ restored_generation: opening, restored_ms: nowMs })
    .where("key", "=", 1)
    .where((where) => where.or([where("restored_generation", "is", null), where("restored_generation", "!=", opening)]))
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  const why = "the store was restored from a backup";
  for (const machine of await listPresentMachines(tx))
    await savePresumed(tx, machine, { origin: "restored", why, nowMs });
  return true;
}

/** When it was last found to have been restored from a backup, in epoch milliseconds; null if never. */
export async function readRestoredAtMs(db: Queryable): Promise<number | null> {
  const row = await db.selectFrom("store_facts").select("restored_ms").where("key", "=", 1).executeTakeFirstOrThrow();
  return row.restored_ms;
}
