import type { DecisionRecord } from "../../domain/evidence.ts";
import { whyJobWaits } from "../../domain/explain.ts";
import type { MachineId } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { isTicketLive } from "../../domain/ticket.ts";
import { latestDecisions } from "../../store/evidence/decisions.ts";
import { subjectKey } from "../../store/evidence/row.ts";
import { listQueuedJobs, listRecentJobs, type RecentJobsOptions } from "../../store/jobs/list.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { jobSubject } from "../../store/subjects.ts";
import { listTicketsOfJob } from "../../store/tickets/list.ts";
import { findTicketByRunnerName } from "../../store/tickets/load.ts";
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
  const jobs: JobAnswer[] = [];
  for (const row of rows) {
    const latest = decisions.get(subjectKey(jobSubject(row.job.connection, row.job.id))) ?? null;
    jobs.push(describeJob(row, latest, await findMachine(sources, row), sources.clock.nowMs()));
  }
  const isMore = found.length > rows.length ? { isMore: true as const } : {};
  return { now: formatInstant(sources.clock.nowMs()), jobs, ...isMore };
}

async function findMachine({ store }: OperatorSources, { job }: JobRow): Promise<MachineId | null> {
  if (job.runnerName !== null) return (await findTicketByRunnerName(store.db, job.runnerName))?.machineId ?? null;
  if (job.status !== "queued") return null;
  const tickets = await listTicketsOfJob(store.db, job.id, job.connection);
  return tickets.findLast(isTicketLive)?.machineId ?? null;
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
