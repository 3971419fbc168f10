/** Asks hosts for tickets that bring no job. The order goes out with the answer to each report until the host has answered. */
import { askBack, decideHandBacks, type HandBack } from "../domain/hand-back.ts";
import type { MachineId } from "../domain/ids.ts";
import type { Machine } from "../domain/machine.ts";
import { isDeparting } from "../domain/membership.ts";
import type { RetireReason } from "../domain/reasons.ts";
import { isRolloutReason } from "../domain/rollout.ts";
import { standingWanted } from "../domain/supply.ts";
import type { Ticket, TicketStateKind } from "../domain/ticket.ts";
import { findDrain } from "../store/drains.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { listJobsServedBy } from "../store/jobs/list.ts";
import { inLease } from "../store/leases.ts";
import { listMachinesInState } from "../store/machines/list.ts";
import { loadMachine } from "../store/machines/load.ts";
import { saveMachine } from "../store/machines/save.ts";
import type { Queryable } from "../store/schema.ts";
import { machineSubject, ticketSubject } from "../store/subjects.ts";
import { listLiveTicketsOfPool } from "../store/tickets/list.ts";
import { loadTicket } from "../store/tickets/load.ts";
import { saveTicket } from "../store/tickets/save.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { readBars } from "./retire/bars.ts";

/** Of the others there is nothing to ask. */
const ASKABLE: readonly TicketStateKind[] = ["delivered", "online", "handing-back"];

export async function handBack(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const decisions = await chooseHandBacks(context, await listLiveTicketsOfPool(context.store.db, context.pool.name));
  for (const decision of decisions) {
    const isAsked = await inLease(context.store, lease, (tx) => ask(context, tx, decision));
    if (!isAsked) continue;
    context.telemetry.count("holdfast_hand_backs_total", { pool: context.pool.name, reason: decision.reason });
    if (decision.reason !== "draining") context.memory.lastHandBackAtMs = context.clock.monotonicMs();
  }
}

/**
 * Which tickets are asked back now. Reads only.
 * @param tickets the pool's live ones.
 */
export async function chooseHandBacks(context: PoolContext, tickets: readonly Ticket[]): Promise<readonly HandBack[]> {
  const { store, pool, memory, clock } = context;
  // What the fence hands back is deleted at GitHub at once, or GitHub goes on giving jobs to a listener that is no more.
  if (context.isUnconnected === true) return [];
  if (!tickets.some(({ state }) => ASKABLE.includes(state.kind))) return [];
  const isDrained = (await findDrain(store.db, { kind: "pool", id: pool.name })) !== null;
  const input = {
    tickets,
    waiting: await listJobsServedBy(store.db, pool),
    wanted: standingWanted(pool, context.isShuttingDown() || isDrained),
    draining: await listDraining(context, tickets, isDrained),
    askedAgoMs: memory.lastHandBackAtMs === null ? null : clock.monotonicMs() - memory.lastHandBackAtMs,
  };
  return decideHandBacks({ ...input, barred: await listHeld(context) }, pool, heardTime(context));
}

/** Read again where one is asked: this only keeps them from standing before others. */
async function listHeld({ store, pool }: PoolContext): Promise<ReadonlySet<MachineId>> {
  const engaged = await listMachinesInState(store.db, pool.name, "engaged");
  return new Set(engaged.filter(({ hold }) => hold !== null).map(({ id }) => id));
}

async function listDraining(
  context: PoolContext,
  tickets: readonly Ticket[],
  isPoolDrained: boolean,
): Promise<ReadonlySet<MachineId>> {
  if (context.isShuttingDown() || isPoolDrained || context.pool.mode === "departed")
    return new Set(tickets.map(({ machineId }) => machineId));
  const engaged = await listMachinesInState(context.store.db, context.pool.name, "engaged");
  const { observed } = context.memory;
  const isGoing = ({ id, retireWhenSpent }: Machine) =>
    isDrain(retireWhenSpent) || isDeparting(observed.get(id)?.membership);
  return new Set(engaged.filter(isGoing).map(({ id }) => id));
}

/**
 * A machine that goes because its runner was late is in no hurry: the runner may have come, and have its job waiting. Nor
 * is one that is to be replaced, or whose row was lost, and a whole restored store least of all.
 */
const UNHURRIED: readonly RetireReason[] = ["runner-late", "adopted", "quarantined"];

function isDrain(retireWhenSpent: RetireReason | null): boolean {
  if (retireWhenSpent === null || isRolloutReason(retireWhenSpent)) return false;
  return !UNHURRIED.includes(retireWhenSpent);
}

/** By compare-and-set: whoever moved the ticket on has won. A runner that does not come online is not tried again. */
async function ask(context: PoolContext, tx: Queryable, decision: HandBack): Promise<boolean> {
  const { ticketId, machineId, reason } = decision;
  const nowMs = context.clock.nowMs();
  const ticket = await loadTicket(tx, ticketId);
  if (ticket === null || ticket.version !== decision.ticketVersion) return false;
  // Killing a listener is an ending too: of a held machine, or in a frozen pool, no host is asked for it.
  if ((await readBars(tx, ticket.pool, machineId)).bars.length > 0) return false;
  if (!(await saveTicket(tx, askBack(ticket, reason, nowMs), ticket.version))) return false;
  if (reason === "runner-late") await markToRetire(tx, machineId);
  for (const subject of [ticketSubject(ticketId), machineSubject(machineId)]) {
    const fact = `host asked to hand the ticket back: ${HAND_BACK_FACTS[reason]}`;
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
  }
  return true;
}

export const HAND_BACK_FACTS: Readonly<Record<HandBack["reason"], string>> = {
  "runner-late": "its runner is not online by its deadline",
  "idle-ticket": "no job came, and none waits that could",
  "deaf-listener": "no job came though jobs wait",
  "listener-old": "its listener has been online for long, and is replaced",
  draining: "its machine is to go",
};

async function markToRetire(tx: Queryable, machineId: MachineId): Promise<void> {
  const machine = await loadMachine(tx, machineId);
  if (machine?.state.kind !== "engaged" || machine.retireWhenSpent !== null) return;
  await saveMachine(tx, { ...machine, retireWhenSpent: "runner-late", version: machine.version + 1 }, machine.version);
}
