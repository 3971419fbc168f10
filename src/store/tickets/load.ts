import type { TicketId } from "../../domain/ids.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { readInChunks } from "../chunks.ts";
import type { Queryable } from "../schema.ts";
import { rowOf } from "../statement.ts";
import { toTicket } from "./row.ts";

const ticketOf = rowOf((db, { id }: { readonly id: TicketId }) =>
  db.selectFrom("tickets").selectAll().where("id", "=", id),
);

export async function loadTicket(db: Queryable, id: TicketId): Promise<Ticket | null> {
  const row = await ticketOf(db, { id });
  return row === undefined ? null : toTicket(row);
}

/** Runner names are unique over all pools and for as long as retention keeps tickets. */
export async function findTicketByRunnerName(db: Queryable, name: string): Promise<Ticket | null> {
  const row = await db.selectFrom("tickets").selectAll().where("runner_name", "=", name).executeTakeFirst();
  return row === undefined ? null : toTicket(row);
}

/** The tickets whose runners have these names, in no order. */
export async function findTicketsByRunnerNames(db: Queryable, names: readonly string[]): Promise<readonly Ticket[]> {
  const rows = await readInChunks([...new Set(names)], (chunk) =>
    db.selectFrom("tickets").selectAll().where("runner_name", "in", chunk).execute(),
  );
  return rows.map(toTicket);
}
