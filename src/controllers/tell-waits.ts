/** How long each job waited that began to run on one of our machines, in its parts; told once, after that was written. */
import type { Evidence, Subject } from "../domain/evidence.ts";
import { readWaitTimes, splitWait } from "../domain/wait.ts";
import { listEvidence } from "../store/evidence/evidence.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { jobSubject, machineSubject, ticketSubject } from "../store/subjects.ts";
import { findTicketsByRunnerNames } from "../store/tickets/load.ts";
import type { Surroundings } from "./context.ts";

/** Of one subject, newest first: a machine's last boot is among them unless it ran dozens of jobs since. */
const EVIDENCE_MAX = 200;

/** @param begun of which GitHub just said for the first time who runs them. */
export async function tellWaits({ store, telemetry }: Surroundings, begun: readonly JobRow[]): Promise<void> {
  if (begun.length === 0) return;
  const names = begun.flatMap(({ job }) => job.runnerName ?? []);
  const tickets = new Map((await findTicketsByRunnerNames(store.db, names)).map((one) => [one.runnerName, one]));
  const read = (subject: Subject): Promise<readonly Evidence[]> => listEvidence(store.db, subject, EVIDENCE_MAX);
  for (const { job, firstSeenAtMs } of begun) {
    const ticket = tickets.get(job.runnerName ?? "");
    // Somebody else's runner took it.
    if (ticket === undefined) continue;
    const subjects = [jobSubject(job.connection, job.id), ticketSubject(ticket.id), machineSubject(ticket.machineId)];
    const evidence = (await Promise.all(subjects.map(read))).flat();
    const times = readWaitTimes({ job, firstSeenAtMs, ticket, evidence });
    if (times === null) continue;
    const { totalMs, parts } = splitWait(times);
    telemetry.measure("holdfast_queue_wait_seconds", totalMs, { pool: ticket.pool });
    for (const [part, partMs] of parts)
      telemetry.measure("holdfast_queue_wait_part_seconds", partMs, { pool: ticket.pool, part });
  }
}
