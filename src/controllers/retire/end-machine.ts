/** Takes one retiring machine as far towards its end as it gets now. `domain/ending` decides each step. */

import { ABSENT_FACT, ALARM_FACTS, endingFact, SAID_GONE_FACT } from "../../domain/alarm-facts.ts";
import { type EndingStep, isSlow } from "../../domain/ending.ts";
import { HoldfastError, ProviderError } from "../../domain/errors.ts";
import type { MachineId, ProviderId, TicketId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { canStageMove, type Machine, moveMachine } from "../../domain/machine.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { issuePermit, type MachineProof } from "../../domain/permit.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { isTicketOut, moveTicket, type Ticket } from "../../domain/ticket.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { recordDecision } from "../../store/evidence/decisions.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { forgetHeard } from "../../store/hearings.ts";
import { inLease, type Lease, leaseRemainingMs } from "../../store/leases.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { saveMachine } from "../../store/machines/save.ts";
import type { Queryable } from "../../store/schema.ts";
import { machineSubject, ticketSubject } from "../../store/subjects.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { loadTicket } from "../../store/tickets/load.ts";
import { saveTicket } from "../../store/tickets/save.ts";
import { deleteTicketSecret } from "../../store/tickets/secret.ts";
import { heardTime, type PoolContext } from "../context.ts";
import { concludeAbsence } from "../observe/absence.ts";
import { concludeStop } from "../observe/stopped.ts";
import { voidTicket } from "../void-ticket.ts";
import { readBars } from "./bars.ts";
import { decideStep, type Ending, owesLook } from "./decide-step.ts";
import { guardOf, noteGuarded, noteSlowEnding } from "./guard.ts";
import { heard, readKnown } from "./host-facts.ts";
import { keepConsole } from "./keep-console.ts";
import { noteLostJobs } from "./lost-jobs.ts";
import { noteForcedEnd, noteGroupsEnd } from "./note-forced.ts";

/** An ending has fewer steps than this; more in one pass would be a loop. */
const STEPS_MAX = 12;
/** A call that ends a machine is not made with less of the lease left than the call may take. */
const TERMINATE_TIMEOUT_MS = 15 * SECOND_MS;

export async function endMachine(context: PoolContext, machineId: MachineId): Promise<void> {
  for (let count = 0; count < STEPS_MAX; count += 1) {
    const lease = context.lease();
    if (lease === null) return;
    const ending = await readEnding(context, machineId, count === 0);
    if (ending === null) return;
    const step = await decideStep(context, ending, lease.epoch);
    if (!(await takeStep(context, lease, ending, step))) return;
  }
}

/** The provider is read by id before the store, so that what it says is never newer than the row it is judged with. */
async function readEnding(context: PoolContext, machineId: MachineId, isFirst: boolean): Promise<Ending | null> {
  const { db } = context.store;
  const before = await loadMachine(db, machineId);
  if (before?.state.kind !== "retiring") return null;
  const isAsked = owesLook(context, before, isFirst);
  const observed = isAsked ? await askProvider(context, before, before.state.providerId) : null;
  // Where the provider was not asked, nothing has been waited for since the row was read.
  const machine = isAsked ? await loadMachine(db, machineId) : before;
  if (machine?.state.kind !== "retiring") return null;
  return { machine, observed, ...(await readKnown(context, machineId)) };
}

/** By id; null where it could not be asked. */
export async function askProvider(
  context: PoolContext,
  machine: Machine,
  providerId: ProviderId,
): Promise<ObservedMachine | null> {
  try {
    const [observed] = await context.provider.list([providerId]);
    if (observed === undefined) return null;
    return concludeStop(context, concludeAbsence(context, { ...observed, machineId: machine.id }), machine);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    context.telemetry.error("the provider could not be asked about a machine", error, {
      pool: machine.pool,
      machine: machine.id,
    });
    return null;
  }
}

/** @returns whether there may be a next step now. */
async function takeStep(context: PoolContext, lease: Lease, ending: Ending, step: EndingStep): Promise<boolean> {
  const { machine } = ending;
  switch (step.kind) {
    case "wait":
      await noteWaiting(context, machine, step.missing);
      if (step.missing.includes("deregistering")) context.wake.controller("sweep", context.pool.name);
      return false;
    case "void-ticket": {
      const ticket = ending.tickets.find((one) => one.id === step.ticketId);
      invariant(ticket !== undefined, "a voided ticket is one of the machine's");
      return inLease(context.store, lease, (tx) => voidTicket(context, tx, ticket, "its machine retires"));
    }
    case "stage": {
      const after = moveMachine(machine, { kind: "stage", stage: step.stage }, context.clock.nowMs());
      return inLease(context.store, lease, (tx) => saveMachine(tx, after, machine.version));
    }
    case "terminate":
      await keepConsole(context, machine, step.proof.kind);
      return terminate(context, lease, machine, step.proof);
    case "resume":
      await resume(context, lease, machine, step.ticketId);
      return false;
    case "confirm-gone":
      await confirmGone(context, lease, ending);
      return false;
  }
}

/** The host was heard with its ticket before any permit was issued. */
async function resume(context: PoolContext, lease: Lease, machine: Machine, ticketId: TicketId): Promise<void> {
  const nowMs = context.clock.nowMs();
  const after = moveMachine(machine, { kind: "resumed", ticketId }, nowMs);
  await inLease(context.store, lease, async (tx) => {
    // Its end may have been attended to since it was read: a machine that goes on without a ticket would go on for ever.
    const ticket = await loadTicket(tx, ticketId);
    if (ticket === null || !isTicketOut(ticket)) return;
    if (!(await saveMachine(tx, after, machine.version))) return;
    const fact = "goes on after all: what spoke for its end speaks no more";
    await recordEvidence(tx, { subject: machineSubject(machine.id), source: "store", fact, observedAtMs: nowMs });
  });
}

/** Re-reads the rows right before the call and issues the permit from them. */
async function terminate(context: PoolContext, lease: Lease, judged: Machine, proof: MachineProof): Promise<boolean> {
  const { db } = context.store;
  if ((await leaseRemainingMs(db, lease)) < TERMINATE_TIMEOUT_MS) return false;
  const { tickets, facts: read } = await readKnown(context, judged.id);
  // Another replica may have heard its host since our last look at what they hear.
  if (isSlow(proof)) await context.hearOthers();
  // The last thing that is read: a hold, a freeze or a presumption that was written by now counts.
  const { machine, bars } = await readBars(db, judged.pool, judged.id);
  if (machine === null || machine.version !== judged.version) return true;
  if (bars.length > 0) {
    await noteWaiting(context, machine, bars);
    return false;
  }
  // Heard of as late as can be: from here to the call there is no await.
  const facts = { ...read, ...heard(context, judged.id) };
  const decision = issuePermit({
    kind: "end-machine",
    machine,
    tickets,
    proof: "facts" in proof ? { ...proof, facts } : proof,
    epoch: lease.epoch,
    time: heardTime(context),
  });
  if (decision.kind === "refused") {
    await noteWaiting(context, machine, decision.missing);
    return false;
  }
  // From the look at the guard to the note that one more ends there is no await: no two pass it together.
  const guard = isSlow(proof) ? guardOf(context, machine.id) : null;
  if (guard !== null) {
    await noteWaiting(context, machine, [guard]);
    return false;
  }
  if (isSlow(proof)) noteSlowEnding(context, machine.id);
  try {
    await context.provider.terminate(decision.permit);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const fact = `the provider did not end it: ${error.message}`;
    const observedAtMs = context.clock.nowMs();
    await recordEvidence(db, { subject: machineSubject(machine.id), source: "provider", fact, observedAtMs });
    context.telemetry.error("a machine was not ended; it is tried again", error, {
      pool: machine.pool,
      machine: machine.id,
      code: error.code,
    });
    return false;
  }
  const limit = proof.kind === "overdue" ? proof.limit : null;
  context.telemetry.count("holdfast_machines_ended_total", { pool: machine.pool, proof: decision.permit.proof });
  if (proof.kind === "overdue")
    context.telemetry.count("holdfast_forced_endings_total", { pool: machine.pool, cause: proof.limit });
  return inLease(context.store, lease, (tx) =>
    noteAsked(tx, machine.id, endingFact(decision.permit.proof, limit), context),
  );
}

/** By the row as it is now: a report may have changed it during the call, and an ending that is not noted is asked for again. */
async function noteAsked(tx: Queryable, machineId: MachineId, fact: string, { clock }: PoolContext): Promise<boolean> {
  const nowMs = clock.nowMs();
  await recordEvidence(tx, { subject: machineSubject(machineId), source: "controller", fact, observedAtMs: nowMs });
  const machine = await loadMachine(tx, machineId);
  if (machine?.state.kind !== "retiring" || !canStageMove(machine.state.stage, "confirming")) return true;
  return saveMachine(tx, moveMachine(machine, { kind: "stage", stage: "confirming" }, nowMs), machine.version);
}

async function confirmGone(context: PoolContext, lease: Lease, ending: Ending): Promise<void> {
  const { machine } = ending;
  const nowMs = context.clock.nowMs();
  let isForced = false;
  let isGroups = false;
  const isClosed = await inLease(context.store, lease, async (tx) => {
    const gone = moveMachine(machine, { kind: "confirmed-gone" }, nowMs);
    if (!(await saveMachine(tx, gone, machine.version))) return false;
    // Read again in here: an agent's last report may have moved one since.
    const tickets = await listTicketsOfMachine(tx, machine.id);
    const lost = tickets.filter(isTicketOut);
    for (const ticket of lost) await loseTicket(tx, ticket, nowMs);
    await forgetHeard(tx, machine.id);
    const subject = machineSubject(machine.id);
    const fact = ending.observed?.isAbsent === true ? ABSENT_FACT : SAID_GONE_FACT;
    await recordEvidence(tx, { subject, source: "provider", fact, observedAtMs: nowMs });
    isForced = await noteForcedEnd(tx, machine, tickets, nowMs);
    if (!isForced) await noteLostJobs(tx, { machine: gone, lost, pool: context.pool }, nowMs);
    if (lost.length > 0) isGroups = await noteGroupsEnd(context, tx, machine.id, nowMs);
    return true;
  });
  if (!isClosed) return;
  if (isGroups) context.telemetry.count("holdfast_forced_endings_total", { pool: machine.pool, cause: "group-limit" });
  context.memory.holds.delete(machine.id);
  if (isForced) context.telemetry.count("holdfast_forced_endings_total", { pool: machine.pool, cause: "operator" });
  context.memory.observed.delete(machine.id);
  context.memory.consolesRead.delete(machine.id);
  context.memory.surplusSinceMs.delete(machine.id);
  context.memory.guards.unknownSinceMs.delete(machine.id);
  context.hearing.forget(machine.id);
  context.wake.controller("assign", context.pool.name);
  context.wake.controller("sweep", context.pool.name);
}

/** The machine died with the ticket out: a job that ran there is lost with it, and shown as such. */
async function loseTicket(tx: Queryable, ticket: Ticket, nowMs: number): Promise<void> {
  const isSaved = await saveTicket(tx, moveTicket(ticket, { kind: "lost", sinceMs: nowMs }), ticket.version);
  invariant(isSaved, `ticket ${ticket.id} changed inside the transaction that read it`);
  await deleteTicketSecret(tx, ticket.id);
  const fact = `${ALARM_FACTS["ticket-lost"]} while ${ticket.state.kind}`;
  await recordEvidence(tx, { subject: ticketSubject(ticket.id), source: "provider", fact, observedAtMs: nowMs });
  await recordEvidence(tx, {
    subject: machineSubject(ticket.machineId),
    source: "provider",
    fact,
    observedAtMs: nowMs,
  });
}

async function noteWaiting(context: PoolContext, machine: Machine, missing: readonly ReasonCode[]): Promise<void> {
  const [reason] = missing;
  if (reason === undefined) return;
  context.telemetry.count("holdfast_endings_refused_total", { pool: machine.pool, missing: reason });
  noteGuarded(context, machine, reason);
  await recordDecision(context.store.db, {
    subject: machineSubject(machine.id),
    action: "wait",
    reason,
    decidedAtMs: context.clock.nowMs(),
  });
}
