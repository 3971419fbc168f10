/** The last lines that were kept: of an agent, a runner and its Worker when a ticket ended, of a console when no agent came. */
import { formatInstant } from "../../domain/instant.ts";
import type { Job } from "../../domain/job.ts";
import type { Machine } from "../../domain/machine.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { listLogs, type MachineLog } from "../../store/logs/logs.ts";
import type { Queryable } from "../../store/schema.ts";
import { listTicketsOfJob, listTicketsOfMachine } from "../../store/tickets/list.ts";
import { findTicketByRunnerName } from "../../store/tickets/load.ts";
import type { LogsAnswer } from "./answers.ts";
import { findSubject, refuseSeveral } from "./find-subject.ts";
import type { OperatorSources } from "./sources.ts";

/** The newest; each has at most 200 lines. */
const LOGS_MAX = 20;
/** Tickets of one job whose machines are looked at, the newest. */
const TICKETS_MAX = 20;

/**
 * @returns null where nothing of that name is known; without logs where none were kept, or none yet.
 * @throws {HoldfastError} `ambiguous`
 */
export async function readLogs(sources: OperatorSources, text: string): Promise<LogsAnswer | null> {
  const { db } = sources.store;
  const found = await findSubject(db, text);
  switch (found.kind) {
    case "none":
      return null;
    case "ambiguous":
      throw refuseSeveral("reading the logs of", text, found.names);
    case "job": {
      const { id, name } = found.row.job;
      const subject = { kind: "job" as const, id: String(id), name };
      return answer(sources, subject, await logsOfJob(db, found.row.job));
    }
    case "machine": {
      const { id } = found.machine;
      return answer(sources, { kind: "machine", id, name: id }, await logsOfMachine(db, found.machine));
    }
  }
}

interface TicketLog extends MachineLog {
  readonly runnerName: string | null;
}

async function logsOfMachine(db: Queryable, { id }: Pick<Machine, "id">): Promise<readonly TicketLog[]> {
  const nameById = new Map((await listTicketsOfMachine(db, id)).map((ticket) => [ticket.id, ticket.runnerName]));
  return (await listLogs(db, id)).map((log) => ({
    ...log,
    runnerName: log.ticketId === null ? null : (nameById.get(log.ticketId) ?? log.ticketId),
  }));
}

/** Those of the tickets that were made for it or that ran it, and what is of no ticket on the machine of either. */
async function logsOfJob(db: Queryable, { id, connection, runnerName }: Job): Promise<readonly TicketLog[]> {
  const made = (await listTicketsOfJob(db, id, connection)).slice(-TICKETS_MAX);
  const ran = runnerName === null ? null : await findTicketByRunnerName(db, runnerName);
  const tickets = new Map<string, Ticket>([...made, ...(ran === null ? [] : [ran])].map((one) => [one.id, one]));
  const machineIds = new Set([...tickets.values()].map(({ machineId }) => machineId));
  const logs: TicketLog[] = [];
  for (const machineId of machineIds) logs.push(...(await logsOfMachine(db, { id: machineId })));
  return logs
    .filter(({ ticketId }) => ticketId === null || tickets.has(ticketId))
    .sort((a, b) => a.savedAtMs - b.savedAtMs);
}

function answer({ clock }: OperatorSources, subject: LogsAnswer["subject"], logs: readonly TicketLog[]): LogsAnswer {
  const shown = logs.slice(-LOGS_MAX);
  return {
    now: formatInstant(clock.nowMs()),
    subject,
    logs: shown.map(({ machineId, runnerName, name, savedAtMs, lines }) => ({
      machineId,
      runnerName,
      name,
      savedAt: formatInstant(savedAtMs),
      lines: [...lines],
    })),
    omittedCount: logs.length - shown.length,
  };
}
