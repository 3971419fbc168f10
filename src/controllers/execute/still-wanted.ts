/**
 * Whether the job that a ticket is asked for still waits. While GitHub gives no tickets a job may be cancelled, and its event
 * lost: a runner that then comes online in vain could be taken back only by the fence.
 */
import { FRESH_JOB_MS, QUEUED_ANSWER_MS } from "../../domain/demand.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { loadJob } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import type { PoolContext } from "../context.ts";
import { askAboutJob } from "./ask.ts";

export type StillWanted =
  | { readonly kind: "wanted" }
  | { readonly kind: "over"; readonly why: string }
  /** GitHub did not say. */
  | { readonly kind: "unknown"; readonly reason: ReasonCode };

type WantedByRows = Exclude<StillWanted, { readonly kind: "unknown" }> | { readonly kind: "ask" };

/** As far as the row of its job tells: `ask` where the ticket has been asked for longer than an answer may be relied on. */
export function judgeWanted({ state }: Ticket, row: JobRow | null, nowMs: number): WantedByRows {
  if (row === null || row.job.status !== "queued") return { kind: "over", why: "its job waits no more" };
  const isFresh = nowMs - state.sinceMs < FRESH_JOB_MS || nowMs - (row.askedAtMs ?? 0) < QUEUED_ANSWER_MS;
  return { kind: isFresh ? "wanted" : "ask" };
}

/** Asks GitHub where the row does not tell. */
export async function isStillWanted(context: PoolContext, ticket: Ticket): Promise<StillWanted> {
  const { jobId, connection } = ticket;
  if (jobId === null) return { kind: "wanted" };
  const row = await loadJob(context.store.db, connection, jobId);
  const byRow = judgeWanted(ticket, row, context.clock.nowMs());
  if (byRow.kind !== "ask") return byRow;
  await askAboutJob(context, jobId);
  const reason = context.memory.askFailures.get(jobId)?.reason ?? null;
  if (reason === "github-job-not-found") return { kind: "over", why: "GitHub does not find its job" };
  if (reason !== null) return { kind: "unknown", reason };
  const after = await loadJob(context.store.db, connection, jobId);
  return after?.job.status === "queued" ? { kind: "wanted" } : { kind: "over", why: "its job waits no more" };
}
