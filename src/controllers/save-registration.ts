/** Writes down what became of a ticket's registration at GitHub. */
import type { Ticket } from "../domain/ticket.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { inLease } from "../store/leases.ts";
import { ticketSubject } from "../store/subjects.ts";
import { saveTicket } from "../store/tickets/save.ts";
import type { PoolContext } from "./context.ts";

/** @returns the ticket as it is now; null where the pool is not ours, or another write came between. */
export async function saveRegistration(
  context: PoolContext,
  ticket: Ticket,
  registration: "present" | "gone",
): Promise<Ticket | null> {
  const after: Ticket = { ...ticket, registration, version: ticket.version + 1 };
  const lease = context.lease();
  if (lease === null) return null;
  const isSaved = await inLease(context.store, lease, (tx) => saveTicket(tx, after, ticket.version));
  if (!isSaved) return null;
  if (registration === "gone") {
    const fact = "registration gone from GitHub";
    const observedAtMs = context.clock.nowMs();
    await recordEvidence(context.store.db, {
      subject: ticketSubject(ticket.id),
      source: "github-api",
      fact,
      observedAtMs,
    });
    context.wake.controller("retire", context.pool.name);
  }
  return after;
}
