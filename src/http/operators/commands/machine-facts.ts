/** What is said about a machine to whoever commands it: its jobs, and what still stands in the way. */
import type { Machine } from "../../../domain/machine.ts";
import { isTicketOut, type Ticket } from "../../../domain/ticket.ts";
import { findFreezeOver } from "../../../store/freezes.ts";
import { findJobsByRunnerNames } from "../../../store/jobs/load.ts";
import type { JobRow } from "../../../store/jobs/row.ts";
import type { Queryable } from "../../../store/schema.ts";
import { listTicketsOfMachine } from "../../../store/tickets/list.ts";
import type { CommandAnswer } from "../answers.ts";
import { describeMark } from "./setting.ts";

export interface MachineFacts {
  readonly machine: Machine;
  readonly tickets: readonly Ticket[];
  /** Not completed, and known to be on a ticket of it that is out. */
  readonly jobs: readonly JobRow[];
  readonly isFrozen: boolean;
}

export async function readFacts(db: Queryable, machine: Machine): Promise<MachineFacts> {
  const tickets = await listTicketsOfMachine(db, machine.id);
  const names = tickets.filter(isTicketOut).map((ticket) => ticket.runnerName);
  const jobs = (await findJobsByRunnerNames(db, names)).filter(({ job }) => job.status !== "completed");
  return { machine, tickets, jobs, isFrozen: (await findFreezeOver(db, machine.pool)) !== null };
}

export function listJobs({ jobs }: MachineFacts): CommandAnswer["jobs"] {
  return jobs.map(({ job: { id, repository, name, htmlUrl } }) => ({ id, repository, name, url: htmlUrl }));
}

/** `job 7 of acme/widgets, "build"`, separated by semicolons; empty where none is known. */
export function nameJobs({ jobs }: MachineFacts): string {
  const names = jobs.map(({ job: { id, repository, name } }) => {
    const title = name === "" ? "" : `, "${name}"`;
    return `job ${id} of ${repository}${title}`;
  });
  return names.join("; ");
}

export function findTicketOut({ tickets }: MachineFacts): Ticket | null {
  return tickets.find(isTicketOut) ?? null;
}

/** What becomes of the work there while nobody ends it. */
export function tellWork(facts: MachineFacts): readonly string[] {
  const jobs = nameJobs(facts);
  if (jobs !== "") return [`On it goes on: ${jobs}.`];
  const ticket = findTicketOut(facts);
  return ticket === null ? [] : [`Its ticket ${ticket.id} is out (${ticket.state.kind}): a job that comes to it runs.`];
}

/** How a machine goes that is drained. */
export function tellDrain(facts: MachineFacts): readonly string[] {
  const jobs = nameJobs(facts);
  const ticket = findTicketOut(facts);
  if (jobs !== "") return [`It gets no more tickets, and retires when this is over: ${jobs}.`];
  if (ticket?.state.kind === "running")
    return ["It gets no more tickets, and retires when the job on it is over, which GitHub has not named yet."];
  if (ticket !== null)
    return [
      `It gets no more tickets. Its host is asked to hand ticket ${ticket.id} back, and does so only if no job came to it; then the machine retires.`,
    ];
  if (facts.machine.state.kind === "parked") return ["It gets no more tickets and retires now."];
  return [
    "It gets no tickets, and retires as soon as its agent says that it holds none, or its boot deadline is past.",
  ];
}

/** What stops every ending of it, or goes on once nothing does. */
export function tellBars({ machine, isFrozen }: MachineFacts): readonly string[] {
  const { hold, forced, id, pool } = machine;
  return [
    ...(hold === null ? [] : [`It is held ${describeMark(hold)}. Nothing ends it until \`holdfast release ${id}\`.`]),
    ...(isFrozen ? [`Pool ${pool} is frozen. Nothing in it is ended until it is thawed.`] : []),
    ...(forced === null ? [] : [`Its end is forced ${describeMark(forced)}. That is not taken back.`]),
  ];
}
