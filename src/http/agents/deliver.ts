/**
 * Hands a machine the ticket that was issued for it. `delivered` and `engaged` are written before the answer leaves, in one
 * transaction that a retirement of the machine cannot pass: from then on it is presumed busy.
 */

import { isContested } from "../../domain/check-in.ts";
import type { IncarnationId, MachineId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { type Machine, moveMachine } from "../../domain/machine.ts";
import { mayGetTickets } from "../../domain/operator-words.ts";
import type { OfferedTicket, PollAnswer } from "../../domain/protocol.ts";
import { isHeldReady, moveTicket, type Ticket } from "../../domain/ticket.ts";
import { STEP_FACTS } from "../../domain/wait.ts";
import { NO_TRACES, type Traces } from "../../ports/traces.ts";
import { findDrain } from "../../store/drains.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { listCheckIns } from "../../store/machines/check-ins.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import type { Store } from "../../store/store.ts";
import { machineSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { saveTicket } from "../../store/tickets/save.ts";
import { loadTicketSecret } from "../../store/tickets/secret.ts";
import { inTransaction } from "../../store/transaction.ts";

export interface Poller {
  readonly machineId: MachineId;
  readonly incarnation: IncarnationId;
}

/** What there is for a machine now; null where there is nothing, and the poll may wait. */
export async function answerPoll(
  store: Store,
  poller: Poller,
  nowMs: number,
  { trace }: Traces = NO_TRACES,
): Promise<PollAnswer | null> {
  const machine = await loadMachine(store.db, poller.machineId);
  if (machine === null || machine.state.kind === "retiring" || machine.state.kind === "gone") return { kind: "report" };
  if (machine.incarnation !== poller.incarnation) return { kind: "report" };
  const { state, sequence } = machine;
  // Its word is asked for once; after that it waits to be stopped.
  if (state.kind === "stopping" && sequence <= state.heardSequence) return { kind: "report" };
  if (machine.state.kind !== "parked" && machine.state.kind !== "engaged") return null;
  // Most polls come before their ticket: a transaction, which holds up every other write, is only for one that is there.
  const tickets = await listTicketsOfMachine(store.db, machine.id);
  if (!tickets.some((ticket) => isFor(machine, ticket))) return null;
  const ticket = await trace("ticket", "deliver", { pool: machine.pool, machine: machine.id }, async (span) => {
    const offered = await inTransaction(store, (tx) => deliver(tx, poller, nowMs));
    span.note({ ticket: offered?.id, job: tickets.find(({ id }) => id === offered?.id)?.jobId });
    return offered;
  });
  return ticket === null ? null : { kind: "ticket", ticket };
}

/** As the transaction finds it, of rows that may have changed by then: whoever makes it true later wakes the poll. */
function isFor({ state }: Machine, ticket: Ticket): boolean {
  return state.kind === "parked"
    ? ticket.state.kind === "issued" && !isHeldReady(ticket)
    : ticket.state.kind === "delivered";
}

async function deliver(tx: Queryable, poller: Poller, nowMs: number): Promise<OfferedTicket | null> {
  const machine = await loadMachine(tx, poller.machineId);
  if (machine === null || machine.incarnation !== poller.incarnation) return null;
  const tickets = await listTicketsOfMachine(tx, machine.id);
  if (machine.state.kind === "engaged") return repeat(tx, machine, tickets);
  const issued = tickets.find((ticket) => ticket.state.kind === "issued" && !isHeldReady(ticket));
  if (machine.state.kind !== "parked" || issued === undefined) return null;
  // An operator's word, or a retirement, may have come after it was issued; whoever wrote that voids it.
  if (!mayGetTickets(machine) || (await findDrain(tx, { kind: "pool", id: machine.pool })) !== null) return null;
  // One that is to go gets no ticket, nor one of which it is not certain who speaks.
  if (machine.retireWhenSpent !== null || machine.origin !== "launched") return null;
  if (isContested(await listCheckIns(tx, machine.id), { heardSinceMs: 0, nowMs })) return null;
  const jitConfig = await loadTicketSecret(tx, issued.id);
  // Without its secret it is worth nothing: it is left, and voided once it is late.
  if (jitConfig === null) return null;
  const delivered = moveTicket({ ...issued, deliveredTo: poller.incarnation }, { kind: "delivered", sinceMs: nowMs });
  const engaged = moveMachine(machine, { kind: "engaged", ticketId: issued.id }, nowMs);
  const isSaved =
    (await saveTicket(tx, delivered, issued.version)) && (await saveMachine(tx, engaged, machine.version));
  invariant(isSaved, "rows read in a transaction do not change inside it");
  for (const subject of [ticketSubject(issued.id), machineSubject(machine.id)])
    await recordEvidence(tx, { subject, source: "store", fact: STEP_FACTS.delivered, observedAtMs: nowMs });
  return { id: issued.id, runnerName: issued.runnerName, jitConfig };
}

/** The same ticket again, to the same incarnation only, until its report confirms it (its secret is deleted then). */
async function repeat(tx: Queryable, machine: Machine, tickets: readonly Ticket[]): Promise<OfferedTicket | null> {
  const { state, incarnation } = machine;
  const ticket = tickets.find((one) => state.kind === "engaged" && one.id === state.ticketId);
  if (ticket?.state.kind !== "delivered" || ticket.deliveredTo !== incarnation) return null;
  const jitConfig = await loadTicketSecret(tx, ticket.id);
  return jitConfig === null ? null : { id: ticket.id, runnerName: ticket.runnerName, jitConfig };
}
