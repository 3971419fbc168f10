import { isStandIn } from "../../domain/adoption.ts";
import { invariant } from "../../domain/invariant.ts";
import type { Ticket } from "../../domain/ticket.ts";
import type { Queryable } from "../schema.ts";
import { countOf } from "../statement.ts";
import { toTicketColumns } from "./row.ts";

/**
 * @throws {InvariantError} where the id or the runner's name is there already, the machine has a live ticket, or there is
 *   no such machine.
 */
export async function insertTicket(db: Queryable, ticket: Ticket): Promise<void> {
  await db.insertInto("tickets").values(toTicketColumns(ticket)).execute();
}

/**
 * A stand-in gives way to the ticket that it stood for, in the caller's transaction, before that is written: a machine has
 * one live ticket.
 * @throws {InvariantError} where its host knows it.
 */
export async function removeStandIn(tx: Queryable, standIn: Ticket): Promise<void> {
  invariant(isStandIn(standIn), `ticket ${standIn.id} is one that its host knows`);
  await tx.deleteFrom("tickets").where("id", "=", standIn.id).execute();
}

const update = countOf(
  (db, { expectedVersion, ...columns }: ReturnType<typeof toTicketColumns> & { readonly expectedVersion: number }) =>
    db.updateTable("tickets").set(columns).where("id", "=", columns.id).where("version", "=", expectedVersion),
);

/**
 * Writes all of a ticket by compare-and-set; `ticket.version` is `expectedVersion + 1` already, as `moveTicket` leaves it.
 * @returns false, with nothing written, where another version is stored.
 */
export async function saveTicket(db: Queryable, ticket: Ticket, expectedVersion: number): Promise<boolean> {
  invariant(ticket.version === expectedVersion + 1, `the version of ticket ${ticket.id} moves by one`);
  return (await update(db, { ...toTicketColumns(ticket), expectedVersion })) > 0;
}
