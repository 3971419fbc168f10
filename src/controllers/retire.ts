/** Decides which machines retire, and takes each retiring machine the next steps towards its end. */

import type { MachineId } from "../domain/ids.ts";
import { decideLifecycle, type LifecycleDecision } from "../domain/lifecycle.ts";
import { type Machine, moveMachine } from "../domain/machine.ts";
import { heedWords, type PoolWords } from "../domain/operator-words.ts";
import { checkPlan } from "../domain/plan-checks.ts";
import type { HostReport } from "../domain/protocol.ts";
import type { ReasonCode } from "../domain/reasons.ts";
import { decideMarks, isRolloutReason, rolloutPlaceCount } from "../domain/rollout.ts";
import { NO_HOST_FACTS } from "../domain/slow-proofs.ts";
import { isTicketLive, isTicketOut, type Ticket } from "../domain/ticket.ts";
import { SECOND_MS } from "../domain/units.ts";
import { judgeMachine } from "../domain/verdict.ts";
import { retiringBoundMs } from "../domain/wait.ts";
import { type DecisionNews, findNewDecisions, isNothingNew, writeDecisions } from "../store/evidence/decisions.ts";
import { inLease } from "../store/leases.ts";
import { listMachinesOfPool } from "../store/machines/list.ts";
import { PRESENT_STATES } from "../store/machines/row.ts";
import { saveMachine } from "../store/machines/save.ts";
import { readPoolWords } from "../store/pool-words.ts";
import type { Queryable } from "../store/schema.ts";
import { machineSubject } from "../store/subjects.ts";
import { listLiveTicketsOfPool, listTicketsOfMachine } from "../store/tickets/list.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { gaugePool } from "./pool-gauge.ts";
import { endMachine } from "./retire/end-machine.ts";
import { forgetSlowEndings } from "./retire/guard.ts";
import { heard, type Known, mayBeSlow, readKnown } from "./retire/host-facts.ts";
import { settleAll } from "./settle.ts";

const MACHINES_MAX = 20_000;
/** Endings that are worked on at a time: as many as a provider may take in one call, so that they come to it together. */
const CONCURRENT_ENDINGS_MAX = 200;

export async function retire(context: PoolContext): Promise<void> {
  if (context.lease() === null) return;
  const { db } = context.store;
  const machines = await listMachinesOfPool(db, context.pool.name, { includeGone: false, limitCount: MACHINES_MAX });
  const tickets = await listLiveTicketsOfPool(db, context.pool.name);
  const retiredIds = await retireMachines(context, machines, tickets);
  const retiring = machines.filter((machine) => machine.state.kind === "retiring").map((machine) => machine.id);
  forgetSlowEndings(context, new Set(retiring));
  const queue = [...retiring, ...retiredIds];
  const workers = Array.from({ length: Math.min(CONCURRENT_ENDINGS_MAX, queue.length) }, async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) await endMachine(context, id);
  });
  await settleAll(workers);
  gaugeMachines(context, machines);
}

async function retireMachines(
  context: PoolContext,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
): Promise<readonly MachineId[]> {
  context.memory.guards.machineCount = machines.length;
  const known = await readSlow(context, machines, tickets);
  const words = await readPoolWords(context.store.db, context.pool.name);
  const decisions = decideMachines(context, machines, tickets, known, words);
  const notes = checkPlan(
    { jobs: [], launchCount: 0, machines: decisions },
    { pool: context.pool, demand: NO_DEMAND, machines, tickets },
  );
  for (const note of notes) {
    context.telemetry.count("holdfast_plan_notes_total", { check: note.check });
    context.telemetry.error("a retirement was not sound and is not carried out", new Error(note.check), {
      pool: context.pool.name,
      machine: note.subject,
    });
  }
  const refused = new Set<string>(notes.map((note) => note.subject));
  const lease = context.lease();
  if (lease === null) return [];
  const sound = new Map([...decisions].filter(([id]) => !refused.has(id)));
  const nowMs = context.clock.nowMs();
  const changes: Changes = {
    sound,
    marked: decideMarks(machines, context.pool, nowMs),
    news: await findNewDecisions(
      context.store.db,
      [...sound].map(([id, { kind: action, reason }]) => ({
        subject: machineSubject(id),
        action,
        reason,
        decidedAtMs: nowMs,
      })),
    ),
  };
  const retires = [...sound.values()].some(({ kind }) => kind !== "keep");
  if (!retires && changes.marked.length === 0 && isNothingNew(changes.news)) return [];
  return inLease(context.store, lease, (tx) => writeRetirements(context, tx, machines, changes));
}

