import { type JobId, type MachineId, parseTicketId, type TicketId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { registrationScope } from "../../domain/pool.ts";
import { runnerNameOf } from "../../domain/runner-name.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { isTicketLive } from "../../domain/ticket.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { saveJob } from "../../store/jobs/save.ts";
import { loadMachine } from "../../store/machines/load.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject, machineSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { insertTicket, saveTicket } from "../../store/tickets/save.ts";
import type { PoolContext } from "../context.ts";
import { voidTicket } from "../void-ticket.ts";
import { asFree, type PoolPlan } from "./plan-pool.ts";

/** Rows read before the transaction may have moved on; whoever lost the compare-and-set is decided again next pass. */
export async function writeTicket(
  context: PoolContext,
  tx: Queryable,
  row: JobRow,
  machineId: MachineId,
  nowMs: number,
): Promise<void> {
  const machine = await loadMachine(tx, machineId);
  if (machine === null || asFree(machine, context).length === 0) return;
  const tickets = await listTicketsOfMachine(tx, machineId);
  if (tickets.some(isTicketLive)) return;
  const isOurs = await saveJob(
    tx,
    { ...row, ticketCount: row.ticketCount + 1, lastTicketAtMs: nowMs },
    row.version,
    nowMs,
  );
  if (!isOurs) return;
  const token = context.random.token(TICKET_TOKEN_LENGTH);
  const ticket: Ticket = {
    id: parseTicketId(`t-${token}`),
    pool: context.pool.name,
    connection: context.pool.connection,
    scope: registrationScope(context.pool, row.job.repository),
    machineId,
    jobId: row.job.id,
    runnerName: runnerNameOf(context.controllerId, token),
    runnerId: null,
    registration: "none",
    wasOnline: false,
    deliveredTo: null,
    state: { kind: "minting", sinceMs: nowMs },
    version: 1,
    createdAtMs: nowMs,
  };
  await insertTicket(tx, ticket);
  const fact = `ticket ${ticket.id} for job ${row.job.id} on ${machineId}`;
  for (const subject of [
    ticketSubject(ticket.id),
    machineSubject(machineId),
    jobSubject(row.job.connection, row.job.id),
  ])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
}

/** Fits a runner's name (64 characters) together with the longest controller id. */
const TICKET_TOKEN_LENGTH = 16;

export async function aimTicket(tx: Queryable, plan: PoolPlan, ticketId: TicketId, jobId: JobId): Promise<void> {
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an aimed ticket is one of the plan");
  await saveTicket(tx, { ...ticket, jobId, version: ticket.version + 1 }, ticket.version);
}

export async function voidUnneeded(
  context: PoolContext,
  tx: Queryable,
  plan: PoolPlan,
  ticketId: TicketId,
): Promise<void> {
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an unneeded ticket is one of the plan");
  const isVoided = await voidTicket(context, tx, ticket, "no job needs it any more");
  if (isVoided) context.wake.machine(ticket.machineId);
}
