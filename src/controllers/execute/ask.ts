/** Asks GitHub whether jobs that wait are still queued, and lets the answer change them like any event. */

import type { JobId } from "../../domain/ids.ts";
import type { Observation } from "../../domain/observed.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { loadJob } from "../../store/jobs/load.ts";
import { jobSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";
import { reasonOfRefusal } from "../github-reason.ts";
import { saveAnswers } from "../ingest.ts";
import { settleAll } from "../settle.ts";

const JOBS_PER_PASS_MAX = 10;

export async function askAboutJobs(context: PoolContext): Promise<void> {
  if (context.lease() === null) return;
  const jobIds = [...context.memory.jobsToAsk].slice(0, JOBS_PER_PASS_MAX);
  for (const jobId of jobIds) context.memory.jobsToAsk.delete(jobId);
  await settleAll(jobIds.map((jobId) => askAboutJob(context, jobId)));
  // Without an answer nothing has changed: the next period is soon enough.
  const isAnswered = jobIds.some((jobId) => !context.memory.askFailures.has(jobId));
  if (isAnswered) context.wake.controller("assign", context.pool.name);
}

function reasonOf(answer: Exclude<Observation<unknown>, { readonly kind: "present" }>): ReasonCode {
  return answer.kind === "absent" ? "github-job-not-found" : reasonOfRefusal(answer.code);
}

/** What came of it is in the job's row, or else among `askFailures`. */
export async function askAboutJob(context: PoolContext, jobId: JobId): Promise<void> {
  const row = await loadJob(context.store.db, context.pool.connection, jobId);
  if (row === null || row.job.status !== "queued") return;
  const answer = await context.github.getJob(row.job.repository, jobId);
  const { askFailures } = context.memory;
  if (answer.kind === "present") askFailures.delete(jobId);
  else askFailures.set(jobId, { atMonotonicMs: context.clock.monotonicMs(), reason: reasonOf(answer) });
  // A failed look and an absence are no facts about the job: it stays as it is, and is asked about again.
  if (answer.kind !== "present") {
    const fact =
      answer.kind === "absent" ? "GitHub does not find the job" : `GitHub could not be asked: ${answer.code}`;
    const subject = jobSubject(row.job.connection, jobId);
    await recordEvidence(context.store.db, {
      subject,
      source: "github-api",
      fact,
      observedAtMs: context.clock.nowMs(),
    });
    return;
  }
  await saveAnswers(context, [answer.value]);
}
