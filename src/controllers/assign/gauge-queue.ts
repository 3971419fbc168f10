/** What a plan shows of the pool's queue. */
import { SECOND_MS } from "../../domain/units.ts";
import { queuedBoundMs, queuedSinceMs } from "../../domain/wait.ts";
import { listEvidence } from "../../store/evidence/evidence.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { jobSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";
import { gaugePool } from "../pool-gauge.ts";
import type { PoolPlan } from "./plan-pool.ts";

export async function gaugeQueue(context: PoolContext, { rows, demand }: PoolPlan): Promise<void> {
  const pool = context.pool.name;
  gaugePool(context, "holdfast_jobs_waiting", rows.size, { pool });
  const { registeredCount, readyCount } = demand.standing;
  gaugePool(context, "holdfast_tickets_standing", registeredCount, { pool, purpose: "registered" });
  gaugePool(context, "holdfast_tickets_standing", readyCount, { pool, purpose: "ready" });
  const oldestMs = await ageOfOldest(context, [...rows.values()]);
  gaugePool(context, "holdfast_oldest_queued_job_seconds", oldestMs / SECOND_MS, { pool });
  gaugePool(context, "holdfast_queued_job_bound_seconds", queuedBoundMs(context.pool.deadlines) / SECOND_MS, { pool });
}

/** @param rows by the time at which GitHub made them: one that was held until its approval has waited for less than that. */
async function ageOfOldest(context: PoolContext, rows: readonly JobRow[]): Promise<number> {
  const { memory, store, clock } = context;
  const nowMs = clock.nowMs();
  const ids = new Set(rows.map(({ job }) => job.id));
  for (const id of memory.queuedSinceMs.keys()) if (!ids.has(id)) memory.queuedSinceMs.delete(id);
  let oldestMs = 0;
  for (const { job } of rows) {
    // Those after it are no older than this.
    if (nowMs - job.createdAtMs <= oldestMs) break;
    const known = memory.queuedSinceMs.get(job.id);
    const evidence =
      known === undefined ? await listEvidence(store.db, jobSubject(job.connection, job.id), EVIDENCE_MAX) : [];
    const sinceMs = known ?? queuedSinceMs(job, evidence);
    memory.queuedSinceMs.set(job.id, sinceMs);
    oldestMs = Math.max(oldestMs, nowMs - sinceMs);
  }
  return oldestMs;
}

/** Of one job: what is written down of it before it runs is a few facts, unless GitHub is asked about it for days. */
const EVIDENCE_MAX = 200;