interface Changes {
  readonly sound: ReadonlyMap<MachineId, LifecycleDecision>;
  readonly marked: readonly Machine[];
  readonly news: DecisionNews;
}

const NO_DEMAND = {
  jobs: [],
  tickets: [],
  unnamedRunning: [],
  machines: [],
  mintPauses: new Map<string, ReasonCode>(),
  launchRoom: { count: 0, limit: "at-max" },
} as const;

function decideMachines(
  context: PoolContext,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
  known: ReadonlyMap<MachineId, Known>,
  words: PoolWords,
): ReadonlyMap<MachineId, LifecycleDecision> {
  const time = heardTime(context);
  noteNotReady(context, machines);
  const ticketByMachine = new Map(tickets.filter(isTicketLive).map((ticket) => [ticket.machineId, ticket]));
  const decisions = new Map<MachineId, LifecycleDecision>();
  let placeCount = rolloutPlaceCount(machines.length, machines);
  // Listed newest first, and replaced oldest first.
  for (const machine of machines.toReversed()) {
    if (machine.state.kind === "retiring") continue;
    const ticket = ticketByMachine.get(machine.id) ?? null;
    const heardAtMs = context.hearing.heardAtMs(machine.id);
    const input = {
      machine,
      ticket,
      heardAtMs,
      tickets: ticket === null ? [] : [ticket],
      facts: { ...NO_HOST_FACTS, ...heard(context, machine.id) },
      ...known.get(machine.id),
      providerState: context.memory.observed.get(machine.id)?.state ?? null,
      surplusSinceMs: context.memory.surplusSinceMs.get(machine.id) ?? null,
      notReadySinceMs: context.memory.notReadySinceMs.get(machine.id) ?? null,
      isShuttingDown: context.isShuttingDown(),
      mayBeReplaced:
        placeCount > 0 &&
        // Nothing is lost for a moment with one that waits stopped: its replacement comes after it.
        (machine.state.kind === "stopped" ||
          context.memory.replaced.has(machine.id) ||
          isRolloutReason(machine.retireWhenSpent)),
      mayBeStopped: context.memory.standby.toStop.has(machine.id),
    };
    const decision = heedWords(decideLifecycle(input, context.pool, time), { ...input, words }, context.pool);
    if (decision.kind === "retire" && isRolloutReason(decision.reason)) placeCount -= 1;
    decisions.set(machine.id, decision);
    noteUnknown(context, machine.id, judgeMachine(input, time).kind === "unknown");
  }
  return decisions;
}

/** What is known of those machines of which a slow proof could hold. */
async function readSlow(
  context: PoolContext,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
): Promise<ReadonlyMap<MachineId, Known>> {
  const ticketByMachine = new Map(tickets.filter(isTicketOut).map((ticket) => [ticket.machineId, ticket]));
  const known = new Map<MachineId, Known>();
  for (const machine of machines) {
    const { kind } = machine.state;
    if (kind !== "parked" && kind !== "stopping" && kind !== "engaged") continue;
    if (mayBeSlow(context, machine, ticketByMachine.get(machine.id) ?? null))
      known.set(machine.id, await readKnown(context, machine.id));
  }
  return known;
}

function noteUnknown({ memory, clock }: PoolContext, id: MachineId, isUnknown: boolean): void {
  const { unknownSinceMs } = memory.guards;
  if (!isUnknown) unknownSinceMs.delete(id);
  else if (!unknownSinceMs.has(id)) unknownSinceMs.set(id, clock.nowMs());
}

