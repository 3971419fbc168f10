/** Lists of tickets, oldest first: by when they were made, then by id. */
import type { ConnectionName, JobId, MachineId, PoolName } from "../../domain/ids.ts";
import type { Ticket, TicketStateKind } from "../../domain/ticket.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { rowsOf } from "../statement.ts";
import { LIVE_STATES, OVER_STATES, toTicket } from "./row.ts";

/** Those of `isTicketLive`: at most one for each machine. */
export async function listLiveTicketsOfPool(db: Queryable, pool: PoolName): Promise<readonly Ticket[]> {
  return listTicketsInState(db, pool, LIVE_STATES);
}

const inStates = rowsOf(
  (db, { pool, kinds }: { readonly pool: PoolName; readonly kinds: readonly TicketStateKind[] }) =>
    oldestFirst(db).where("pool", "=", pool).where("state", "in", kinds),
);

export async function listTicketsInState(
  db: Queryable,
  pool: PoolName,
  kinds: readonly TicketStateKind[],
): Promise<readonly Ticket[]> {
  if (kinds.length === 0) return [];
  const rows = await inStates(db, { pool, kinds });
  return rows.map(toTicket);
}

const owingDeletion = rowsOf((db, { pool }: { readonly pool: PoolName }) =>
  oldestFirst(db)
    .where("pool", "=", pool)
    .where("registration", "in", ["present", "unknown"])
    .where("state", "in", OVER_STATES),
);

/** Tickets that are over and whose registration is at GitHub, or may be: each is owed a DELETE. */
export async function listTicketsOwingDeletion(db: Queryable, pool: PoolName): Promise<readonly Ticket[]> {
  const rows = await owingDeletion(db, { pool });
  return rows.map(toTicket);
}

const ofMachine = rowsOf((db, { machineId }: { readonly machineId: MachineId }) =>
  oldestFirst(db).where("machine_id", "=", machineId),
);

/** Every ticket that the machine ever had. */
export async function listTicketsOfMachine(db: Queryable, machineId: MachineId): Promise<readonly Ticket[]> {
  const rows = await ofMachine(db, { machineId });
  return rows.map(toTicket);
}

const ofMachines = rowsOf((db, { chunk }: { readonly chunk: readonly MachineId[] }) =>
  db.selectFrom("tickets").selectAll().where("machine_id", "in", chunk),
);

/** As `listTicketsOfMachine`, of many. */
export async function listTicketsOfMachines(db: Queryable, ids: readonly MachineId[]): Promise<readonly Ticket[]> {
  const rows = await readInChunks([...new Set(ids)], (chunk) => ofMachines(db, { chunk }));
  return rows.sort((a, b) => a.created_ms - b.created_ms || (a.id < b.id ? -1 : 1)).map(toTicket);
}

/** The tickets that were made because of a job, or aimed at it. */
export async function listTicketsOfJob(
  db: Queryable,
  jobId: JobId,
  connection: ConnectionName,
): Promise<readonly Ticket[]> {
  const rows = await oldestFirst(db).where("connection", "=", connection).where("job_id", "=", jobId).execute();
  return rows.map(toTicket);
}

const ofJobs = rowsOf(
  (db, { connection, chunk }: { readonly connection: ConnectionName; readonly chunk: readonly JobId[] }) =>
    db.selectFrom("tickets").selectAll().where("connection", "=", connection).where("job_id", "in", chunk),
);

/** As `listTicketsOfJob`, of many jobs of one connection. */
export async function listTicketsOfJobs(
  db: Queryable,
  connection: ConnectionName,
  ids: readonly JobId[],
): Promise<readonly Ticket[]> {
  const rows = await readInChunks([...new Set(ids)], (chunk) => ofJobs(db, { connection, chunk }));
  return rows.sort((a, b) => a.created_ms - b.created_ms || (a.id < b.id ? -1 : 1)).map(toTicket);
}

function oldestFirst(db: Queryable) {
  return db.selectFrom("tickets").selectAll().orderBy("created_ms").orderBy("id");
}
