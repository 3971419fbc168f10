import type { Rerun } from "../../domain/rerun.ts";
import type { Queryable } from "../schema.ts";
import { toRerunColumns } from "./row.ts";

/** @returns false, with nothing written, where this job of this run was to run again before: once is all. */
export async function insertRerun(db: Queryable, rerun: Rerun): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("reruns")
    .values({ ...toRerunColumns(rerun), version: 1 })
    .onConflict((conflict) => conflict.columns(["connection", "run_id", "job_name"]).doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/**
 * Writes all of it by compare-and-set; the stored version is the next.
 * @returns false, with nothing written, where another version is stored than `rerun.version`.
 */
export async function saveRerun(db: Queryable, rerun: Rerun): Promise<boolean> {
  const columns = toRerunColumns(rerun);
  const { numUpdatedRows } = await db
    .updateTable("reruns")
    .set({ ...columns, version: rerun.version + 1 })
    .where("connection", "=", rerun.connection)
    .where("run_id", "=", rerun.runId)
    .where("job_name", "=", rerun.jobName)
    .where("version", "=", rerun.version)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
