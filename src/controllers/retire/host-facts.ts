/** Gathers what is known of machines besides their rows, for the proofs that time brings. */
import type { MachineId, TicketId } from "../../domain/ids.ts";
import { type Job, RUN_DELETED } from "../../domain/job.ts";
import type { Machine } from "../../domain/machine.ts";
import { type HostFacts, type KnownJob, WORKS_ON_MAX_MS } from "../../domain/slow-proofs.ts";
import { isTicketOut, type Ticket } from "../../domain/ticket.ts";
import { isPast } from "../../domain/time.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { listTicketsOfMachine, listTicketsOfMachines } from "../../store/tickets/list.ts";
import { heardTime, type PoolContext } from "../context.ts";

export interface Known {
  /** Every ticket that the machine ever had. */
  readonly tickets: readonly Ticket[];
  readonly facts: HostFacts;
}

export async function readKnown(context: PoolContext, machineId: MachineId): Promise<Known> {
  const tickets = await listTicketsOfMachine(context.store.db, machineId);
  return knownOf(context, machineId, tickets, await findJobsByRunnerNames(context.store.db, namesOut(tickets)));
}

/** As `readKnown`, of many at the cost of one. */
export async function readKnownOfMany(
  context: PoolContext,
  ids: readonly MachineId[],
): Promise<ReadonlyMap<MachineId, Known>> {
  const { db } = context.store;
  const tickets = Map.groupBy(await listTicketsOfMachines(db, ids), ({ machineId }) => machineId);
  const rows = await findJobsByRunnerNames(db, namesOut([...tickets.values()].flat()));
  return new Map(ids.map((id) => [id, knownOf(context, id, tickets.get(id) ?? [], rows)]));
}

function namesOut(tickets: readonly Ticket[]): readonly string[] {
  return tickets.filter(isTicketOut).map(({ runnerName }) => runnerName);
}

/** @param rows the jobs of its tickets that are out, and maybe others. */
function knownOf(
  context: PoolContext,
  machineId: MachineId,
  tickets: readonly Ticket[],
  rows: readonly JobRow[],
): Known {
  const out = tickets.filter(isTicketOut);
  const jobs = new Map<TicketId, readonly KnownJob[]>(
    out.map((ticket) => [ticket.id, rows.filter(({ job }) => isOf(job, ticket)).map(knownJob)]),
  );
  const { runnerReadings } = context.memory;
  const readings = new Map(
    out.flatMap(({ id }) => {
      const reading = runnerReadings.get(id);
      return reading === undefined ? [] : [[id, reading] as const];
    }),
  );
  return { tickets, facts: { ...heard(context, machineId), readings, jobs } };
}

/** Names of runners can be read in logs: what another connection tells of one proves nothing. */
function isOf(job: Job, { runnerName, connection, registration }: Ticket): boolean {
  return job.runnerName === runnerName && (registration === "none" || job.connection === connection);
}

/** When its host last gave a sign; no await, so that it can be asked right before a call. */
export function heard({ hearing }: PoolContext, machineId: MachineId): Pick<HostFacts, "heardAtMs" | "stirredAtMs"> {
  return { heardAtMs: hearing.heardAtMs(machineId), stirredAtMs: hearing.stirredAtMs(machineId) };
}

/** Over since the row last changed, by our own clock; that its run was deleted is our guess and no word of GitHub's. */
function knownJob({ job, updatedAtMs }: JobRow): KnownJob {
  const isOver = job.status === "completed" && job.conclusion !== RUN_DELETED;
  return { id: job.id, terminalSinceMs: isOver ? updatedAtMs : null, changedAtMs: updatedAtMs };
}

/**
 * Whether a slow proof could hold at all, by what is at hand: of all others nothing more is read. A machine at work whose
 * host speaks costs a look at its jobs only once it has worked for as long as the shortest of the limits.
 */
export function mayBeSlow(context: PoolContext, machine: Machine, ticket: Ticket | null): boolean {
  const time = heardTime(context);
  const stirredAtMs = context.hearing.stirredAtMs(machine.id) ?? 0;
  if (isPast(stirredAtMs, context.pool.deadlines.lostHostMs, time)) return true;
  if (ticket === null || !isTicketOut(ticket)) return false;
  const { stillness } = machine.report ?? { stillness: null };
  if (stillness?.isLeaseOld === true && stillness.isWorkerStill) return true;
  return isPast(ticket.state.sinceMs, WORKS_ON_MAX_MS, time);
}
