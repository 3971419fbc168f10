import type { Ticket } from "../domain/ticket.ts";
import type { Queryable } from "../store/schema.ts";
import { voidUnsentTicket } from "../store/tickets/void.ts";
import type { Surroundings } from "./context.ts";

/**
 * Voids a ticket that never left us, in the caller's transaction.
 * @returns false where the ticket moved on since it was read: then it is not voided.
 */
export function voidTicket(context: Surroundings, tx: Queryable, ticket: Ticket, reason: string): Promise<boolean> {
  return voidUnsentTicket(tx, ticket, reason, context.clock.nowMs());
}
