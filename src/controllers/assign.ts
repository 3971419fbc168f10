/**
 * Waiting jobs get tickets, and the pool gets as many machines as they need. Reads two indexed sets (queued jobs, live
 * tickets) and the machines that are free; never the machines at work. Writes intents only: `execute/` carries them out.
 */

import type { MachineId } from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { findDrain } from "../store/drains.ts";
import { type DecisionNews, findNewDecisions, isNothingNew, writeDecisions } from "../store/evidence/decisions.ts";
import { inLease } from "../store/leases.ts";
import type { Queryable } from "../store/schema.ts";
import { jobSubject } from "../store/subjects.ts";
import { gaugeQueue } from "./assign/gauge-queue.ts";
import { findUnsound, reasonOf, startsOf } from "./assign/judge-plan.ts";
import { type PoolPlan, planPool } from "./assign/plan-pool.ts";
import { recordBreakers, tellBreakers } from "./assign/read-breakers.ts";
import { writeLaunch } from "./assign/write-launch.ts";
import { writeStart } from "./assign/write-start.ts";
import { aimTicket, voidUnneeded, writeStandingTicket, writeTicket } from "./assign/write-tickets.ts";
import type { PoolContext } from "./context.ts";

export async function assign(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const plan = await planPool(context);
  await gaugeQueue(context, plan);
  if (!isSound(context, plan)) return;
  const news = await findNewDecisions(context.store.db, decisionsOf(context, plan));
  // Most passes find what the last one found: a transaction, which holds up every other write, is for what is new.
  if (!writesNothing(plan) || !isNothingNew(news))
    await inLease(context.store, lease, (tx) => writePlan(context, tx, plan, news));
  tellBreakers(context, plan.breakers);
  rememberPlan(context, plan);
  const { decisions } = plan.demand;
  if (plan.scale.launchCount > 0) context.wake.controller("launch", context.pool.name);
  const mintsStanding = plan.standing.mints.length > 0;
  if (mintsStanding || decisions.some(({ kind }) => kind === "mint"))
    context.wake.controller("mint", context.pool.name);
  if (decisions.some(({ kind }) => kind === "ask")) context.wake.controller("ask", context.pool.name);
  if (startsOf(plan).length > 0) context.wake.controller("standby", context.pool.name);
  if (plan.scale.surplus.length + plan.scale.replaced.length > 0) context.wake.controller("retire", context.pool.name);
  if (plan.demand.unneeded.length > 0) context.wake.controller("sweep", context.pool.name);
}

function isSound(context: PoolContext, plan: PoolPlan): boolean {
  const notes = findUnsound(context, plan);
  for (const note of notes) {
    context.telemetry.count("holdfast_plan_notes_total", { check: note.check });
    context.telemetry.error("a plan was not sound and is not carried out", new Error(note.check), {
      pool: context.pool.name,
      subject: note.subject,
    });
  }
  return notes.length === 0;
}

/** Besides its decisions, which are told apart: `wait` and `ask` write nothing else, and `launch` is counted in the scale. */
function writesNothing(plan: PoolPlan): boolean {
  const { demand, standing, scale, breakers } = plan;
  if (startsOf(plan).length > 0) return false;
  const writes = demand.decisions.some(({ kind }) => kind === "mint" || kind === "aim");
  const isOpen = breakers.tickets.kind === "open" || breakers.launches.kind === "open" || breakers.jobs.size > 0;
  return !writes && standing.mints.length + demand.unneeded.length + scale.launchCount === 0 && !isOpen;
}

async function writePlan(context: PoolContext, tx: Queryable, plan: PoolPlan, news: DecisionNews): Promise<void> {
  const nowMs = context.clock.nowMs();
  // Drained since the plan was made: what it would start is not begun.
  const isDrained = (await findDrain(tx, { kind: "pool", id: context.pool.name })) !== null;
  for (const decision of plan.demand.decisions) {
    const row = plan.rows.get(decision.jobId);
    invariant(row !== undefined, "a decision is about a job of the plan");
    if (decision.kind === "mint" && !isDrained) await writeTicket(context, tx, row, decision.machineId, nowMs);
    if (decision.kind === "aim") await aimTicket(context, tx, plan, decision);
  }
  if (!isDrained) for (const mint of plan.standing.mints) await writeStandingTicket(context, tx, mint, nowMs);
  for (const ticketId of plan.demand.unneeded) await voidUnneeded(context, tx, plan, ticketId);
  if (plan.scale.launchCount > 0 && !isDrained) await writeLaunch(context, tx, plan.scale.launchCount, nowMs);
  if (!isDrained) for (const machineId of startsOf(plan)) await traceStart(context, tx, machineId, nowMs);
  await recordBreakers(context, tx, plan.breakers);
  await writeDecisions(tx, news);
}

function traceStart(context: PoolContext, tx: Queryable, machineId: MachineId, nowMs: number): Promise<void> {
  const about = { pool: context.pool.name, machine: machineId };
  return context.telemetry.trace("assign", "start", about, () => writeStart(tx, machineId, nowMs));
}

function decisionsOf({ pool, clock }: PoolContext, { demand }: PoolPlan) {
  const decidedAtMs = clock.nowMs();
  return demand.decisions.map((decision) => ({
    subject: jobSubject(pool.connection, decision.jobId),
    action: decision.kind,
    reason: reasonOf(decision),
    decidedAtMs,
  }));
}

function rememberPlan(context: PoolContext, plan: PoolPlan): void {
  const { surplusSinceMs, jobsToAsk, askFailures } = context.memory;
  context.memory.stops = plan.stops;
  const nowMs = context.clock.nowMs();
  const surplus = new Set([...plan.scale.surplus, ...plan.standby.surplus]);
  context.memory.standby.toStop = new Set(plan.toStop);
  context.memory.replaced = new Set(plan.scale.replaced);
  for (const id of surplusSinceMs.keys()) if (!surplus.has(id)) surplusSinceMs.delete(id);
  for (const id of surplus) if (!surplusSinceMs.has(id)) surplusSinceMs.set(id, nowMs);
  for (const decision of plan.demand.decisions) if (decision.kind === "ask") jobsToAsk.add(decision.jobId);
  for (const id of askFailures.keys()) if (!plan.rows.has(id)) askFailures.delete(id);
}
