/**
 * `rerun`: an operator's wish that GitHub runs a job again. It is written down here and asked by the controller of the job's
 * connection, which goes on until GitHub has taken it or has said that it cannot; what the store knows to be in vain is
 * refused at once.
 */
import { formatInstant } from "../../../domain/instant.ts";
import { invariant } from "../../../domain/invariant.ts";
import type { Job } from "../../../domain/job.ts";
import type { OperatorMark } from "../../../domain/machine.ts";
import { describeRerun, type Rerun } from "../../../domain/rerun.ts";
import { judgeWish, newWish, standingWish } from "../../../domain/rerun-wish.ts";
import { recordEvidence } from "../../../store/evidence/evidence.ts";
import { listOpenJobsOfRepository } from "../../../store/jobs/list.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import { loadMachine } from "../../../store/machines/load.ts";
import { loadRerun } from "../../../store/reruns/load.ts";
import { insertRerun, saveRerun } from "../../../store/reruns/save.ts";
import type { Queryable } from "../../../store/schema.ts";
import { jobSubject } from "../../../store/subjects.ts";
import { findTicketByRunnerName } from "../../../store/tickets/load.ts";
import { inTransaction } from "../../../store/transaction.ts";
import { problem } from "../../problem.ts";
import type { CommandAnswer } from "../answers.ts";
import { type FoundJob, findJob } from "./find-job.ts";
import { type CommandOutcome, type CommandSetting, describeMark } from "./setting.ts";

export async function rerunJob(setting: CommandSetting, subject: string, mark: OperatorMark): Promise<CommandOutcome> {
  const { db } = setting.sources.store;
  const found = await findJob(db, subject);
  if (found.kind !== "job") return refuseName(found, subject);
  const { job, pool } = found.row;
  const attempted = `running job ${job.id} of ${job.repository} again`;
  if (pool === null) return problem("job-not-ours", attempted);
  const policy = setting.sources.pools.find(({ name }) => name === pool);
  if (policy?.mode === "observe")
    return problem("pool-observes", attempted, { mend: "Run it again on its page at GitHub." });
  if (!setting.sources.pools.some(({ connection }) => connection === job.connection))
    return problem("github-not-connected", attempted);
  const verdict = judgeWish(await readWish(db, found.row), mark.atMs);
  if (verdict.kind === "refuse") return problem(verdict.code, attempted);
  const { standing, isWritten } = await write(setting, found.row, newWish(job, pool, mark), mark);
  if (isWritten)
    setting.telemetry.info("an operator's command was written", { command: "rerun", job: job.id, ...mark });
  return tell(setting, job, standing, { isWritten, isOver: verdict.isOver });
}

function refuseName(found: Exclude<FoundJob, { readonly kind: "job" }>, subject: string): Response {
  const attempted = `running ${subject.slice(0, 200)} again`;
  if (found.kind === "ambiguous")
    return problem("ambiguous", attempted, { mend: `Name one job by its page address: ${found.names.join(", ")}.` });
  const because = found.because === null ? "" : ` (${found.because})`;
  return problem("not-found", `${attempted}${because}`, { mend: "`holdfast jobs` lists the jobs that are known." });
}

async function readWish(db: Queryable, { job }: JobRow) {
  const ticket = job.runnerName === null ? null : await findTicketByRunnerName(db, job.runnerName);
  const machine = ticket === null ? null : await loadMachine(db, ticket.machineId);
  const open = await listOpenJobsOfRepository(db, job.connection, job.repository);
  return {
    job,
    isLost:
      machine !== null && (machine.state.kind === "gone" || machine.forced !== null) && ticket?.state.kind !== "spent",
    isRunGoingOn: open.some(({ job: other }) => other.runId === job.runId && other.id !== job.id),
  };
}

/** In one transaction, so that of two wishes one is written and the other finds it. */
function write(
  { sources }: CommandSetting,
  { job }: JobRow,
  wish: Rerun,
  mark: OperatorMark,
): Promise<{ readonly standing: Rerun; readonly isWritten: boolean }> {
  return inTransaction(sources.store, async (tx) => {
    const before = await loadRerun(tx, job);
    const standing = standingWish(before, job);
    if (standing !== null) return { standing, isWritten: false };
    const isKept =
      before === null ? await insertRerun(tx, wish) : await saveRerun(tx, { ...wish, version: before.version });
    invariant(isKept, "nothing changes inside the transaction that read it");
    const fact = `to run again, as said ${describeMark(mark)}`;
    const subject = jobSubject(job.connection, job.id);
    await recordEvidence(tx, { subject, source: "operator", fact, observedAtMs: mark.atMs });
    return { standing: wish, isWritten: true };
  });
}

interface Outcome {
  readonly isWritten: boolean;
  /** Whether GitHub has called the job over. */
  readonly isOver: boolean;
}

function tell({ sources }: CommandSetting, job: Job, standing: Rerun, { isWritten, isOver }: Outcome): CommandAnswer {
  const { id, repository, name, htmlUrl } = job;
  const title = `Job ${id} of ${repository}${name === "" ? "" : `, "${name}"`}`;
  const wait = isOver
    ? "GitHub is asked within seconds, and runs it with the jobs that depend on it as a new attempt of its run."
    : "Its machine is gone or goes, and GitHub notices that after some ten minutes: then it is asked, once the whole run is over, for a day at most.";
  return {
    now: formatInstant(sources.clock.nowMs()),
    command: "rerun",
    outcome: isWritten ? "written" : "already",
    subject: { kind: "job", id: String(id), pool: standing.pool },
    result: isWritten ? `${title}, is to run again.` : `${title}: ${describeRerun(standing, job)}`,
    next: isWritten ? [wait, `\`holdfast explain ${id}\` tells what GitHub said.`] : [],
    jobs: [{ id, repository, name, url: htmlUrl }],
    undo: null,
  };
}
