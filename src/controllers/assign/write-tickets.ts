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

export function writeTicket(
  context: PoolContext,
  tx: Queryable,
  row: JobRow,
  machineId: MachineId,
  nowMs: number,
): Promise<void> {
  const about = { pool: context.pool.name, job: row.job.id, machine: machineId };
  return context.telemetry.trace("assign", "mint", about, async (span) =>
    span.note({ ticket: await bindTicket(context, tx, row, machineId, nowMs) }),
  );
}

/** Rows read before the transaction may have moved on; whoever lost the compare-and-set is decided again next pass. */
async function bindTicket(
  context: PoolContext,
  tx: Queryable,
  row: JobRow,
  machineId: MachineId,
  nowMs: number,
): Promise<TicketId | null> {
  if (!(await isStillFree(context, tx, machineId))) return null;
  const isOurs = await saveJob(
    tx,
    { ...row, ticketCount: row.ticketCount + 1, lastTicketAtMs: nowMs },
    row.version,
    nowMs,
  );
  if (!isOurs) return null;
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
  return ticket.id;
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
export function writeStandingTicket(
  context: PoolContext,
  tx: Queryable,
  mint: StandingMint,
  nowMs: number,
): Promise<void> {
  const about = { pool: context.pool.name, machine: mint.machineId };
  return context.telemetry.trace("assign", "standing", about, async (span) =>
    span.note({ ticket: await bindStandingTicket(context, tx, mint, nowMs) }),
  );
}

async function bindStandingTicket(
  context: PoolContext,
  tx: Queryable,
  { machineId, purpose }: StandingMint,
  nowMs: number,
): Promise<TicketId | null> {
  const scope = standingScope(context.pool);
  invariant(scope !== null, "a pool without a known place wants no tickets in advance");
  if (!(await isStillFree(context, tx, machineId))) return null;
  const ticket = mintingTicket(context, { purpose, jobId: null, scope, machineId }, nowMs);
  await insertTicket(tx, ticket);
  const fact = `ticket ${ticket.id} in advance (${purpose}) on ${machineId}`;
  for (const subject of [ticketSubject(ticket.id), machineSubject(machineId)])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
  return ticket.id;
}

/** Fits a runner's name (64 characters) together with the longest controller id. */
const TICKET_TOKEN_LENGTH = 16;

export function aimTicket(
  context: PoolContext,
  tx: Queryable,
  plan: PoolPlan,
  { ticketId, jobId }: { readonly ticketId: TicketId; readonly jobId: JobId },
): Promise<void> {
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an aimed ticket is one of the plan");
  const about = { pool: context.pool.name, job: jobId, machine: ticket.machineId, ticket: ticketId };
  return context.telemetry.trace("assign", "aim", about, () => bindAim(context, tx, ticket, jobId));
}

async function bindAim(context: PoolContext, tx: Queryable, ticket: Ticket, jobId: JobId): Promise<void> {
  const ticketId = ticket.id;
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
