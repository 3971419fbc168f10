/** What a person may call a thing, and the row that is meant. */
import { type JobId, parseJobId, parseMachineId, parseProviderId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { findJobById } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { findMachineByProviderId, loadMachine } from "../../store/machines/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { findTicketByRunnerName } from "../../store/tickets/load.ts";

export type FoundSubject =
  | { readonly kind: "job"; readonly row: JobRow }
  | { readonly kind: "machine"; readonly machine: Machine }
  | { readonly kind: "none" };

/** GitHub's page of a job says `runs/1/job/2`, its API `runs/1/jobs/2`. */
const JOB_ADDRESS = /\/?\bruns\/\d+\/jobs?\/(\d+)\b/;
const API_ADDRESS = /\/actions\/jobs\/(\d+)\b/;

/** @param text a job's id or address, a machine id, a provider's id or a runner's name. */
export async function findSubject(db: Queryable, text: string): Promise<FoundSubject> {
  const subject = text.trim();
  const jobNumber = readJobNumber(subject);
  const job = jobNumber === null ? null : await findJob(db, jobNumber, subject);
  if (job !== null) return { kind: "job", row: job };
  const machine = await findMachine(db, subject);
  return machine === null ? { kind: "none" } : { kind: "machine", machine };
}

export function readJobNumber(subject: string): JobId | null {
  const digits = /^\d+$/.exec(subject)?.[0] ?? JOB_ADDRESS.exec(subject)?.[1] ?? API_ADDRESS.exec(subject)?.[1];
  const number = Number(digits ?? Number.NaN);
  return Number.isSafeInteger(number) ? parseJobId(number) : null;
}

/** The same number may come from two connections: the address then tells which. */
async function findJob(db: Queryable, number: JobId, subject: string): Promise<JobRow | null> {
  const rows = await findJobById(db, number);
  const byAddress = rows.find(({ job }) => job.htmlUrl !== "" && subject.startsWith(job.htmlUrl));
  return byAddress ?? rows[0] ?? null;
}

async function findMachine(db: Queryable, subject: string): Promise<Machine | null> {
  const machineId = parsed(parseMachineId, subject);
  const byId = machineId === null ? null : await loadMachine(db, machineId);
  if (byId !== null) return byId;
  const providerId = parsed(parseProviderId, subject);
  const byProvider = providerId === null ? null : await findMachineByProviderId(db, providerId);
  if (byProvider !== null) return byProvider;
  const ticket = await findTicketByRunnerName(db, subject);
  return ticket === null ? null : loadMachine(db, ticket.machineId);
}

export function parsed<Id>(parse: (text: string) => Id, text: string): Id | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}
