/**
 * Deletes what is final and old. Final is: a delivery applied or ignored (a quarantined one waits for a person, a pending
 * one for ingest), a job completed, a launch answered whose machines are no longer stored, and a machine that is gone with
 * all its tickets over and their registrations gone. Tickets, secrets, logs, evidence and decisions of a job or machine
 * are deleted with it and not before; the history of pools and deliveries, and of machines and tickets that are not
 * stored, by its age alone; and so what was done about lost jobs, but later.
 */
import { sql } from "kysely";
import type { SubjectKind } from "../domain/evidence.ts";
import { parseConnectionName, parseJobId } from "../domain/ids.ts";
import { DAY_MS } from "../domain/units.ts";
import { readInChunks } from "./chunks.ts";
import type { Queryable } from "./schema.ts";
import { jobSubject } from "./subjects.ts";
import { LIVE_STATES } from "./tickets/row.ts";

/** Rows of each kind that one call deletes at most, so that no call holds the store for long. */
export const EXPIRED_COUNT_MAX = 500;

export interface Deleted {
  readonly deliveries: number;
  readonly jobs: number;
  readonly machines: number;
  readonly evidence: number;
  readonly decisions: number;
  readonly logs: number;
}

interface HistoryCount {
  evidence: number;
  decisions: number;
}

/**
 * Deletes one batch of each kind; to be called in a transaction, and again while it deletes something. Idempotent.
 * @param options.beforeMs epoch milliseconds; what became final at this time or later stays.
 * @returns how many rows were deleted; the tickets and launches are not counted.
 */
export async function deleteExpired(db: Queryable, options: { readonly beforeMs: number }): Promise<Deleted> {
  const { beforeMs } = options;
  const history: HistoryCount = { evidence: 0, decisions: 0 };
  const deliveries = await deleteDeliveries(db, beforeMs);
  const jobs = await deleteJobs(db, beforeMs, history);
  const { machines, logs } = await deleteMachines(db, beforeMs, history);
  await deleteLaunches(db, beforeMs);
  await deleteReruns(db, beforeMs);
  await deleteHistoryOfNothing(db, "evidence", beforeMs, history);
  await deleteHistoryOfNothing(db, "decisions", beforeMs, history);
  return { deliveries, jobs, machines, ...history, logs };
}

async function deleteDeliveries(db: Queryable, beforeMs: number): Promise<number> {
  const expired = await db
    .selectFrom("deliveries")
    .select(["connection", "id"])
    .where("state", "in", ["applied", "ignored"])
    .where("received_ms", "<", beforeMs)
    .limit(EXPIRED_COUNT_MAX)
    .execute();
  for (const { connection, id } of expired)
    await db.deleteFrom("deliveries").where("connection", "=", connection).where("id", "=", id).execute();
  return expired.length;
}

async function deleteJobs(db: Queryable, beforeMs: number, history: HistoryCount): Promise<number> {
  const expired = await db
    .selectFrom("jobs")
    .select(["connection", "id"])
    .where("status", "=", "completed")
    .where("updated_ms", "<", beforeMs)
    .limit(EXPIRED_COUNT_MAX)
    .execute();
  for (const { connection, id } of expired)
    await db.deleteFrom("jobs").where("connection", "=", connection).where("id", "=", id).execute();
  const subjects = expired.map(({ connection, id }) => jobSubject(parseConnectionName(connection), parseJobId(id)).id);
  await deleteHistory(db, "job", subjects, history);
  return expired.length;
}

async function deleteMachines(
  db: Queryable,
  beforeMs: number,
  history: HistoryCount,
): Promise<{ readonly machines: number; readonly logs: number }> {
  const expired = await db
    .selectFrom("machines")
    .select("id")
    .where("state", "=", "gone")
    .where("state_since_ms", "<", beforeMs)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom("tickets")
            .select("tickets.id")
            .whereRef("tickets.machine_id", "=", "machines.id")
            .where((where) =>
              where.or([where("state", "in", LIVE_STATES), where("registration", "in", ["present", "unknown"])]),
            ),
        ),
      ),
    )
    .limit(EXPIRED_COUNT_MAX)
    .execute();
  const ids = expired.map((row) => row.id);
  const tickets = await readInChunks(ids, (chunk) =>
    db.deleteFrom("tickets").where("machine_id", "in", chunk).returning("id").execute(),
  );
  const logs = await readInChunks(ids, (chunk) =>
    db.deleteFrom("machine_logs").where("machine_id", "in", chunk).returning("name").execute(),
  );
  await readInChunks(ids, (chunk) => db.deleteFrom("machines").where("id", "in", chunk).execute());
  await readInChunks(ids, (chunk) =>
    db.deleteFrom("drains").where("subject_kind", "=", "machine").where("subject_id", "in", chunk).execute(),
  );
  await deleteHistory(db, "machine", ids, history);
  const ticketIds = tickets.map((ticket) => ticket.id);
  await deleteHistory(db, "ticket", ticketIds, history);
  return { machines: ids.length, logs: logs.length };
}

async function deleteLaunches(db: Queryable, beforeMs: number): Promise<void> {
  const expired = await db
    .selectFrom("launches")
    .select("id")
    .where("state", "in", ["done", "refused"])
    .where("created_ms", "<", beforeMs)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("machines").select("machines.id").whereRef("machines.launch_id", "=", "launches.id"))),
    )
    .limit(EXPIRED_COUNT_MAX)
    .execute();
  await readInChunks(
    expired.map((row) => row.id),
    (chunk) => db.deleteFrom("launches").where("id", "in", chunk).execute(),
  );
}

/** GitHub lets a run be run again until 30 days after it began: until then it is known what was asked for once already. */
const RERUNS_KEPT_LONGER_MS = 30 * DAY_MS;

async function deleteReruns(db: Queryable, beforeMs: number): Promise<void> {
  const expired = await db
    .selectFrom("reruns")
    .select(["connection", "run_id", "job_name"])
    .where("lost_ms", "<", beforeMs - RERUNS_KEPT_LONGER_MS)
    .limit(EXPIRED_COUNT_MAX)
    .execute();
  for (const { connection, run_id, job_name } of expired)
    await db
      .deleteFrom("reruns")
      .where("connection", "=", connection)
      .where("run_id", "=", run_id)
      .where("job_name", "=", job_name)
      .execute();
}

async function deleteHistory(
  db: Queryable,
  kind: SubjectKind,
  ids: readonly string[],
  history: HistoryCount,
): Promise<void> {
  for (const table of ["evidence", "decisions"] as const) {
    const deleted = await readInChunks(ids, (chunk) =>
      db.deleteFrom(table).where("subject_kind", "=", kind).where("subject_id", "in", chunk).returning("id").execute(),
    );
    history[table] += deleted.length;
  }
}

/** The history of pools and deliveries, and of machines and tickets that are not stored (any more). */
async function deleteHistoryOfNothing(
  db: Queryable,
  table: "evidence" | "decisions",
  beforeMs: number,
  history: HistoryCount,
): Promise<void> {
  const { rows } = await sql<{ id: number }>`
    delete from ${sql.table(table)} where id in (
      select id from ${sql.table(table)} as old
      where confirmed_ms < ${beforeMs} and (
        subject_kind in ('pool', 'delivery')
        or (subject_kind = 'machine' and not exists (select 1 from machines where machines.id = old.subject_id))
        or (subject_kind = 'ticket' and not exists (select 1 from tickets where tickets.id = old.subject_id))
      )
      limit ${sql.lit(EXPIRED_COUNT_MAX)}
    ) returning id`.execute(db);
  history[table] += rows.length;
}
