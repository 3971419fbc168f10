/** Jobs that went down with their machine: each is told on the job itself, with what the machine ended for. */
import type { GoneReason } from "../../domain/machine.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject } from "../../store/subjects.ts";

/** @param lost the machine's tickets that were out when it went. */
export async function noteLostJobs(
  tx: Queryable,
  lost: readonly Ticket[],
  reason: GoneReason,
  observedAtMs: number,
): Promise<void> {
  const rows = await findJobsByRunnerNames(
    tx,
    lost.map(({ runnerName }) => runnerName),
  );
  for (const { job } of rows) {
    if (job.status === "completed") continue;
    const fact = `its machine is gone, retired for ${reason}: whatever of the job ran there is lost`;
    await recordEvidence(tx, { subject: jobSubject(job.connection, job.id), source: "controller", fact, observedAtMs });
  }
}