/** It would not come for a ticket: it makes itself ready again, cannot read its journal, or cannot see what runs there. */
function isNotReady(report: HostReport | null): boolean {
  if (report === null) return false;
  return report.phase === "preparing" || report.phase === "starting" || report.sighting.kind === "unknown";
}

function noteNotReady({ memory, clock }: PoolContext, machines: readonly Machine[]): void {
  const notReady = machines.filter(({ state, report }) => state.kind === "parked" && isNotReady(report));
  const ids = new Set(notReady.map((machine) => machine.id));
  for (const id of memory.notReadySinceMs.keys()) if (!ids.has(id)) memory.notReadySinceMs.delete(id);
  for (const id of ids) if (!memory.notReadySinceMs.has(id)) memory.notReadySinceMs.set(id, clock.nowMs());
}

/** The compare-and-set to `retiring`: whoever gave the machine a ticket in between has won, and it stays. */
async function writeRetirements(
  context: PoolContext,
  tx: Queryable,
  machines: readonly Machine[],
  { sound, marked, news }: Changes,
): Promise<readonly MachineId[]> {
  const nowMs = context.clock.nowMs();
  const retired: MachineId[] = [];
  for (const machine of machines) {
    const decision = sound.get(machine.id);
    if (decision?.kind === "stop" && (await beginStop(tx, machine, nowMs))) {
      context.memory.standby.wordBefore.set(machine.id, machine);
      context.wake.machine(machine.id);
      context.wake.controller("standby", context.pool.name);
    }
    if (decision?.kind !== "retire") continue;
    const after = moveMachine(machine, { kind: "retired", reason: decision.reason }, nowMs);
    if (!(await saveMachine(tx, after, machine.version))) continue;
    retired.push(machine.id);
    context.wake.machine(machine.id);
  }
  // By compare-and-set as well: one whose ticket ended meanwhile is parked, and replaced like any other.
  for (const machine of marked) await saveMachine(tx, machine, machine.version - 1);
  await writeDecisions(tx, news);
  return retired;
}

/** The same for one that is to wait stopped. A ticket that is being made for it comes first. */
async function beginStop(tx: Queryable, machine: Machine, nowMs: number): Promise<boolean> {
  if ((await listTicketsOfMachine(tx, machine.id)).some(isTicketLive)) return false;
  return saveMachine(tx, moveMachine(machine, { kind: "stopping" }, nowMs), machine.version);
}

function gaugeMachines(context: PoolContext, machines: readonly Machine[]): void {
  const pool = context.pool.name;
  for (const state of PRESENT_STATES) {
    const count = machines.filter((machine) => machine.state.kind === state).length;
    gaugePool(context, "holdfast_machines", count, { pool, state });
  }
  gaugePool(context, "holdfast_machines_unknown", context.memory.guards.unknownSinceMs.size, { pool });
  gaugePool(context, "holdfast_oldest_retiring_machine_seconds", ageOfOldest(context, machines) / SECOND_MS, { pool });
  const boundMs = retiringBoundMs(context.pool.deadlines);
  gaugePool(context, "holdfast_retiring_bound_seconds", boundMs / SECOND_MS, { pool });
}

/** Each step on a machine's way begins a new time in its row; the ending that does not take goes back and forth. */
function ageOfOldest({ memory, clock }: PoolContext, machines: readonly Machine[]): number {
  const { retiringSinceMs } = memory;
  const retiring = machines.filter(({ state }) => state.kind === "retiring");
  const ids = new Set(retiring.map(({ id }) => id));
  for (const id of retiringSinceMs.keys()) if (!ids.has(id)) retiringSinceMs.delete(id);
  for (const { id, state } of retiring)
    if (state.kind === "retiring" && !retiringSinceMs.has(id)) retiringSinceMs.set(id, state.sinceMs);
  return Math.max(0, ...[...retiringSinceMs.values()].map((sinceMs) => clock.nowMs() - sinceMs));
}
