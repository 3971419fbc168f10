/** Decides which machines retire, and takes each retiring machine the next steps towards its end. */

import type { MachineId } from "../domain/ids.ts";
import type { LifecycleDecision } from "../domain/lifecycle.ts";
import { type Machine, moveMachine } from "../domain/machine.ts";
import { decideMarks } from "../domain/rollout.ts";
import { isTicketLive, type Ticket } from "../domain/ticket.ts";
import { SECOND_MS } from "../domain/units.ts";
import { retiringBoundMs } from "../domain/wait.ts";
import { type DecisionNews, findNewDecisions, isNothingNew, writeDecisions } from "../store/evidence/decisions.ts";
import { inLease } from "../store/leases.ts";
import { listMachinesOfPool } from "../store/machines/list.ts";
import { PRESENT_STATES } from "../store/machines/row.ts";
import { saveMachine } from "../store/machines/save.ts";
import type { Queryable } from "../store/schema.ts";
import { machineSubject } from "../store/subjects.ts";
import { listLiveTicketsOfPool, listTicketsOfMachine } from "../store/tickets/list.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { gaugePool } from "./pool-gauge.ts";
import { endMachine } from "./retire/end-machine.ts";
import { forgetSlowEndings } from "./retire/guard.ts";
import { type Judgement, judgeMachines } from "./retire/judge-machines.ts";
import { countLasting } from "./retire/refusals.ts";
import { settleAll } from "./settle.ts";

export const MACHINES_MAX = 20_000;
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
  const judgement = await judgeMachines(context, machines, tickets);
  const { decisions, notes } = judgement;
  remember(context, judgement);
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

/** Of a machine that retires the verdict stays as it was last: it is judged no more. */
function remember(
  { memory, clock }: PoolContext,
  { decisions, unknown, notReadySinceMs, departingSinceMs, lastAsideMs, refusals }: Judgement,
): void {
  const { unknownSinceMs } = memory.guards;
  for (const id of decisions.keys()) {
    if (!unknown.has(id)) unknownSinceMs.delete(id);
    else if (!unknownSinceMs.has(id)) unknownSinceMs.set(id, clock.nowMs());
  }
  memory.notReadySinceMs.clear();
  for (const [id, sinceMs] of notReadySinceMs) memory.notReadySinceMs.set(id, sinceMs);
  memory.departingSinceMs.clear();
  for (const [id, sinceMs] of departingSinceMs) memory.departingSinceMs.set(id, sinceMs);
  memory.lastAsideMs.clear();
  for (const [id, lastMs] of lastAsideMs) memory.lastAsideMs.set(id, lastMs);
  memory.refusals = refusals;
}

interface Changes {
  readonly sound: ReadonlyMap<MachineId, LifecycleDecision>;
  readonly marked: readonly Machine[];
  readonly news: DecisionNews;
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
  const { guards, refusals } = context.memory;
  const unknownCount = guards.unknownSinceMs.size + countLasting(refusals, heardTime(context));
  gaugePool(context, "holdfast_machines_unknown", unknownCount, { pool });
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
