/** Pools by themselves: beside what the status has of each, what its jobs wait for, what is stopped, and its last launch. */
import { byCount } from "../../domain/explain-pools.ts";
import { type PoolName, parsePoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { because } from "../../domain/timeline.ts";
import { latestDecisions } from "../../store/evidence/decisions.ts";
import { subjectKey } from "../../store/evidence/row.ts";
import { listQueuedJobsOfPool } from "../../store/jobs/list.ts";
import { findLastLaunch } from "../../store/launches/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject } from "../../store/subjects.ts";
import type { PoolAnswer, PoolDetailAnswer, PoolsAnswer } from "./answers.ts";
import { readStatus } from "./read-status.ts";
import type { OperatorSources } from "./sources.ts";

/** The oldest of a pool; what the others wait for is no other. */
const JOBS_MAX = 1_000;

/** @param name only this one; none where there is no such pool. */
export async function readPools(sources: OperatorSources, name: string | null = null): Promise<PoolsAnswer> {
  const { now, controllerId, pools } = await readStatus(sources);
  const meant = name === null ? pools : pools.filter((pool) => pool.name === name.trim().replace(/^pool:/, ""));
  const answers: PoolDetailAnswer[] = [];
  for (const pool of meant) answers.push(await readDetail(sources, pool));
  return { now, controllerId, pools: answers };
}

async function readDetail({ pools, store }: OperatorSources, pool: PoolAnswer): Promise<PoolDetailAnswer> {
  const name = parsePoolName(pool.name);
  return {
    ...pool,
    priority: pools.find((one) => one.name === name)?.priority ?? null,
    ...(pool.waitingJobs === 0 ? { waiting: [], oldestWaitingAt: null } : await readWaiting(store.db, name)),
    lastLaunch: await readLastLaunch(store.db, name),
  };
}

async function readWaiting(
  db: Queryable,
  pool: PoolName,
): Promise<Pick<PoolDetailAnswer, "waiting" | "oldestWaitingAt">> {
  const jobs = await listQueuedJobsOfPool(db, pool, JOBS_MAX);
  const subjects = jobs.map(({ job }) => jobSubject(job.connection, job.id));
  const latest = await latestDecisions(db, subjects);
  const reasons = subjects.map((subject) => latest.get(subjectKey(subject))?.reason ?? null);
  const [oldest] = jobs;
  return {
    waiting: byCount(reasons).map(([reason, count]) => ({
      reason,
      sentence: reason === null ? "Nothing is decided about it yet." : because(reason).sentence,
      jobs: count,
    })),
    oldestWaitingAt: oldest === undefined ? null : formatInstant(oldest.job.createdAtMs),
  };
}

async function readLastLaunch(db: Queryable, pool: PoolName): Promise<PoolDetailAnswer["lastLaunch"]> {
  const launch = await findLastLaunch(db, pool);
  if (launch === null) return null;
  const { id, state, machineIds, attemptCount, nextAttemptAtMs, error, createdAtMs } = launch;
  return {
    id,
    at: formatInstant(createdAtMs),
    state,
    machines: machineIds.length,
    tries: attemptCount,
    nextTryAt: state === "open" ? formatInstant(nextAttemptAtMs) : null,
    error,
  };
}
