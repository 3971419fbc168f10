/** Takes one machine that is to wait stopped as far as it gets now. `domain/stopping` decides each step. */
import { HoldfastError, type ProviderErrorCode } from "../../domain/errors.ts";
import type { MachineId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { Machine } from "../../domain/machine.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import { issuePermit } from "../../domain/permit.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import { decideStopping, type StoppingStep } from "../../domain/stopping.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { Standby } from "../../ports/provider.ts";
import { recordDecision } from "../../store/evidence/decisions.ts";
import { inLease, type Lease, leaseRemainingMs } from "../../store/leases.ts";
import { forgetCheckIns } from "../../store/machines/check-ins.ts";
import { loadMachine } from "../../store/machines/load.ts";
import { markAttended } from "../../store/machines/news.ts";
import { machineSubject } from "../../store/subjects.ts";
import { listTicketsOfMachine } from "../../store/tickets/list.ts";
import { heardTime, type PoolContext } from "../context.ts";
import { readBars } from "../retire/bars.ts";
import { askProvider } from "../retire/end-machine.ts";
import { voidTicket } from "../void-ticket.ts";
import { moveStandby, notePause, STOP_BACKOFF } from "./standby-notes.ts";

/** Each of its tickets is voided by a step of its own, and it has one that has not left us; more would be a loop. */
const STEPS_MAX = 4;
/** The call is not made with less of the lease left than it may take. */
const STOP_TIMEOUT_MS = 15 * SECOND_MS;

interface Stopping {
  readonly machine: Machine;
  readonly tickets: readonly Ticket[];
  readonly observed: ObservedMachine | null;
}

export async function stopMachine(context: PoolContext, id: MachineId): Promise<void> {
  for (let count = 0; count < STEPS_MAX; count += 1) {
    const lease = context.lease();
    const stopping = await readStopping(context, id);
    if (lease === null || stopping === null) return;
    const isHeard = isHeardSince(context, stopping.machine);
    const { askedAtMs, unansweredAtMs } = context.memory.standby;
    const step = decideStopping({
      ...stopping,
      askedAgoMs: agoMs(context, askedAtMs.get(id)),
      unansweredAgoMs: agoMs(context, unansweredAtMs.get(id)),
      isHeard,
      epoch: lease.epoch,
      time: heardTime(context),
    });
    if (!(await takeStep(context, lease, stopping, step))) return;
  }
}

function agoMs({ clock }: PoolContext, atMs: number | undefined): number | null {
  return atMs === undefined ? null : clock.monotonicMs() - atMs;
}

/** A word of another incarnation was heard by this process: before it can report, it checks in. */
function isHeardSince({ memory, clock }: PoolContext, { id, incarnation, sequence }: Machine): boolean {
  const { wordBefore, unansweredAtMs } = memory.standby;
  const before = wordBefore.get(id);
  if (before === undefined) {
    wordBefore.set(id, { incarnation, sequence });
    // Whoever began to stop it may have called a moment ago.
    unansweredAtMs.set(id, clock.monotonicMs());
  }
  return before !== undefined && (before.incarnation !== incarnation || sequence > before.sequence);
}

/** By id only where the listing says that it is stopped, and before the row, so that its word is never newer than that. */
async function readStopping(context: PoolContext, id: MachineId): Promise<Stopping | null> {
  const { db } = context.store;
  const before = await loadMachine(db, id);
  if (before?.state.kind !== "stopping") return null;
  const isShownStopped = context.memory.observed.get(id)?.state === "stopped";
  const observed = isShownStopped ? await askProvider(context, before, before.state.providerId) : null;
  const machine = await loadMachine(db, id);
  if (machine?.state.kind !== "stopping") return null;
  return { machine, tickets: await listTicketsOfMachine(db, id), observed };
}

/** @returns whether there may be a next step now. */
async function takeStep(context: PoolContext, lease: Lease, stopping: Stopping, step: StoppingStep): Promise<boolean> {
  const { machine, tickets } = stopping;
  switch (step.kind) {
    case "wait":
      await noteWaiting(context, machine, step.missing);
      return false;
    case "void-ticket": {
      const ticket = tickets.find((one) => one.id === step.ticketId);
      invariant(ticket !== undefined, "a voided ticket is one of the machine's");
      return inLease(context.store, lease, (tx) => voidTicket(context, tx, ticket, "its machine is to wait stopped"));
    }
    case "confirm-stopped":
      await confirmStopped(context, machine);
      return false;
    case "give-up":
      await giveUp(context, machine, "it was not stopped by its deadline");
      return false;
    case "stop": {
      const standby = context.abilities?.standby ?? null;
      if (standby === null) await giveUp(context, machine, "the pool's provider stops no machines");
      else await stop(context, lease, standby, machine);
      return false;
    }
  }
}

/** Re-reads the rows right before the call and issues the permit from them. */
async function stop(context: PoolContext, lease: Lease, standby: Standby, judged: Machine): Promise<void> {
  const { db } = context.store;
  if ((await leaseRemainingMs(db, lease)) < STOP_TIMEOUT_MS) return;
  const tickets = await listTicketsOfMachine(db, judged.id);
  // The last thing that is read: whatever was heard of it by now has moved its version.
  const { machine, bars } = await readBars(db, judged.pool, judged.id);
  if (machine === null || machine.version !== judged.version) return;
  if (bars.length > 0) return noteWaiting(context, machine, bars);
  const decision = issuePermit({
    kind: "end-machine",
    machine,
    tickets,
    proof: { kind: "parked" },
    epoch: lease.epoch,
    time: heardTime(context),
  });
  if (decision.kind === "refused") return noteWaiting(context, machine, decision.missing);
  context.memory.standby.askedAtMs.set(machine.id, context.clock.monotonicMs());
  try {
    await standby.stop(decision.permit);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    await noteStopFailure(context, machine, error);
    return;
  }
  context.telemetry.count("holdfast_stops_total", { pool: machine.pool, outcome: "asked" });
  const fact = "asked the provider to stop it: its host says that it holds nothing";
  await moveStandby(context, machine.id, null, "controller", fact);
}

const NEVER: ProviderErrorCode = "provider-invalid";

async function noteStopFailure(context: PoolContext, machine: Machine, error: HoldfastError): Promise<void> {
  context.telemetry.count("holdfast_stops_total", { pool: machine.pool, outcome: error.code });
  context.telemetry.error("a machine was not stopped", error, {
    pool: machine.pool,
    machine: machine.id,
    code: error.code,
  });
  if (error.code === NEVER) return giveUp(context, machine, error.message);
  context.memory.standby.unansweredAtMs.set(machine.id, context.clock.monotonicMs());
  await moveStandby(context, machine.id, null, "provider", `the provider did not stop it: ${error.message}`);
}

/** It ends; and no other is stopped for a while, nor launched to be. */
async function giveUp(context: PoolContext, { id }: Machine, why: string): Promise<void> {
  notePause(context, context.memory.standby.stop, STOP_BACKOFF);
  await moveStandby(context, id, { kind: "retired", reason: "not-stoppable" }, "controller", `it ends instead: ${why}`);
  context.wake.controller("retire", context.pool.name);
}

async function confirmStopped(context: PoolContext, { id, pool }: Machine): Promise<void> {
  const isStopped = await moveStandby(
    context,
    id,
    { kind: "stopped" },
    "provider",
    "machine stopped",
    async (tx, one) => {
      // Nobody speaks as it any more: the agent of its next boot is neither a second one nor kept waiting for this one.
      await forgetCheckIns(tx, id);
      await markAttended(tx, id, one.sequence);
    },
  );
  if (!isStopped) return;
  const { stop } = context.memory.standby;
  Object.assign(stop, { failureCount: 0, untilMonotonicMs: 0 });
  context.memory.standby.askedAtMs.delete(id);
  context.memory.standby.unansweredAtMs.delete(id);
  context.memory.standby.wordBefore.delete(id);
  context.hearing.forget(id);
  context.wake.controller("assign", pool);
}

async function noteWaiting(context: PoolContext, machine: Machine, missing: readonly ReasonCode[]): Promise<void> {
  const [reason] = missing;
  // What it waits for in the ordinary way is what its lifecycle says already.
  if (reason === undefined || reason === "stopping" || reason === "awaits-report") return;
  await recordDecision(context.store.db, {
    subject: machineSubject(machine.id),
    action: "wait",
    reason,
    decidedAtMs: context.clock.nowMs(),
  });
}
