/** Machines whose agent said something that has not been attended to yet: a set of its own, so that nobody reads the fleet. */
import { sql } from "kysely";
import type { MachineId, PoolName } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Queryable } from "../schema.ts";
import { countOf, rowsOf } from "../statement.ts";
import { toMachine } from "./row.ts";

const withNews = rowsOf((db, { pool, limitCount }: { readonly pool: PoolName; readonly limitCount: number }) =>
  db
    .selectFrom("machines")
    .selectAll()
    .where("pool", "=", pool)
    // Written out: a partial index serves only a query that shows its condition.
    .where("is_report_pending", "=", sql.lit(1))
    .orderBy("id")
    .limit(limitCount),
);

/** In no order that means anything. */
export async function listMachinesWithNews(
  db: Queryable,
  pool: PoolName,
  limitCount: number,
): Promise<readonly Machine[]> {
  const rows = await withNews(db, { pool, limitCount });
  return rows.map(toMachine);
}

const attended = countOf((db, { id, sequence }: { readonly id: MachineId; readonly sequence: number }) =>
  db.updateTable("machines").set({ is_report_pending: 0 }).where("id", "=", id).where("sequence", "=", sequence),
);

/** Idempotent. @param sequence of the report that was attended to: a later one stays news. */
export async function markAttended(db: Queryable, id: MachineId, sequence: number): Promise<void> {
  await attended(db, { id, sequence });
}
