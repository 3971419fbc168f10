/**
 * Jobs that went down with their machine: each is told on the job itself, with what the machine ended for, and is to run
 * again where its pool wants that.
 */
import { findProof } from "../../domain/explain.ts";
import type { Job } from "../../domain/job.ts";
import type { Machine } from "../../domain/machine.ts";
import type { ProofKind } from "../../domain/permit.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { judgeLostJob, newRerun } from "../../domain/rerun.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { listEvidence, recordEvidence } from "../../store/evidence/evidence.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import { insertRerun } from "../../store/reruns/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject, machineSubject } from "../../store/subjects.ts";

/** The proof is among the last things that were noted of a machine. */
const ENDING_EVIDENCE_COUNT = 20;
/** With these a machine was lost to us, too. Null: it was gone before anybody asked for its end. */
const LOST_PROOFS: ReadonlySet<ProofKind | null> = new Set([null, "provider-dead", "host-lost"]);

interface Loss {
  /** As it is now that the provider says that it is gone. */
  readonly machine: Machine;
  /** Its tickets that were out when it went. */
  readonly lost: readonly Ticket[];
  readonly pool: PoolPolicy;
}

/** In the transaction that closes the machine. */
export async function noteLostJobs(tx: Queryable, { machine, lost, pool }: Loss, nowMs: number): Promise<void> {
  const names = lost.map(({ runnerName }) => runnerName);
  const jobs = (await findJobsByRunnerNames(tx, names)).map(({ job }) => job);
  const reason = machine.state.kind === "gone" ? machine.state.reason : machine.state.kind;
  for (const job of jobs) {
    if (job.status === "completed") continue;
    await tell(tx, job, `its machine is gone, retired for ${reason}: whatever of the job ran there is lost`, nowMs);
  }
  // An end by a limit or by the job's own was ours: it may have been the job that went wrong.
  if (jobs.length > 0 && LOST_PROOFS.has(await readProof(tx, machine)))
    for (const job of firstAttempts(jobs)) await runAgain(tx, job, pool, nowMs);
}

/** In a later attempt of the run, GitHub shows a job that did not run in it with the runner that it once had. */
function firstAttempts(jobs: readonly Job[]): Iterable<Job> {
  const latestFirst = [...jobs].sort((a, b) => b.runAttempt - a.runAttempt);
  return new Map(latestFirst.map((job) => [JSON.stringify([job.connection, job.runId, job.name]), job])).values();
}

async function readProof(tx: Queryable, { id }: Machine): Promise<ProofKind | null> {
  return findProof(await listEvidence(tx, machineSubject(id), ENDING_EVIDENCE_COUNT));
}

async function runAgain(tx: Queryable, job: Job, pool: PoolPolicy, nowMs: number): Promise<void> {
  switch (judgeLostJob(job, pool)) {
    case "not-wanted":
    case "ended-by-itself":
      return;
    case "asks-not-to":
      return await tell(tx, job, `it asks not to be run again (label ${pool.rerun?.exceptLabel})`, nowMs);
    case "run-again": {
      const isFirst = await insertRerun(tx, newRerun(job, pool.name, nowMs));
      const fact = isFirst
        ? "it went down with its machine: it is to run again once its run is over"
        : "it went down with its machine once more, after it was to run again: it is not run a third time";
      return await tell(tx, job, fact, nowMs);
    }
  }
}

async function tell(tx: Queryable, { connection, id }: Job, fact: string, observedAtMs: number): Promise<void> {
  await recordEvidence(tx, { subject: jobSubject(connection, id), source: "controller", fact, observedAtMs });
}
