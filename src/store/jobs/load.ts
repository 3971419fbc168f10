import { type ConnectionName, type JobId, parseJobId } from "../../domain/ids.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { type JobRow, toJobRow } from "./row.ts";

export async function loadJob(db: Queryable, connection: ConnectionName, id: JobId): Promise<JobRow | null> {
  const columns = await db
    .selectFrom("jobs")
    .selectAll()
    .where("connection", "=", connection)
    .where("id", "=", id)
    .executeTakeFirst();
  return columns === undefined ? null : toJobRow(columns);
}

/** The jobs of this number, of whatever connection. */
export async function findJobById(db: Queryable, id: JobId): Promise<readonly JobRow[]> {
  const rows = await db.selectFrom("jobs").selectAll().where("id", "=", id).orderBy("connection").execute();
  return rows.map(toJobRow);
}

/** Of one run; a matrix has 256 jobs at most. */
const RUN_JOBS_MAX = 1_000;

/** The jobs of a run, of whatever connection, the newest attempt first and then by id. */
export async function findJobsOfRun(db: Queryable, runId: number): Promise<readonly JobRow[]> {
  const rows = await db
    .selectFrom("jobs")
    .selectAll()
    .where("run_id", "=", runId)
    .orderBy("run_attempt", "desc")
    .orderBy("id")
    .limit(RUN_JOBS_MAX)
    .execute();
  return rows.map(toJobRow);
}

const ofRunners = rowsOf((db, { chunk }: { readonly chunk: readonly string[] }) =>
  db.selectFrom("jobs").selectAll().where("runner_name", "in", chunk),
);

/** The jobs that GitHub says run or ran on runners of these names, in no order. */
export async function findJobsByRunnerNames(db: Queryable, names: readonly string[]): Promise<readonly JobRow[]> {
  const rows = await readInChunks([...new Set(names)], (chunk) => ofRunners(db, { chunk }));
  return rows.map(toJobRow);
}

const namesOf = rowsOf((db, { chunk }: { readonly chunk: readonly string[] }) =>
  db.selectFrom("jobs").select("runner_name").distinct().where("runner_name", "in", chunk),
);

/** Those of these names of which `findJobsByRunnerNames` would find a job. */
export async function findNamedRunners(db: Queryable, names: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await readInChunks([...new Set(names)], (chunk) => namesOf(db, { chunk }));
  return new Set(rows.flatMap((row) => row.runner_name ?? []));
}

/** Which of these jobs are here. */
export async function listKnownJobs(
  db: Queryable,
  connection: ConnectionName,
  ids: readonly JobId[],
): Promise<ReadonlySet<JobId>> {
  const rows = await readInChunks(ids, (chunk) =>
    db.selectFrom("jobs").select("id").where("connection", "=", connection).where("id", "in", chunk).execute(),
  );
  return new Set(rows.map(({ id }) => parseJobId(id)));
}
