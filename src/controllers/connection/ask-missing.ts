/** Jobs that we know as open and that GitHub's list of open runs does not have: each is asked about by its id. */
import { type JobEvent, RUN_DELETED } from "../../domain/job.ts";
import { DAY_MS, MINUTE_MS } from "../../domain/units.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { jobSubject } from "../../store/subjects.ts";
import { saveAnswers } from "../ingest.ts";
import type { ConnectionContext } from "./context.ts";

const QUESTIONS_PER_LOOK_MAX = 20;
/** A webhook may take this long; what is found later than that was missed. */
export const WEBHOOK_PATIENCE_MS = MINUTE_MS;
/**
 * A run that somebody deleted is not found any more, and its jobs will never run. GitHub also answers so by mistake or for
 * want of a permission: therefore only beside a list of the same repository that came, and so often over so long.
 */
const ABSENT_READINGS_MIN = 3;
const ABSENT_FOR_MS = 15 * MINUTE_MS;

/** Nobody asks about a job for longer without an answer: it is over by then, and was settled in another way. */
const ABSENCE_KEPT_MS = DAY_MS;

export async function askAboutMissing(
  context: ConnectionContext,
  repository: string,
  missing: readonly JobRow[],
): Promise<void> {
  forgetOldAbsences(context);
  for (const { job } of nextToAsk(context, repository, missing)) {
    context.memory.lastAskedIds.set(repository, job.id);
    const answer = await context.github.getJob(job.repository, job.id);
    if (answer.kind === "unknown") continue;
    if (answer.kind === "present") {
      context.memory.absences.delete(job.id);
      await saveAnswer(context, answer.value);
    } else await noteAbsent(context, job);
  }
}

/** In turn: those of which GitHub says nothing new must not keep the others from being asked about. */
function nextToAsk({ memory }: ConnectionContext, repository: string, missing: readonly JobRow[]): readonly JobRow[] {
  const lastId = memory.lastAskedIds.get(repository) ?? 0;
  const inOrder = [...missing].sort((a, b) => a.job.id - b.job.id);
  const later = inOrder.filter(({ job }) => job.id > lastId);
  return [...later, ...inOrder.filter(({ job }) => job.id <= lastId)].slice(0, QUESTIONS_PER_LOOK_MAX);
}

function forgetOldAbsences({ memory, clock }: ConnectionContext): void {
  for (const [id, { lastAtMs }] of memory.absences)
    if (clock.monotonicMs() - lastAtMs > ABSENCE_KEPT_MS) memory.absences.delete(id);
}

async function saveAnswer(context: ConnectionContext, event: JobEvent): Promise<void> {
  const isNews = (await saveAnswers(context, [event])).length > 0;
  // One that ended a moment ago is told of by its webhook as well.
  const isLate = context.clock.nowMs() - (event.completedAtMs ?? 0) > WEBHOOK_PATIENCE_MS;
  if (isNews && event.status === "completed" && isLate)
    context.telemetry.count("holdfast_recovered_jobs_total", { connection: context.connection, by: "sweep" });
}

async function noteAbsent(context: ConnectionContext, job: JobEvent): Promise<void> {
  const { memory, clock, store } = context;
  const nowMs = clock.nowMs();
  const lastAtMs = clock.monotonicMs();
  const { queuedSeenAtMs } = job;
  const known = memory.absences.get(job.id);
  // A repository's old name may be another's by now. Whoever lists the job as queued elsewhere knows better.
  const before = known?.queuedSeenAtMs === queuedSeenAtMs ? known : { sinceMs: lastAtMs, readingCount: 0 };
  const absence = { sinceMs: before.sinceMs, lastAtMs, readingCount: before.readingCount + 1, queuedSeenAtMs };
  memory.absences.set(job.id, absence);
  const isFinal = absence.readingCount >= ABSENT_READINGS_MIN && lastAtMs - absence.sinceMs >= ABSENT_FOR_MS;
  const fact = isFinal
    ? "GitHub has not found the job for so long that its run counts as deleted"
    : "GitHub does not find the job";
  const subject = jobSubject(job.connection, job.id);
  await recordEvidence(store.db, { subject, source: "github-api", fact, observedAtMs: nowMs });
  if (!isFinal) return;
  memory.absences.delete(job.id);
  const ended: JobEvent = { ...job, status: "completed", conclusion: RUN_DELETED, completedAtMs: nowMs };
  await saveAnswers(context, [ended]);
}
