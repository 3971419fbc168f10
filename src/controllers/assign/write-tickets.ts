import { type JobId, type MachineId, parseTicketId, type TicketId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { registrationScope } from "../../domain/pool.ts";
import { runnerNameOf } from "../../domain/runner-name.ts";
import type { StandingMint } from "../../domain/standing.ts";
import { standingScope } from "../../domain/supply.ts";
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
  if (!(await isStillFree(context, tx, machineId))) return;
  const isOurs = await saveJob(
    tx,
    { ...row, ticketCount: row.ticketCount + 1, lastTicketAtMs: nowMs },
    row.version,
    nowMs,
  );
  if (!isOurs) return;
  const scope = registrationScope(context.pool, row.job.repository);
  const ticket = mintingTicket(context, { purpose: "job", jobId: row.job.id, scope, machineId }, nowMs);
  await insertTicket(tx, ticket);
  const fact = `ticket ${ticket.id} for job ${row.job.id} on ${machineId}`;
  for (const subject of [
    ticketSubject(ticket.id),
    machineSubject(machineId),
    jobSubject(row.job.connection, row.job.id),
  ])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
}

async function isStillFree(context: PoolContext, tx: Queryable, machineId: MachineId): Promise<boolean> {
  const machine = await loadMachine(tx, machineId);
  if (machine === null || asFree(machine, context).length === 0) return false;
  return !(await listTicketsOfMachine(tx, machineId)).some(isTicketLive);
}

function mintingTicket(
  { pool, controllerId, random }: PoolContext,
  of: Pick<Ticket, "purpose" | "jobId" | "scope" | "machineId">,
  nowMs: number,
): Ticket {
  const token = random.token(TICKET_TOKEN_LENGTH);
  return {
    ...of,
    id: parseTicketId(`t-${token}`),
    pool: pool.name,
    connection: pool.connection,
    aimedAtMs: of.jobId === null ? null : nowMs,
    runnerName: runnerNameOf(controllerId, token),
    runnerId: null,
    registration: "none",
    wasOnline: false,
    deliveredTo: null,
    state: { kind: "minting", sinceMs: nowMs },
    version: 1,
    createdAtMs: nowMs,
  };
}

/** A ticket that no job asked for. */
export async function writeStandingTicket(
  context: PoolContext,
  tx: Queryable,
  { machineId, purpose }: StandingMint,
  nowMs: number,
): Promise<void> {
  const scope = standingScope(context.pool);
  invariant(scope !== null, "a pool without a known place wants no tickets in advance");
  if (!(await isStillFree(context, tx, machineId))) return;
  const ticket = mintingTicket(context, { purpose, jobId: null, scope, machineId }, nowMs);
  await insertTicket(tx, ticket);
  const fact = `ticket ${ticket.id} in advance (${purpose}) on ${machineId}`;
  for (const subject of [ticketSubject(ticket.id), machineSubject(machineId)])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
}

/** Fits a runner's name (64 characters) together with the longest controller id. */
const TICKET_TOKEN_LENGTH = 16;

export async function aimTicket(
  context: PoolContext,
  tx: Queryable,
  plan: PoolPlan,
  aim: { readonly ticketId: TicketId; readonly jobId: JobId },
): Promise<void> {
  const { ticketId, jobId } = aim;
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an aimed ticket is one of the plan");
  const aimedAtMs = context.clock.nowMs();
  const aimed: Ticket = { ...ticket, jobId, aimedAtMs, version: ticket.version + 1 };
  const isAimed = await saveTicket(tx, aimed, ticket.version);
  if (!isAimed) return;
  const fact = `ticket ${ticketId} (${ticket.state.kind}) aimed at job ${jobId}`;
  for (const subject of [ticketSubject(ticketId), jobSubject(ticket.connection, jobId)])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: aimedAtMs });
  // One that was held ready may go to its machine from now on.
  if (ticket.state.kind === "issued") context.wake.machine(ticket.machineId);
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
