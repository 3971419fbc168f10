import type { Queryable } from "../schema.ts";
import { type JobRow, toJobColumns } from "./row.ts";

/**
 * Writes all of a job by compare-and-set. The stored version is `expectedVersion + 1`, whatever `row.version` says, and
 * the stored `updatedAtMs` is `nowMs`.
 * @param expectedVersion the version that was read; null inserts, as version 1.
 * @returns false, with nothing written, where another version is stored or, for an insert, the job is there.
 */
export async function saveJob(
  db: Queryable,
  row: JobRow,
  expectedVersion: number | null,
  nowMs: number,
): Promise<boolean> {
  const columns = toJobColumns({ ...row, version: (expectedVersion ?? 0) + 1, updatedAtMs: nowMs });
  if (expectedVersion === null) {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto("jobs")
      .values(columns)
      .onConflict((conflict) => conflict.columns(["connection", "id"]).doNothing())
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  }
  const { numUpdatedRows } = await db
    .updateTable("jobs")
    .set(columns)
    .where("connection", "=", columns.connection)
    .where("id", "=", columns.id)
    .where("version", "=", expectedVersion)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
