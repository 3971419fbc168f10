/** Agents' reports become the states of machines and tickets. Reads the rows whose report has not been looked at. */

import { onlyOfWork } from "../domain/adoption.ts";
import { ALARM_FACTS } from "../domain/alarm-facts.ts";
import { attendReport } from "../domain/attend.ts";
import { isContested } from "../domain/check-in.ts";
import type { MachineId } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { type Machine, moveMachine } from "../domain/machine.ts";
import { isInService } from "../domain/membership.ts";
import type { HostReport } from "../domain/protocol.ts";
import type { Ticket } from "../domain/ticket.ts";
import { isTicketOver } from "../domain/ticket.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { inLease } from "../store/leases.ts";
import { listCheckIns } from "../store/machines/check-ins.ts";
import { loadMachine } from "../store/machines/load.ts";
import { listMachinesWithNews, markAttended } from "../store/machines/news.ts";
import { saveMachine } from "../store/machines/save.ts";
import type { Queryable } from "../store/schema.ts";
import { machineSubject, ticketSubject } from "../store/subjects.ts";
import { listTicketsOfMachine } from "../store/tickets/list.ts";
import { saveTicket } from "../store/tickets/save.ts";
import { deleteTicketSecret } from "../store/tickets/secret.ts";
import { accountForNamed } from "./attend/named-tickets.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { isGroupsMachine } from "./group-member.ts";

const MACHINES_MAX = 500;

export async function attend(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const machines = await listMachinesWithNews(context.store.db, context.pool.name, MACHINES_MAX);
  let failure: { readonly error: unknown } | null = null;
  let concernsDemand = false;
  for (const { id } of machines) {
    try {
      if (!(await inLease(context.store, lease, (tx) => attendMachine(context, tx, id)))) continue;
      concernsDemand = true;
      // It may be parked now, with a ticket that was issued while it booted: a poll that came before this still waits.
      context.wake.machine(id);
    } catch (error) {
      // One bad row holds up no other; it is told once the others are done.
      failure ??= { error };
    }
  }
  if (machines.length > 0) context.wake.controller("retire", context.pool.name);
  if (concernsDemand) context.wake.controller("assign", context.pool.name);
  if (failure !== null) throw failure.error;
  if (machines.length === MACHINES_MAX) context.wake.controller("attend", context.pool.name);
}

/** @returns whether it may change what jobs get: rows changed, or the machine is one that jobs could get. */
async function attendMachine(context: PoolContext, tx: Queryable, id: MachineId): Promise<boolean> {
  const machine = await loadMachine(tx, id);
  if (machine === null) return false;
  if (machine.report === null) {
    // Forgotten by a presumption: the next is news.
    await markAttended(tx, id, machine.sequence);
    return false;
  }
  // Its launch has not been answered yet: the report stays news until it has.
  if (machine.state.kind === "planned") return true;
  if (machine.state.kind === "stopped" && machine.incarnation !== null) return takeUpStarted(context, tx, machine);
  // Until its group has it in service a hook of somebody's may still end it: the report stays news until then.
  if (machine.state.kind === "provisioning" && !isServed(context, id)) return false;
  if (isContested(await listCheckIns(tx, id), heardTime(context))) {
    // Until it is certain who speaks, it can only show that a job runs; the report stays news until then.
    return applyReport(context, tx, machine, onlyOfWork(machine.report));
  }
  const tickets = await listTicketsOfMachine(tx, id);
  const account = await accountForNamed(context, tx, { machine, tickets }, machine.report);
  const read = account.isUntouched ? tickets : null;
  const concernsDemand = await applyReport(context, tx, machine, machine.report, read);
  if (account.isWhole) await markAttended(tx, id, machine.sequence);
  return concernsDemand || !account.isUntouched;
}

/** What is no group's is. */
function isServed(context: PoolContext, id: MachineId): boolean {
  return !isGroupsMachine(context, id) || isInService(context.memory.observed.get(id)?.membership);
}

