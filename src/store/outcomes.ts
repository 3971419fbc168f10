/** What breakers are judged by: the tries that failed since the last one that succeeded was made, and that one. */
import type { Outcome } from "../domain/breakers.ts";
import { type ConnectionName, type JobId, type PoolName, parseJobId } from "../domain/ids.ts";
import type { RetireReason } from "../domain/reasons.ts";
import type { TicketStateKind } from "../domain/ticket.ts";
import { readInChunks } from "./chunks.ts";
import type { Queryable } from "./schema.ts";
import { rowOf, rowsOf } from "./statement.ts";

/** Failures that are read; more change nothing, for the pause between probes has its limit long before. */
const FAILURES_MAX = 50;

/** A ticket that ran a job, whatever became of the job. */
const PROVEN_STATES = ["running", "spent"] as const satisfies readonly TicketStateKind[];

const newestBarren = rowsOf((db, { pool }: { readonly pool: PoolName }) =>
  db
    .selectFrom("tickets")
    .select(["created_ms", "state_since_ms"])
    .where("pool", "=", pool)
    .where("state", "=", "barren")
    .orderBy("created_ms", "desc")
    .orderBy("id", "desc")
    .limit(FAILURES_MAX),
);

/**
 * A barren ticket failed. One that was handed back or voided, or whose machine was lost, says nothing of what its runner
 * would have done. Without a failure that counts there are no outcomes: nobody asks then what succeeded.
 */
export async function readTicketOutcomes(db: Queryable, pool: PoolName): Promise<readonly Outcome[]> {
  const barren = await newestBarren(db, { pool });
  if (barren.length === 0) return [];
  const provenMs = await readProvenMs(db, pool);
  const counting = barren.filter((row) => row.created_ms > (provenMs ?? -1));
  return [...proven(provenMs), ...counting.map((row) => failed(row.created_ms, row.state_since_ms))];
}

const newestInState = rowOf((db, { pool, state }: { readonly pool: PoolName; readonly state: TicketStateKind }) =>
  db
    .selectFrom("tickets")
    .select("created_ms")
    .where("pool", "=", pool)
    .where("state", "=", state)
    .orderBy("created_ms", "desc")
    .limit(1),
);

/** When the ticket was made that ran a job and was made last. Each state is one look into the index. */
async function readProvenMs(db: Queryable, pool: PoolName): Promise<number | null> {
  let newestMs: number | null = null;
  for (const state of PROVEN_STATES) {
    const row = await newestInState(db, { pool, state });
    if (row !== undefined) newestMs = Math.max(newestMs ?? 0, row.created_ms);
  }
  return newestMs;
}

const ofJobs = rowsOf(
  (db, { connection, chunk }: { readonly connection: ConnectionName; readonly chunk: readonly JobId[] }) =>
    db
      .selectFrom("tickets")
      .select(["job_id", "state", "created_ms", "state_since_ms"])
      .where("connection", "=", connection)
      .where("job_id", "in", chunk)
      .where("state", "in", ["barren", ...PROVEN_STATES]),
);

/** As `readTicketOutcomes`, of single jobs and in whichever pool; a job without any is left out. */
export async function readTicketOutcomesOfJobs(
  db: Queryable,
  connection: ConnectionName,
  jobIds: readonly JobId[],
): Promise<ReadonlyMap<JobId, readonly Outcome[]>> {
  const rows = await readInChunks(jobIds, (chunk) => ofJobs(db, { connection, chunk }));
  const outcomes = new Map<JobId, Outcome[]>();
  for (const row of rows) {
    if (row.job_id === null) continue;
    const jobId = parseJobId(row.job_id);
    const outcome =
      row.state === "barren"
        ? failed(row.created_ms, row.state_since_ms)
        : { madeAtMs: row.created_ms, failedAtMs: null };
    outcomes.set(jobId, [...(outcomes.get(jobId) ?? []), outcome]);
  }
  return outcomes;
}

/** Reasons for which a machine ends that ought to have checked in. */
const UNHEARD_REASONS = ["boot-deadline", "machine-dead"] as const satisfies readonly RetireReason[];

const newestHeard = rowOf((db, { pool }: { readonly pool: PoolName }) => heardLast(db, pool));
const unheardSince = rowsOf((db, { pool }: { readonly pool: PoolName }) =>
  db
    .selectFrom("machines")
    .select(["created_ms", "state_since_ms"])
    .where("pool", "=", pool)
    .where("is_agent_seen", "=", 0)
    .where("created_ms", ">", ({ fn, val }) => fn.coalesce(heardLast(db, pool), val(-1)))
    .where("state", "in", ["retiring", "gone"])
    .where("reason", "in", UNHEARD_REASONS)
    .orderBy("created_ms", "desc")
    .limit(FAILURES_MAX),
);

function heardLast(db: Queryable, pool: PoolName) {
  return db
    .selectFrom("machines")
    .select("created_ms")
    .where("pool", "=", pool)
    .where("is_agent_seen", "=", 1)
    .orderBy("created_ms", "desc")
    .limit(1);
}

/** A machine that anybody was ever heard from succeeded, a refused check-in included. Else as `readTicketOutcomes`. */
export async function readLaunchOutcomes(db: Queryable, pool: PoolName): Promise<readonly Outcome[]> {
  const unheard = await unheardSince(db, { pool });
  if (unheard.length === 0) return [];
  const provenMs = (await newestHeard(db, { pool }))?.created_ms ?? null;
  return [...proven(provenMs), ...unheard.map((row) => failed(row.created_ms, row.state_since_ms))];
}

function proven(madeAtMs: number | null): readonly Outcome[] {
  return madeAtMs === null ? [] : [{ madeAtMs, failedAtMs: null }];
}

function failed(madeAtMs: number, failedAtMs: number): Outcome {
  return { madeAtMs, failedAtMs };
}
