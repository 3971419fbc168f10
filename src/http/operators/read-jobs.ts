import type { DecisionRecord } from "../../domain/evidence.ts";
import { whyJobWaits } from "../../domain/explain.ts";
import type { ConnectionName, MachineId } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { isTicketLive } from "../../domain/ticket.ts";
import { latestDecisions } from "../../store/evidence/decisions.ts";
import { subjectKey } from "../../store/evidence/row.ts";
import { listQueuedJobs, listRecentJobs, type RecentJobsOptions } from "../../store/jobs/list.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject } from "../../store/subjects.ts";
import { listTicketsOfJobs } from "../../store/tickets/list.ts";
import { findTicketsByRunnerNames } from "../../store/tickets/load.ts";
import type { JobAnswer, JobsAnswer } from "./answers.ts";
import type { OperatorSources } from "./sources.ts";

/** Newest first. */
export async function readJobs(sources: OperatorSources, query: RecentJobsOptions): Promise<JobsAnswer> {
  const rows = await listRecentJobs(sources.store.db, { ...query, limitCount: query.limitCount + 1 });
  return answer(sources, rows, query.limitCount);
}

/** Queued for a pool, those first that have waited longest. */
export async function readWaitingJobs(sources: OperatorSources, limitCount: number): Promise<JobsAnswer> {
  return answer(sources, await listQueuedJobs(sources.store.db, limitCount + 1), limitCount);
}

/** @param found one more than are told, where there are more. */
async function answer(sources: OperatorSources, found: readonly JobRow[], limitCount: number): Promise<JobsAnswer> {
  const rows = found.slice(0, limitCount);
  const decisions = await latestDecisions(
    sources.store.db,
    rows.map(({ job }) => jobSubject(job.connection, job.id)),
  );
  const machines = await findMachines(sources, rows);
  const jobs = rows.map((row) => {
    const key = subjectKey(jobSubject(row.job.connection, row.job.id));
    return describeJob(row, decisions.get(key) ?? null, machines.get(key) ?? null, sources.clock.nowMs());
  });
  const isMore = found.length > rows.length ? { isMore: true as const } : {};
  return { now: formatInstant(sources.clock.nowMs()), jobs, ...isMore };
}

/** The machine that each runs or ran on, or that holds a ticket made for it: by `subjectKey`. */
async function findMachines({ store }: OperatorSources, rows: readonly JobRow[]): Promise<Map<string, MachineId>> {
  const names = rows.flatMap(({ job }) => job.runnerName ?? []);
  const ran = new Map((await findTicketsByRunnerNames(store.db, names)).map((one) => [one.runnerName, one.machineId]));
  const machines = new Map<string, MachineId>();
  const note = ({ job }: JobRow, id: MachineId | undefined) => {
    if (id !== undefined) machines.set(subjectKey(jobSubject(job.connection, job.id)), id);
  };
  for (const row of rows) note(row, ran.get(row.job.runnerName ?? ""));
  const queued = rows.filter(({ job }) => job.runnerName === null && job.status === "queued");
  for (const [connection, ofConnection] of Map.groupBy(queued, ({ job }) => job.connection)) {
    const held = await findHolders(store.db, connection, ofConnection);
    for (const row of ofConnection) note(row, held.get(row.job.id));
  }
  return machines;
}

/** Of tickets that are live, the newest of each job. */
async function findHolders(
  db: Queryable,
  connection: ConnectionName,
  rows: readonly JobRow[],
): Promise<ReadonlyMap<number, MachineId>> {
  const tickets = await listTicketsOfJobs(
    db,
    connection,
    rows.map(({ job }) => job.id),
  );
  const live = tickets.filter(isTicketLive);
  return new Map(live.flatMap(({ jobId, machineId }) => (jobId === null ? [] : [[jobId, machineId] as const])));
}

function describeJob(row: JobRow, latest: DecisionRecord | null, machineId: string | null, nowMs: number): JobAnswer {
  const { job, pool } = row;
  const queueEndMs = job.startedAtMs ?? job.completedAtMs ?? nowMs;
  return {
    id: job.id,
    connection: job.connection,
    repository: job.repository,
    workflow: job.workflowName,
    name: job.name,
    labels: [...job.labels],
    status: job.status,
    conclusion: job.conclusion,
    pool,
    waitingFor: whyJobWaits(job, pool, latest),
    machineId,
    runnerName: job.runnerName,
    createdAt: formatInstant(job.createdAtMs),
    startedAt: job.startedAtMs === null ? null : formatInstant(job.startedAtMs),
    completedAt: job.completedAtMs === null ? null : formatInstant(job.completedAtMs),
    queueMs: Math.max(0, queueEndMs - job.createdAtMs),
    url: job.htmlUrl,
  };
}
