import { type PoolName, parsePoolName } from "../../domain/ids.ts";
import type { JobStatus } from "../../domain/job.ts";
import type { Queryable } from "../schema.ts";

/** Every status is there, with 0 where it has no job. */
export async function countJobsByStatus(db: Queryable): Promise<Readonly<Record<JobStatus, number>>> {
  const rows = await db
    .selectFrom("jobs")
    .select(["status", (select) => select.fn.countAll<number>().as("count")])
    .groupBy("status")
    .execute();
  const counts: Record<JobStatus, number> = { waiting: 0, queued: 0, in_progress: 0, completed: 0 };
  for (const row of rows) counts[row.status as JobStatus] = row.count;
  return counts;
}

/** Queued jobs of each pool that has any. */
export async function countQueuedByPool(db: Queryable): Promise<ReadonlyMap<PoolName, number>> {
  const rows = await db
    .selectFrom("jobs")
    .select(["pool", (select) => select.fn.countAll<number>().as("count")])
    .where("status", "=", "queued")
    .where("pool", "is not", null)
    .groupBy("pool")
    .execute();
  return new Map(rows.map((row) => [parsePoolName(row.pool ?? ""), row.count]));
}

/**
 * Jobs that ended since then, by GitHub's clock.
 * @param slackMs how far its clock may be ahead of ours: a job's row was written by ours when it ended, or later.
 */
export async function countCompletedSince(
  db: Queryable,
  { sinceMs, slackMs }: { readonly sinceMs: number; readonly slackMs: number },
): Promise<number> {
  const row = await db
    .selectFrom("jobs")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("status", "=", "completed")
    .where("updated_ms", ">=", sinceMs - slackMs)
    .where("completed_ms", ">=", sinceMs)
    .executeTakeFirstOrThrow();
  return row.count;
}
