/** Jobs that we know as open and that GitHub's list of open runs does not have: each is asked about by its id. */
import type { JobEvent } from "../../domain/job.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { jobSubject } from "../../store/subjects.ts";
import { inTransaction } from "../../store/transaction.ts";
import { saveJobEvent } from "../ingest.ts";
import type { ConnectionContext } from "./context.ts";

const QUESTIONS_PER_LOOK_MAX = 20;
/**
 * A run that somebody deleted is not found any more, and its jobs will never run. GitHub also answers so by mistake or for
 * want of a permission: therefore only beside a list of the same repository that came, and so often over so long.
 */
const ABSENT_READINGS_MIN = 3;
const ABSENT_FOR_MS = 15 * MINUTE_MS;

export async function askAboutMissing(context: ConnectionContext, missing: readonly JobRow[]): Promise<void> {
  for (const { job } of missing.slice(0, QUESTIONS_PER_LOOK_MAX)) {
    const answer = await context.github.getJob(job.repository, job.id);
    if (answer.kind === "unknown") continue;
    if (answer.kind === "present") {
      context.memory.absences.delete(job.id);
      await saveAnswer(context, answer.value);
    } else await noteAbsent(context, job);
  }
}

async function saveAnswer(context: ConnectionContext, event: JobEvent): Promise<void> {
  const isNews = await inTransaction(context.store, (tx) => saveJobEvent(context, tx, event, "github-api"));
  if (isNews && event.status === "completed")
    context.telemetry.count("holdfast_recovered_jobs_total", { connection: context.connection, by: "sweep" });
}

async function noteAbsent(context: ConnectionContext, job: JobEvent): Promise<void> {
  const { memory, clock, store } = context;
  const nowMs = clock.nowMs();
  const before = memory.absences.get(job.id) ?? { sinceMs: nowMs, readingCount: 0 };
  const absence = { sinceMs: before.sinceMs, readingCount: before.readingCount + 1 };
  memory.absences.set(job.id, absence);
  const isFinal = absence.readingCount >= ABSENT_READINGS_MIN && nowMs - absence.sinceMs >= ABSENT_FOR_MS;
  const fact = isFinal
    ? "GitHub has not found the job for so long that its run counts as deleted"
    : "GitHub does not find the job";
  const subject = jobSubject(job.connection, job.id);
  await recordEvidence(store.db, { subject, source: "github-api", fact, observedAtMs: nowMs });
  if (!isFinal) return;
  memory.absences.delete(job.id);
  const ended: JobEvent = { ...job, status: "completed", conclusion: "run-deleted", completedAtMs: nowMs };
  await inTransaction(store, (tx) => saveJobEvent(context, tx, ended, "github-api"));
}
