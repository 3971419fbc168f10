import { type MachineId, parseMachineId, parseTicketId, type TicketId } from "../../domain/ids.ts";
import type { SavedLogs } from "../../domain/protocol.ts";
import type { MachineLogsTable, Queryable } from "../schema.ts";

export interface MachineLog {
  readonly machineId: MachineId;
  /** Null where the log is of no ticket. */
  readonly ticketId: TicketId | null;
  readonly name: string;
  readonly lines: readonly string[];
  readonly savedAtMs: number;
}

export interface LogsToSave extends Pick<SavedLogs, "machineId" | "ticketId" | "logs"> {
  readonly savedAtMs: number;
}

function toColumns(log: MachineLog): MachineLogsTable {
  return {
    machine_id: log.machineId,
    ticket_id: log.ticketId ?? "",
    name: log.name,
    lines: JSON.stringify(log.lines),
    saved_ms: log.savedAtMs,
  };
}

function toLog(row: MachineLogsTable): MachineLog {
  return {
    machineId: parseMachineId(row.machine_id),
    ticketId: row.ticket_id === "" ? null : parseTicketId(row.ticket_id),
    name: row.name,
    lines: JSON.parse(row.lines),
    savedAtMs: row.saved_ms,
  };
}

/** Idempotent: a log of the same machine, ticket and name takes the place of the one before. Unknown machine: throws. */
export async function saveLogs(db: Queryable, saved: LogsToSave): Promise<void> {
  for (const { name, lines } of saved.logs) {
    const columns = toColumns({ ...saved, name, lines });
    await db
      .insertInto("machine_logs")
      .values(columns)
      .onConflict((conflict) =>
        conflict
          .columns(["machine_id", "ticket_id", "name"])
          .doUpdateSet({ lines: columns.lines, saved_ms: columns.saved_ms }),
      )
      .execute();
  }
  await forgetSurplus(db, saved.machineId);
}

/** Logs kept of one machine: the newest, so that a job that has its machine's token cannot fill the store. */
const LOGS_PER_MACHINE_MAX = 60;

async function forgetSurplus(db: Queryable, machineId: MachineId): Promise<void> {
  const surplus = db
    .selectFrom("machine_logs")
    .select(["ticket_id", "name"])
    .where("machine_id", "=", machineId)
    .orderBy("saved_ms", "desc")
    .orderBy("name")
    .limit(1_000)
    .offset(LOGS_PER_MACHINE_MAX);
  for (const { ticket_id, name } of await surplus.execute())
    await db
      .deleteFrom("machine_logs")
      .where("machine_id", "=", machineId)
      .where("ticket_id", "=", ticket_id)
      .where("name", "=", name)
      .execute();
}

/** Oldest first, then by name. */
export async function listLogs(db: Queryable, machineId: MachineId): Promise<readonly MachineLog[]> {
  const rows = await db
    .selectFrom("machine_logs")
    .selectAll()
    .where("machine_id", "=", machineId)
    .orderBy("saved_ms")
    .orderBy("ticket_id")
    .orderBy("name")
    .execute();
  return rows.map(toLog);
}

/** Of all machines: the newest first, then by machine and name. */
export async function listRecentLogs(db: Queryable, limitCount: number): Promise<readonly MachineLog[]> {
  const rows = await db
    .selectFrom("machine_logs")
    .selectAll()
    .orderBy("saved_ms", "desc")
    .orderBy("machine_id")
    .orderBy("name")
    .limit(limitCount)
    .execute();
  return rows.map(toLog);
}
