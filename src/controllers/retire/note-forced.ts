/** A forced ending is recorded with its jobs, never silent: at the machine, and at each job that it took. */
import { findProof } from "../../domain/explain.ts";
import type { MachineId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { isTicketOut, type Ticket } from "../../domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import { listEvidence, recordEvidence } from "../../store/evidence/evidence.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject, machineSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";

/** The proof is among the last things that were noted of a machine. */
const ENDING_EVIDENCE_COUNT = 20;

/**
 * In the transaction that closes the machine.
 * @param tickets as they were when the provider said that it is gone.
 * @returns whether it was an operator's word alone that permitted the end.
 */
export async function noteForcedEnd(
  tx: Queryable,
  machine: Machine,
  tickets: readonly Ticket[],
  nowMs: number,
): Promise<boolean> {
  const { forced } = machine;
  if (forced === null) return false;
  const evidence = await listEvidence(tx, machineSubject(machine.id), ENDING_EVIDENCE_COUNT);
  if (findProof(evidence) !== "forced") return false;
  const names = tickets.filter(isTicketOut).map((ticket) => ticket.runnerName);
  const jobs = (await findJobsByRunnerNames(tx, names)).filter(({ job }) => job.status !== "completed");
  const fact = `machine ${machine.id} ended by force of ${forced.operator}: ${forced.reason}`;
  for (const { job } of jobs) {
    const subject = jobSubject(job.connection, job.id);
    await recordEvidence(tx, { subject, source: "operator", fact, observedAtMs: nowMs });
  }
  const cost = jobs.length === 0 ? "no job is known to have run there" : `it cost ${jobs.map(nameJob).join("; ")}`;
  const subject = machineSubject(machine.id);
  await recordEvidence(tx, { subject, source: "operator", fact: `${fact}; ${cost}`, observedAtMs: nowMs });
  return true;
}

/** A group that could be made to wait no longer: of the listing's age earlier is as good. */
const LIMIT_MARGIN_MS = MINUTE_MS;

/**
 * In the transaction that closes a machine whose ticket was out.
 * @returns whether its group ended it because its hook's global limit was past, which nobody can put off.
 */
export async function noteGroupsEnd(
  { memory }: PoolContext,
  tx: Queryable,
  machineId: MachineId,
  nowMs: number,
): Promise<boolean> {
  const held = memory.holds.get(machineId);
  if (held === undefined || nowMs < held.hold.untilMs - LIMIT_MARGIN_MS) return false;
  // What was ended with a permit is told as that; of what the group ended the provider says that it is dead.
  const proof = findProof(await listEvidence(tx, machineSubject(machineId), ENDING_EVIDENCE_COUNT));
  if (proof !== null && proof !== "provider-dead") return false;
  const hours = Math.round((held.hold.untilMs - held.hold.sinceMs) / HOUR_MS);
  const fact = `ended by its group, forced: its hook's global limit of ${hours} h was past`;
  await recordEvidence(tx, { subject: machineSubject(machineId), source: "provider", fact, observedAtMs: nowMs });
  return true;
}

function nameJob({ job: { id, repository, name } }: JobRow): string {
  const title = name === "" ? "" : `, "${name}"`;
  return `job ${id} of ${repository}${title}`;
}
