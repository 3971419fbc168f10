import { moveTicket, type Ticket } from "../../domain/ticket.ts";
import { recordEvidence } from "../evidence/evidence.ts";
import type { Queryable } from "../schema.ts";
import { machineSubject, ticketSubject } from "../subjects.ts";
import { saveTicket } from "./save.ts";
import { deleteTicketSecret } from "./secret.ts";

/**
 * Voids a ticket that never left us, in the caller's transaction; its registration is then owed a deletion.
 * @returns false where the ticket moved on since it was read: then it is not voided.
 */
export async function voidUnsentTicket(tx: Queryable, ticket: Ticket, reason: string, nowMs: number): Promise<boolean> {
  const isVoided = await saveTicket(tx, moveTicket(ticket, { kind: "void", reason, sinceMs: nowMs }), ticket.version);
  if (!isVoided) return false;
  await deleteTicketSecret(tx, ticket.id);
  const fact = `ticket void: ${reason}`;
  await recordEvidence(tx, { subject: ticketSubject(ticket.id), source: "store", fact, observedAtMs: nowMs });
  await recordEvidence(tx, { subject: machineSubject(ticket.machineId), source: "store", fact, observedAtMs: nowMs });
  return true;
}
