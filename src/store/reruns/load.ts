import type { ConnectionName } from "../../domain/ids.ts";
import type { Job } from "../../domain/job.ts";
import type { Rerun } from "../../domain/rerun.ts";
import type { Queryable } from "../schema.ts";
import { toRerun } from "./row.ts";

/** The one of this job, in whichever attempt of its run it was lost; null where it never was. */
export async function loadRerun(
  db: Queryable,
  { connection, runId, name }: Pick<Job, "connection" | "runId" | "name">,
): Promise<Rerun | null> {
  const row = await db
    .selectFrom("reruns")
    .selectAll()
    .where("connection", "=", connection)
    .where("run_id", "=", runId)
    .where("job_name", "=", name)
    .executeTakeFirst();
  return row === undefined ? null : toRerun(row);
}

/** Those whose next look is due, the longest due first. @param options.nowMs epoch milliseconds. */
export async function listDueReruns(
  db: Queryable,
  connection: ConnectionName,
  options: { readonly nowMs: number; readonly limitCount: number },
): Promise<readonly Rerun[]> {
  const rows = await db
    .selectFrom("reruns")
    .selectAll()
    .where("connection", "=", connection)
    // Those that are not due have none.
    .where("next_ms", "<=", options.nowMs)
    .orderBy("next_ms")
    .limit(options.limitCount)
    .execute();
  return rows.map(toRerun);
}
