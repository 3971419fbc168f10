/** The job or the machine that is meant by a name. Every read and every command finds what it is about here. */
import { HoldfastError } from "../../domain/errors.ts";
import { parseMachineId, parseProviderId } from "../../domain/ids.ts";
import type { Machine } from "../../domain/machine.ts";
import { findJobById, findJobsOfRun } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { findMachinesByProviderId, loadMachine } from "../../store/machines/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { findTicketByRunnerName } from "../../store/tickets/load.ts";
import { type GivenName, readName } from "./read-name.ts";

export type FoundSubject =
  | { readonly kind: "job"; readonly row: JobRow }
  | { readonly kind: "machine"; readonly machine: Machine }
  /** Several jobs of a run: each as it can be named, and called. */
  | { readonly kind: "ambiguous"; readonly names: readonly string[] }
  | { readonly kind: "none" };

/** @param text as `readName` takes it. */
export async function findSubject(db: Queryable, text: string): Promise<FoundSubject> {
  const name = readName(text);
  // Reading may guess: of what has the same name, the first job and the newest machine are meant.
  const [job] = name.kind === null || name.kind === "job" ? await findJobs(db, name) : [];
  if (job !== undefined) return { kind: "job", row: job };
  const [first, ...others] = name.kind === null || name.kind === "job" ? await findRun(db, name) : [];
  if (first !== undefined && others.length > 0) return { kind: "ambiguous", names: nameJobs([first, ...others]) };
  if (first !== undefined) return { kind: "job", row: first };
  const [machine] = name.kind === null || name.kind === "machine" ? await findMachines(db, name) : [];
  return machine === undefined ? { kind: "none" } : { kind: "machine", machine };
}

/** The jobs of an id: several only where it came from several connections and the name does not tell which. */
export async function findJobs(db: Queryable, { jobId, run, text }: GivenName): Promise<readonly JobRow[]> {
  const rows = jobId === null ? [] : await findJobById(db, jobId);
  // The address of a job names its run: one with another run is another server's.
  const possible = isAddress(text) && run !== null ? rows.filter(({ job }) => job.runId === run.id) : rows;
  const named = possible.filter(({ job }) => job.htmlUrl !== "" && text.startsWith(job.htmlUrl));
  return named.length > 0 ? named : possible;
}

/** The jobs of a run, of its newest attempt where none is named. */
export async function findRun(db: Queryable, { run, jobId, text }: GivenName): Promise<readonly JobRow[]> {
  if (run === null || (jobId !== null && isAddress(text))) return [];
  const rows = await findJobsOfRun(db, run.id);
  const address = text.replace(/(\bruns\/\d+).*$/s, "$1/");
  const named = rows.filter(({ job }) => job.htmlUrl.startsWith(address));
  const meant = named.length > 0 ? named : rows;
  const attempt = run.attempt ?? meant[0]?.job.runAttempt;
  return meant.filter(({ job }) => job.runAttempt === attempt);
}

function isAddress(text: string): boolean {
  return text.includes("/");
}

/** Enough to choose from; a run may have hundreds. */
const NAMED_MAX = 10;

export function nameJobs(rows: readonly JobRow[]): readonly string[] {
  const named = rows.slice(0, NAMED_MAX).map(({ job }) => `${job.id} (${job.name})`);
  return rows.length > NAMED_MAX ? [...named, `and ${rows.length - NAMED_MAX} more`] : named;
}

/** @param attempted as in "explaining". */
export function refuseSeveral(attempted: string, text: string, names: readonly string[]): HoldfastError {
  return new HoldfastError(
    "ambiguous",
    `${attempted} ${text.trim().slice(0, 200)}, which is one of ${names.join(", ")}`,
  );
}

/** By its own id, by its provider's or by a runner's name, in this order; several only of one provider's id. */
export async function findMachines(db: Queryable, { names }: GivenName): Promise<readonly Machine[]> {
  for (const name of names) {
    const found = await findMachinesCalled(db, name);
    if (found.length > 0) return found;
  }
  return [];
}

async function findMachinesCalled(db: Queryable, name: string): Promise<readonly Machine[]> {
  const machineId = parsed(parseMachineId, name);
  const byId = machineId === null ? null : await loadMachine(db, machineId);
  if (byId !== null) return [byId];
  const providerId = parsed(parseProviderId, name);
  const byProvider = providerId === null ? [] : preferPresent(await findMachinesByProviderId(db, providerId));
  if (byProvider.length > 0) return byProvider;
  const byRunner = await findMachineOfRunner(db, name);
  return byRunner === null ? [] : [byRunner];
}

/** Providers may use an id again: those that are gone count only where none is there, and then the newest does. */
function preferPresent(machines: readonly Machine[]): readonly Machine[] {
  const present = machines.filter(({ state }) => state.kind !== "gone");
  return present.length > 0 ? present : machines.slice(0, 1);
}

export async function findMachineOfRunner(db: Queryable, runnerName: string): Promise<Machine | null> {
  const ticket = await findTicketByRunnerName(db, runnerName);
  return ticket === null ? null : loadMachine(db, ticket.machineId);
}

export function parsed<Id>(parse: (text: string) => Id, text: string): Id | null {
  try {
    return parse(text);
  } catch {
    return null;
  }
}
