/** The one job that a command is about. What changes something takes no guess: two of a name are none. */
import type { Machine } from "../../../domain/machine.ts";
import { findJobById, findJobsByRunnerNames } from "../../../store/jobs/load.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import type { Queryable } from "../../../store/schema.ts";
import { listTicketsOfMachine } from "../../../store/tickets/list.ts";
import { findSubject, readJobNumber } from "../find-subject.ts";

export type FoundJob =
  | { readonly kind: "job"; readonly row: JobRow }
  | { readonly kind: "none"; readonly because: string | null }
  | { readonly kind: "ambiguous"; readonly names: readonly string[] };

/** @param text whatever `explain` takes: a machine or a runner stands for the job that ran there, where that is one. */
export async function findJob(db: Queryable, text: string): Promise<FoundJob> {
  const subject = text.trim();
  const number = readJobNumber(subject);
  const rows = number === null ? [] : await findJobById(db, number);
  const named = rows.filter(({ job }) => job.htmlUrl !== "" && subject.startsWith(job.htmlUrl));
  if (rows.length > 0) return only(named.length > 0 ? named : rows, null);
  const found = await findSubject(db, subject);
  return found.kind === "machine" ? findJobOf(db, found.machine, subject) : { kind: "none", because: null };
}

async function findJobOf(db: Queryable, { id }: Machine, subject: string): Promise<FoundJob> {
  const names = (await listTicketsOfMachine(db, id)).map(({ runnerName }) => runnerName);
  const rows = await findJobsByRunnerNames(db, names.includes(subject) ? [subject] : names);
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
  return { kind: "ambiguous", names: rows.map(({ job }) => (job.htmlUrl === "" ? String(job.id) : job.htmlUrl)) };
}
