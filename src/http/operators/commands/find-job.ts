/** The one job that a command is about. What changes something takes no guess: two of a name are none. */
import type { Machine } from "../../../domain/machine.ts";
import { findJobsByRunnerNames } from "../../../store/jobs/load.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import type { Queryable } from "../../../store/schema.ts";
import { listTicketsOfMachine } from "../../../store/tickets/list.ts";
import { findJobs, findMachines, findRun } from "../find-subject.ts";
import { type GivenName, readName } from "../read-name.ts";

/** Enough to choose from; a run may have hundreds. */
const NAMED_MAX = 10;

export type FoundJob =
  | { readonly kind: "job"; readonly row: JobRow }
  | { readonly kind: "none"; readonly because: string | null }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

/** @param text as `readName` takes it: a machine or a runner stands for the job that ran there, where that is one. */
export async function findJob(db: Queryable, text: string): Promise<FoundJob> {
  const name = readName(text);
  const mayBeJob = name.kind === null || name.kind === "job";
  const named = mayBeJob ? await findJobs(db, name) : [];
  const rows = mayBeJob && named.length === 0 ? await findRun(db, name) : named;
  if (rows.length > 0) return only(rows, null);
  const machines = name.kind === null || name.kind === "machine" ? await findMachines(db, name) : [];
  const [machine, ...others] = machines;
  if (others.length > 0) return { kind: "ambiguous", names: machines.map(({ id }) => id) };
  return machine === undefined ? { kind: "none", because: null } : findJobOf(db, machine, name);
}

async function findJobOf(db: Queryable, { id }: Machine, given: GivenName): Promise<FoundJob> {
  const runners = (await listTicketsOfMachine(db, id)).map(({ runnerName }) => runnerName);
  const meant = runners.filter((runner) => given.names.includes(runner));
  const rows = await findJobsByRunnerNames(db, meant.length > 0 ? meant : runners);
  // In a later attempt of the run, GitHub shows a job that did not run in it with the runner that it once had.
  const newest = new Map(
    [...rows]
      .sort((a, b) => a.job.runAttempt - b.job.runAttempt)
      .map((row) => [JSON.stringify([row.job.connection, row.job.runId, row.job.name]), row]),
  );
  return only([...newest.values()], `GitHub has named no job that ran on machine ${id}`);
}

function only(rows: readonly JobRow[], because: string | null): FoundJob {
  const [row, ...others] = rows;
  if (row === undefined) return { kind: "none", because };
  if (others.length === 0) return { kind: "job", row };
  const names = rows.slice(0, NAMED_MAX).map(({ job }) => (job.htmlUrl === "" ? String(job.id) : job.htmlUrl));
  return { kind: "ambiguous", names };
}