/** Its agent speaks, so it runs, whoever started it: it boots like any other, and the report stays news until it has. */
async function takeUpStarted(context: PoolContext, tx: Queryable, machine: Machine): Promise<boolean> {
  const nowMs = context.clock.nowMs();
  const started = moveMachine(machine, { kind: "started" }, nowMs);
  const isSaved = await saveMachine(tx, started, machine.version);
  invariant(isSaved, `machine ${machine.id} changed inside the transaction that read it`);
  await noteState(tx, started, nowMs);
  context.wake.controller("attend", context.pool.name);
  return true;
}

/**
 * @param before as it was before its report was looked at.
 * @param read its tickets, where no row has changed since; null: machine and tickets are to be read again.
 * @returns as `attendMachine` does.
 */
async function applyReport(
  context: PoolContext,
  tx: Queryable,
  before: Machine,
  report: HostReport,
  read: readonly Ticket[] | null = null,
): Promise<boolean> {
  const { id } = before;
  const machine = read === null ? await loadMachine(tx, id) : before;
  if (machine === null) return false;
  const nowMs = context.clock.nowMs();
  const tickets = read ?? (await listTicketsOfMachine(tx, id));
  const after = attendReport(machine, tickets, report, nowMs);
  for (const ticket of after.tickets) await saveAttendedTicket(context, tx, ticket, nowMs);
  if (after.machine !== machine) {
    const isSaved = await saveMachine(tx, after.machine, machine.version);
    invariant(isSaved, `machine ${id} changed inside the transaction that read it`);
    await noteState(tx, after.machine, nowMs);
  }
  await noteRefusal(context, tx, machine, tickets, after.tickets);
  // A machine speaks for its own tickets only.
  const held = tickets.find((ticket) => ticket.id === machine.report?.ticket?.id);
  if (held !== undefined) await deleteTicketSecret(tx, held.id);
  const isFree = machine.state.kind === "provisioning" || machine.state.kind === "parked";
  return isFree || after.machine !== machine || after.tickets.length > 0;
}

/** The fence found work, or could not tell: the ticket goes on, and the reason is the host's. */
async function noteRefusal(
  context: PoolContext,
  tx: Queryable,
  { id, report }: Machine,
  before: readonly Ticket[],
  changed: readonly Ticket[],
): Promise<void> {
  const refusal = report?.fence ?? null;
  const wasAsked = before.some((one) => one.id === refusal?.ticketId && one.state.kind === "handing-back");
  if (refusal === null || !wasAsked || !changed.some((one) => one.id === refusal.ticketId)) return;
  context.telemetry.count("holdfast_fence_refusals_total", { pool: context.pool.name });
  const fact = `${ALARM_FACTS["fence-refused"]}: ${refusal.why}`;
  for (const subject of [ticketSubject(refusal.ticketId), machineSubject(id)])
    await recordEvidence(tx, { subject, source: "agent", fact, observedAtMs: context.clock.nowMs() });
}

async function saveAttendedTicket(context: PoolContext, tx: Queryable, ticket: Ticket, nowMs: number): Promise<void> {
  const isSaved = await saveTicket(tx, ticket, ticket.version - 1);
  invariant(isSaved, `ticket ${ticket.id} changed inside the transaction that read it`);
  const fact = ticket.state.kind === "barren" ? `ticket barren: ${ticket.state.reason}` : `ticket ${ticket.state.kind}`;
  const source = "agent";
  await recordEvidence(tx, { subject: ticketSubject(ticket.id), source, fact, observedAtMs: nowMs });
  await recordEvidence(tx, { subject: machineSubject(ticket.machineId), source, fact, observedAtMs: nowMs });
  if (!isTicketOver(ticket)) return;
  await deleteTicketSecret(tx, ticket.id);
  context.telemetry.count("holdfast_tickets_ended_total", { pool: ticket.pool, end: ticket.state.kind });
  context.wake.controller("sweep", ticket.pool);
}

async function noteState(tx: Queryable, machine: Machine, nowMs: number): Promise<void> {
  const subject = machineSubject(machine.id);
  await recordEvidence(tx, { subject, source: "agent", fact: `machine ${machine.state.kind}`, observedAtMs: nowMs });
}
