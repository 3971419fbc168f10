/** Voids a ticket that never left us, in the caller's transaction; its registration is then owed a deletion. */

import { moveTicket, type Ticket } from "../domain/ticket.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import type { Queryable } from "../store/schema.ts";
import { machineSubject, ticketSubject } from "../store/subjects.ts";
import { saveTicket } from "../store/tickets/save.ts";
import { deleteTicketSecret } from "../store/tickets/secret.ts";
import type { Surroundings } from "./context.ts";

/** @returns false where the ticket moved on since it was read: then it is not voided. */
export async function voidTicket(
  context: Surroundings,
  tx: Queryable,
  ticket: Ticket,
  reason: string,
): Promise<boolean> {
  const nowMs = context.clock.nowMs();
  const isVoided = await saveTicket(tx, moveTicket(ticket, { kind: "void", reason, sinceMs: nowMs }), ticket.version);
  if (!isVoided) return false;
  await deleteTicketSecret(tx, ticket.id);
  const fact = `ticket void: ${reason}`;
  await recordEvidence(tx, { subject: ticketSubject(ticket.id), source: "store", fact, observedAtMs: nowMs });
  await recordEvidence(tx, { subject: machineSubject(ticket.machineId), source: "store", fact, observedAtMs: nowMs });
  return true;
}
