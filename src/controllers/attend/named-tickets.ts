/**
 * Tickets that a host names and that our store knows nothing of, or something else: their rows are made from the host's
 * word, and where the machine's row was not one that we adopted, the whole store is behind.
 */
import {
  endByHost,
  isStandIn,
  judgeNamedTicket,
  type NamedTicket,
  presumeTicket,
  scopeByHost,
  ticketByHost,
} from "../../domain/adoption.ts";
import type { TicketId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { type Machine, moveMachine } from "../../domain/machine.ts";
import { type HostReport, REPORTED_ENDS_MAX } from "../../domain/protocol.ts";
import { canTicketMove, isTicketLive, type Ticket, type TicketState } from "../../domain/ticket.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { markRestored } from "../../store/facts.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { savePresumed, saveQuarantine } from "../../store/machines/presume.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { loadTicket } from "../../store/tickets/load.ts";
import { insertTicket, removeStandIn, saveTicket } from "../../store/tickets/save.ts";
import type { PoolContext } from "../context.ts";
import { tellRestored } from "../tell-restored.ts";

export interface Account {
  /**
   * False where something is left to do once a ticket of the machine that the store knows is over: the report is looked at
   * again.
   */
  readonly isWhole: boolean;
  /** No row has changed. */
  readonly isUntouched: boolean;
}

/** @param known the machine, and every ticket that it ever had. */
export async function accountForNamed(
  context: PoolContext,
  tx: Queryable,
  { machine, tickets }: { readonly machine: Machine; readonly tickets: readonly Ticket[] },
  report: HostReport,
): Promise<Account> {
  const held = report.ticket?.id ?? null;
  const named = [...(held === null ? [] : [held]), ...report.ended.map(({ id }) => id)];
  const words = new Map<TicketId, NamedTicket>();
  for (const id of named) {
    const row = tickets.find((ticket) => ticket.id === id) ?? (await loadTicket(tx, id));
    words.set(id, judgeNamedTicket(machine.id, row, id === held));
  }
  const kinds = [...words.values()];
  const isOfAnother = kinds.includes("of-another");
  if (isOfAnother) await quarantine(context, tx, machine.id);
  if (!kinds.includes("forgotten") && !kinds.includes("contradicted"))
    return { isWhole: true, isUntouched: !isOfAnother };
  const isThere = machine.state.kind !== "gone";
  if (isThere) {
    await presume(context, tx, machine.id);
    await keepReport(tx, machine.id, report);
  } else await heedLastWords(context, tx, { machine, tickets }, { held, words });
  for (const { id, end } of report.ended)
    if (words.get(id) === "forgotten") await insertEnded(context, tx, machine, id, endByHost(end, now(context)));
  const isKnown = !isThere || held === null || (words.get(held) !== "forgotten" && words.get(held) !== "contradicted");
  return { isWhole: isKnown || (await nameHeld(context, tx, machine.id, held)), isUntouched: false };
}

const now = (context: PoolContext) => context.clock.nowMs();

async function quarantine(context: PoolContext, tx: Queryable, id: Machine["id"]): Promise<void> {
  const machine = await loadMachine(tx, id);
  const why = "its agent named a ticket of another machine";
  if (machine === null || !(await saveQuarantine(tx, machine, why, now(context)))) return;
  context.telemetry.count("holdfast_machines_quarantined_total", { pool: machine.pool });
  context.telemetry.warn("a machine was quarantined", { pool: machine.pool, machine: id, why });
}

/** Forgotten with the presumption, and being attended to: it is said of the row as it is now, and may have to be read again. */
async function keepReport(tx: Queryable, id: Machine["id"], report: HostReport): Promise<void> {
  const machine = await loadMachine(tx, id);
  if (machine === null || machine.report !== null) return;
  await saveMachine(tx, { ...machine, report, version: machine.version + 1 }, machine.version);
}

/** A machine that we launched, and whose row did not know its ticket: the store is a backup of what it was. */
async function takeForBackup(context: PoolContext, tx: Queryable, { id, origin }: Machine): Promise<void> {
  if (origin === "launched" && (await markRestored(tx, context.store.generation, now(context))))
    tellRestored(context.telemetry, `machine ${id} names a ticket that the store does not know`);
}

/**
 * The words of a host that is gone come late, and what it holds was lost with it: that is no sign, unless the ticket never
 * left us by its row, or has none. Its machine may be found again with it.
 */
async function heedLastWords(
  context: PoolContext,
  tx: Queryable,
  { machine, tickets }: { readonly machine: Machine; readonly tickets: readonly Ticket[] },
  { held, words }: { readonly held: TicketId | null; readonly words: ReadonlyMap<TicketId, NamedTicket> },
): Promise<void> {
  const isVoid = tickets.some(({ id, state }) => id === held && state.kind === "void");
  if (isVoid || [...words.values()].includes("forgotten")) await takeForBackup(context, tx, machine);
  if (held === null || words.get(held) !== "forgotten") return;
  await insertEnded(context, tx, machine, held, { kind: "lost", sinceMs: now(context) });
}

async function presume(context: PoolContext, tx: Queryable, id: Machine["id"]): Promise<void> {
  const before = await loadMachine(tx, id);
  if (before !== null) await takeForBackup(context, tx, before);
  const machine = await loadMachine(tx, id);
  // What retires is given nothing.
  if (machine === null || machine.state.kind === "retiring") return;
  const tickets = await listTicketsOfMachine(tx, id);
  if (machine.origin !== "launched" && tickets.some(({ state }) => state.kind === "unknown")) return;
  const origin = machine.origin === "launched" ? "restored" : machine.origin;
  const hasOut = machine.state.kind === "engaged" && tickets.some(isTicketLive);
  if (machine.origin !== "launched" && hasOut) return;
  const why = "its agent names a ticket that its row does not know";
  await savePresumed(tx, machine, { origin, why, nowMs: now(context) });
}

/** Its registration may be there: an end that nobody wrote down is the sweep's to clear up after. */
async function insertEnded(
  context: PoolContext,
  tx: Queryable,
  machine: Machine,
  id: TicketId,
  state: TicketState,
): Promise<void> {
  if ((await listTicketsOfMachine(tx, machine.id)).length >= REPORTED_ENDS_MAX) return;
  const ticket = await rowByHost(context, tx, machine, id, state);
  await insertTicket(tx, ticket);
  await note(context, tx, ticket, `ticket ${id}, which the store did not know, ended as ${state.kind} by its host`);
}

/**
 * The stand-in gives way to the ticket that its host holds, also where that was voided before anybody knew that the store is
 * a backup: else its jobs are nobody's, and a Worker that hangs is kept for as long as a job without a name may run.
 * @returns false while another ticket is in its place.
 */
async function nameHeld(context: PoolContext, tx: Queryable, machineId: Machine["id"], id: TicketId): Promise<boolean> {
  const machine = await loadMachine(tx, machineId);
  const row = await loadTicket(tx, id);
  if (machine === null || (row !== null && !canTicketMove(row.state.kind, "unknown"))) return true;
  const live = (await listTicketsOfMachine(tx, machineId)).find(isTicketLive);
  if (live !== undefined && live.id !== id) {
    if (!isStandIn(live)) return false;
    await removeStandIn(tx, live);
  }
  const ticket = await writeHeld(context, tx, machine, { id, row });
  if (machine.state.kind === "engaged") {
    const engaged = moveMachine(machine, { kind: "presumed", ticketId: id }, now(context));
    await saveMachine(tx, engaged, machine.version);
  }
  await note(context, tx, ticket, `ticket ${id} is out to ${machineId}, by its host's journal`);
  return true;
}

async function writeHeld(
  context: PoolContext,
  tx: Queryable,
  machine: Machine,
  { id, row }: { readonly id: TicketId; readonly row: Ticket | null },
): Promise<Ticket> {
  if (row === null) {
    const ticket = await rowByHost(context, tx, machine, id, { kind: "unknown", sinceMs: now(context) });
    await insertTicket(tx, ticket);
    return ticket;
  }
  const ticket = presumeTicket(row, now(context));
  const isSaved = await saveTicket(tx, ticket, row.version);
  invariant(isSaved, `ticket ${id} changed inside the transaction that read it`);
  return ticket;
}

async function rowByHost(
  context: PoolContext,
  tx: Queryable,
  machine: Machine,
  id: TicketId,
  state: TicketState,
): Promise<Ticket> {
  const { controllerId, pool } = context;
  const unplaced = ticketByHost(id, machine, { controllerId, pool, scope: null }, state);
  const [row] = await findJobsByRunnerNames(tx, [unplaced.runnerName]);
  const scope = scopeByHost(pool, row?.job.repository ?? null);
  return { ...ticketByHost(id, machine, { controllerId, pool, scope }, state), jobId: row?.job.id ?? null };
}

async function note(context: PoolContext, tx: Queryable, ticket: Ticket, fact: string): Promise<void> {
  for (const subject of [ticketSubject(ticket.id), machineSubject(ticket.machineId)])
    await recordEvidence(tx, { subject, source: "agent", fact, observedAtMs: now(context) });
}
