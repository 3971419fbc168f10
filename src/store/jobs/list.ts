import type { QueuedJob } from "../../domain/hand-back.ts";
import { type ConnectionName, type PoolName, parseConnectionName, parseJobId } from "../../domain/ids.ts";
import { JOB_STATUSES, type JobStatus } from "../../domain/job.ts";
import { isServedBy, type PoolPolicy } from "../../domain/pool.ts";
import type { ListPlace } from "../list-place.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { type JobRow, toJobRow } from "./row.ts";

/** Queued jobs that a pool has, oldest first: by GitHub's `created_at`, then by id. */
export async function listQueuedJobs(db: Queryable, limitCount: number): Promise<readonly JobRow[]> {
  const rows = await queued(db, limitCount).where("pool", "is not", null).execute();
  return rows.map(toJobRow);
}

const queuedOfPool = rowsOf((db, { pool, limitCount }: { readonly pool: PoolName; readonly limitCount: number }) =>
  queued(db, limitCount).where("pool", "=", pool),
);

/** As `listQueuedJobs`, of one pool. */
export async function listQueuedJobsOfPool(
  db: Queryable,
  pool: PoolName,
  limitCount: number,
): Promise<readonly JobRow[]> {
  const rows = await queuedOfPool(db, { pool, limitCount });
  return rows.map(toJobRow);
}

/** As `listQueuedJobs`, with those that no pool has. */
export async function listQueuedAndUnroutedJobs(db: Queryable, limitCount: number): Promise<readonly JobRow[]> {
  const rows = await queued(db, limitCount).execute();
  return rows.map(toJobRow);
}

/** As many are looked at, the oldest of them. */
const WAITING_COUNT_MAX = 2_000;

const waitingOf = rowsOf((db, { connection }: { readonly connection: ConnectionName }) =>
  db
    .selectFrom("jobs")
    .select(["id", "connection", "repository", "labels"])
    .where("status", "=", "queued")
    .where("connection", "=", connection)
    .orderBy("created_ms")
    .orderBy("id")
    .limit(WAITING_COUNT_MAX),
);

/** Queued jobs that a pool accepts, whichever pool has them: GitHub gives each to any listener that fits. Oldest first. */
export async function listJobsServedBy(db: Queryable, pool: PoolPolicy): Promise<readonly QueuedJob[]> {
  const rows = await waitingOf(db, { connection: pool.connection });
  return rows.flatMap(({ id, connection, repository, labels }) => {
    const job = {
      id: parseJobId(id),
      connection: parseConnectionName(connection),
      repository,
      labels: JSON.parse(labels),
    };
    return isServedBy(pool, job) ? [job] : [];
  });
}

function queued(db: Queryable, limitCount: number) {
  return db
    .selectFrom("jobs")
    .selectAll()
    .where("status", "=", "queued")
    .orderBy("created_ms")
    .orderBy("id")
    .limit(limitCount);
}

export interface RecentJobsOptions {
  readonly limitCount: number;
  /** All, where it is left out. */
  readonly statuses?: readonly JobStatus[] | undefined;
  readonly pool?: PoolName | undefined;
  /** Only what GitHub created then or later. */
  readonly sinceMs?: number | undefined;
  /** Only what stands after this place in the list. */
  readonly before?: ListPlace<number> | undefined;
}

/** Newest first, by GitHub's `created_at`, then by id. */
export async function listRecentJobs(db: Queryable, options: RecentJobsOptions): Promise<readonly JobRow[]> {
  const { limitCount, pool, sinceMs, before } = options;
  const recent = db
    .selectFrom("jobs")
    .selectAll()
    .$if(pool !== undefined, (query) => query.where("pool", "=", pool ?? null))
    .$if(sinceMs !== undefined, (query) => query.where("created_ms", ">=", sinceMs ?? 0))
    .$if(before !== undefined, (query) => {
      const { createdAtMs = 0, id = 0 } = before ?? {};
      return query
        .where("created_ms", "<=", createdAtMs)
        .where((where) => where.or([where("created_ms", "<", createdAtMs), where("id", "<", id)]));
    })
    .orderBy("created_ms", "desc")
    .orderBy("id", "desc")
    .limit(limitCount);
  const statuses = options.statuses ?? (pool === undefined ? undefined : JOB_STATUSES);
  if (statuses === undefined) return (await recent.execute()).map(toJobRow);
  // Each status is a range of the index, and each status of a pool is; all at once would be a search through every job.
  const rows: JobRow[] = [];
  for (const status of new Set(statuses))
    rows.push(...(await recent.where("status", "=", status).execute()).map(toJobRow));
  return rows.sort((a, b) => b.job.createdAtMs - a.job.createdAtMs || b.job.id - a.job.id).slice(0, limitCount);
}

/** Open jobs of one repository are bounded by what GitHub queues; more than these wait for the next look. */
const OPEN_JOBS_MAX = 5_000;

/** Jobs of a repository that are not completed and that a pool has; in no order. */
export async function listOpenJobsOfRepository(
  db: Queryable,
  connection: ConnectionName,
  repository: string,
): Promise<readonly JobRow[]> {
  const rows = await db
    .selectFrom("jobs")
    .selectAll()
    .where("status", "in", ["waiting", "queued", "in_progress"])
    .where("connection", "=", connection)
    .where("repository", "=", repository)
    .where("pool", "is not", null)
    .limit(OPEN_JOBS_MAX)
    .execute();
  return rows.map(toJobRow);
}

/** The repositories that have such jobs: also under a name that they have no more. */
export async function listRepositoriesWithOpenJobs(
  db: Queryable,
  connection: ConnectionName,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("jobs")
    .select("repository")
    .distinct()
    .where("status", "in", ["waiting", "queued", "in_progress"])
    .where("connection", "=", connection)
    .where("pool", "is not", null)
    .limit(OPEN_JOBS_MAX)
    .execute();
  return rows.map(({ repository }) => repository);
}
