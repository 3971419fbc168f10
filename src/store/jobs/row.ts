import { type PoolName, parseConnectionName, parseJobId, parsePoolName, parseRunnerId } from "../../domain/ids.ts";
import type { Job, JobStatus } from "../../domain/job.ts";
import type { JobsTable } from "../schema.ts";

/** A job and what this installation did about it. */
export interface JobRow {
  readonly job: Job;
  /** The pool it is routed to; null where none fits, or not routed yet. */
  readonly pool: PoolName | null;
  readonly version: number;
  /** Tickets ever made because of it. */
  readonly ticketCount: number;
  readonly lastTicketAtMs: number | null;
  /** When GitHub itself was last asked and said that it is queued; null if never. */
  readonly askedAtMs: number | null;
  readonly firstSeenAtMs: number;
  readonly updatedAtMs: number;
}

export function toJobColumns(row: JobRow): JobsTable {
  const { job } = row;
  return {
    connection: job.connection,
    id: job.id,
    repository: job.repository,
    run_id: job.runId,
    run_attempt: job.runAttempt,
    name: job.name,
    workflow_name: job.workflowName,
    html_url: job.htmlUrl,
    labels: JSON.stringify(job.labels),
    status: job.status,
    conclusion: job.conclusion,
    runner_id: job.runnerId,
    runner_name: job.runnerName,
    created_ms: job.createdAtMs,
    started_ms: job.startedAtMs,
    completed_ms: job.completedAtMs,
    queued_seen_ms: job.queuedSeenAtMs,
    pool: row.pool,
    version: row.version,
    ticket_count: row.ticketCount,
    last_ticket_ms: row.lastTicketAtMs,
    asked_ms: row.askedAtMs,
    first_seen_ms: row.firstSeenAtMs,
    updated_ms: row.updatedAtMs,
  };
}

export function toJobRow(columns: JobsTable): JobRow {
  return {
    job: toJob(columns),
    pool: columns.pool === null ? null : parsePoolName(columns.pool),
    version: columns.version,
    ticketCount: columns.ticket_count,
    lastTicketAtMs: columns.last_ticket_ms,
    askedAtMs: columns.asked_ms,
    firstSeenAtMs: columns.first_seen_ms,
    updatedAtMs: columns.updated_ms,
  };
}

function toJob(columns: JobsTable): Job {
  return {
    id: parseJobId(columns.id),
    connection: parseConnectionName(columns.connection),
    repository: columns.repository,
    runId: columns.run_id,
    runAttempt: columns.run_attempt,
    name: columns.name,
    workflowName: columns.workflow_name,
    htmlUrl: columns.html_url,
    labels: JSON.parse(columns.labels),
    status: columns.status as JobStatus,
    conclusion: columns.conclusion,
    runnerId: columns.runner_id === null ? null : parseRunnerId(columns.runner_id),
    runnerName: columns.runner_name,
    createdAtMs: columns.created_ms,
    startedAtMs: columns.started_ms,
    completedAtMs: columns.completed_ms,
    queuedSeenAtMs: columns.queued_seen_ms,
  };
}
