/**
 * Waiting jobs get tickets, and the pool gets as many machines as they need. Reads two indexed sets (queued jobs, live
 * tickets) and the machines that are free; never the machines at work. Writes intents only: `execute/` carries them out.
 */

import {
  type DemandInput,
  type DemandPlan,
  decideDemand,
  type FreeMachine,
  type JobDecision,
} from "../domain/demand.ts";
import {
  type JobId,
  type LaunchId,
  type MachineId,
  parseLaunchId,
  parseMachineId,
  parseTicketId,
  type TicketId,
} from "../domain/ids.ts";
import { invariant } from "../domain/invariant.ts";
import { hasTicketsLeft, type Machine } from "../domain/machine.ts";
import { checkPlan } from "../domain/plan-checks.ts";
import { type PoolPolicy, registrationScope } from "../domain/pool.ts";
import type { ReasonCode } from "../domain/reasons.ts";
import { decideScale, launchRoom, type ScaleDecision } from "../domain/scale.ts";
import type { Ticket } from "../domain/ticket.ts";
import { isTicketLive } from "../domain/ticket.ts";
import { isPast } from "../domain/time.ts";
import { SECOND_MS } from "../domain/units.ts";
import { AGENT_FRESH_MS } from "../domain/verdict.ts";
import { recordDecisions } from "../store/evidence/decisions.ts";
import { recordEvidence } from "../store/evidence/evidence.ts";
import { listQueuedJobsOfPool } from "../store/jobs/list.ts";
import { findJobsByRunnerNames } from "../store/jobs/load.ts";
import type { JobRow } from "../store/jobs/row.ts";
import { saveJob } from "../store/jobs/save.ts";
import { insertLaunch } from "../store/launches/save.ts";
import { inLease } from "../store/leases.ts";
import { countPresentByPool } from "../store/machines/count.ts";
import { listMachinesInState } from "../store/machines/list.ts";
import { loadMachine } from "../store/machines/load.ts";
import { insertMachine } from "../store/machines/save.ts";
import type { Queryable } from "../store/schema.ts";
import { jobSubject, machineSubject, ticketSubject } from "../store/subjects.ts";
import { listLiveTicketsOfPool, listTicketsOfMachine } from "../store/tickets/list.ts";
import { insertTicket, saveTicket } from "../store/tickets/save.ts";
import { heardTime, type PoolContext } from "./context.ts";
import { voidTicket } from "./void-ticket.ts";

const JOBS_MAX = 1_000;
const FREE_MACHINES_MAX = 10_000;

/** Everything one pass decides, as a value: `holdfast plan` will print it without carrying it out. */
interface PoolPlan {
  readonly input: DemandInput;
  readonly demand: DemandPlan;
  readonly scale: ScaleDecision;
  readonly rows: ReadonlyMap<JobId, JobRow>;
  readonly machines: readonly Machine[];
}

export async function assign(context: PoolContext): Promise<void> {
  const lease = context.lease();
  if (lease === null) return;
  const plan = await planPool(context);
  context.telemetry.gauge("holdfast_jobs_waiting", plan.rows.size, { pool: context.pool.name });
  if (!isSound(context, plan)) return;
  await inLease(context.store, lease, (tx) => writePlan(context, tx, plan));
  rememberPlan(context, plan);
  const { decisions } = plan.demand;
  if (plan.scale.launchCount > 0) context.wake.controller("launch", context.pool.name);
  if (decisions.some(({ kind }) => kind === "mint")) context.wake.controller("mint", context.pool.name);
  if (decisions.some(({ kind }) => kind === "ask")) context.wake.controller("ask", context.pool.name);
  if (plan.scale.surplus.length > 0) context.wake.controller("retire", context.pool.name);
  if (plan.demand.unneeded.length > 0) context.wake.controller("sweep", context.pool.name);
}

async function planPool(context: PoolContext): Promise<PoolPlan> {
  const { db } = context.store;
  const { pool, memory } = context;
  const time = heardTime(context);
  const rows = await listQueuedJobsOfPool(db, pool.name, JOBS_MAX);
  const tickets = await listLiveTicketsOfPool(db, pool.name);
  const machines = await listFreeMachines(context);
  const present = await countPresentByPool(db);
  const withTicket = new Set(tickets.map((ticket) => ticket.machineId));
  const input: DemandInput = {
    jobs: rows.map((row) => ({ ...row, isAskPaused: isAskPaused(context, row.job.id, time.nowMs) })),
    tickets,
    unnamedRunning: await listUnnamedRunning(context, tickets),
    machines: machines.filter((machine) => !withTicket.has(machine.id)).flatMap((machine) => asFree(machine, context)),
    isMintPaused: time.nowMs < memory.mint.untilMs,
    launchRoom: launchRoom(pool, {
      machineCount: present.get(pool.name) ?? 0,
      isPaused: time.nowMs < memory.launch.untilMs,
      isShuttingDown: context.isShuttingDown(),
    }),
  };
  const demand = decideDemand(input, pool, time);
  const scale = decideScale(demand, input.launchRoom, pool);
  return { input, demand, scale, machines, rows: new Map(rows.map((row) => [row.job.id, row])) };
}

/** A question that GitHub did not answer is put again after so long: a deleted run is asked about for as long as it waits. */
const ASK_PAUSE_MS = 30 * SECOND_MS;

function isAskPaused({ memory }: PoolContext, jobId: JobId, nowMs: number): boolean {
  const failedAtMs = memory.askFailedAtMs.get(jobId);
  return failedAtMs !== undefined && nowMs - failedAtMs < ASK_PAUSE_MS;
}

async function listFreeMachines(context: PoolContext): Promise<readonly Machine[]> {
  const { db } = context.store;
  const { name } = context.pool;
  const parked = await listMachinesInState(db, name, "parked");
  const provisioning = await listMachinesInState(db, name, "provisioning");
  const planned = await listMachinesInState(db, name, "planned");
  const free = [...parked, ...provisioning, ...planned];
  invariant(free.length <= FREE_MACHINES_MAX, "free machines are bounded by machines.max");
  return free;
}

function asFree(machine: Machine, context: PoolContext): readonly FreeMachine[] {
  const { pool, hearing } = context;
  const { kind } = machine.state;
  if (kind !== "parked" && kind !== "provisioning" && kind !== "planned") return [];
  if (!hasTicketsLeft(machine, pool.jobsPerMachine) || machine.retireWhenSpent !== null) return [];
  if (machine.report?.phase === "leaving") return [];
  const time = heardTime(context);
  // A parked machine that nobody hears, or that does not get ready, would never come for its ticket.
  const isSilent = isPast(hearing.heardAtMs(machine.id) ?? 0, AGENT_FRESH_MS, time);
  const isStuck = machine.report?.phase !== "parked" && isPast(machine.state.sinceMs, AGENT_FRESH_MS, time);
  if (kind === "parked" && (isSilent || isStuck)) return [];
  return [{ id: machine.id, state: kind }];
}

/** Running tickets whose job GitHub has not named: no job in progress or completed carries their runner's name. */
async function listUnnamedRunning(context: PoolContext, tickets: readonly Ticket[]): Promise<readonly Ticket[]> {
  const running = tickets.filter((ticket) => ticket.state.kind === "running");
  if (running.length === 0) return [];
  const named = await findJobsByRunnerNames(
    context.store.db,
    running.map((ticket) => ticket.runnerName),
  );
  const names = new Set(named.map((row) => row.job.runnerName));
  return running.filter((ticket) => !names.has(ticket.runnerName));
}

function isSound(context: PoolContext, plan: PoolPlan): boolean {
  const notes = checkPlan(
    { jobs: plan.demand.decisions, launchCount: plan.scale.launchCount, machines: new Map() },
    { pool: context.pool, demand: plan.input, machines: plan.machines, tickets: plan.input.tickets },
  );
  for (const note of notes) {
    context.telemetry.count("holdfast_plan_notes_total", { check: note.check });
    context.telemetry.error("a plan was not sound and is not carried out", new Error(note.check), {
      pool: context.pool.name,
      subject: note.subject,
    });
  }
  return notes.length === 0;
}

async function writePlan(context: PoolContext, tx: Queryable, plan: PoolPlan): Promise<void> {
  const nowMs = context.clock.nowMs();
  for (const decision of plan.demand.decisions) {
    const row = plan.rows.get(decision.jobId);
    invariant(row !== undefined, "a decision is about a job of the plan");
    if (decision.kind === "mint") await writeTicket(context, tx, row, decision.machineId, nowMs);
    if (decision.kind === "aim") await aimTicket(tx, plan, decision.ticketId, decision.jobId);
  }
  for (const ticketId of plan.demand.unneeded) await voidUnneeded(context, tx, plan, ticketId);
  if (plan.scale.launchCount > 0) await writeLaunch(context, tx, plan.scale.launchCount, nowMs);
  await recordDecisions(
    tx,
    plan.demand.decisions.map((decision) => ({
      subject: jobSubject(context.pool.connection, decision.jobId),
      action: decision.kind,
      reason: reasonOf(decision),
      decidedAtMs: nowMs,
    })),
  );
}

function reasonOf(decision: JobDecision): ReasonCode {
  switch (decision.kind) {
    case "mint":
      return "mint-next";
    case "aim":
      return "ticket-aimed";
    case "ask":
      return "asking-github";
    case "launch":
      return "launch-next";
    case "wait":
      return decision.reason;
  }
}

/** Rows read before the transaction may have moved on; whoever lost the compare-and-set is decided again next pass. */
async function writeTicket(
  context: PoolContext,
  tx: Queryable,
  row: JobRow,
  machineId: MachineId,
  nowMs: number,
): Promise<void> {
  const machine = await loadMachine(tx, machineId);
  if (machine === null || asFree(machine, context).length === 0) return;
  const tickets = await listTicketsOfMachine(tx, machineId);
  if (tickets.some(isTicketLive)) return;
  const isOurs = await saveJob(
    tx,
    { ...row, ticketCount: row.ticketCount + 1, lastTicketAtMs: nowMs },
    row.version,
    nowMs,
  );
  if (!isOurs) return;
  const token = context.random.token(TICKET_TOKEN_LENGTH);
  const ticket: Ticket = {
    id: parseTicketId(`t-${token}`),
    pool: context.pool.name,
    connection: context.pool.connection,
    scope: registrationScope(context.pool, row.job.repository),
    machineId,
    jobId: row.job.id,
    runnerName: `hf-${context.controllerId}-${token}`,
    runnerId: null,
    registration: "none",
    deliveredTo: null,
    state: { kind: "minting", sinceMs: nowMs },
    version: 1,
    createdAtMs: nowMs,
  };
  await insertTicket(tx, ticket);
  const fact = `ticket ${ticket.id} for job ${row.job.id} on ${machineId}`;
  for (const subject of [
    ticketSubject(ticket.id),
    machineSubject(machineId),
    jobSubject(row.job.connection, row.job.id),
  ])
    await recordEvidence(tx, { subject, source: "store", fact, observedAtMs: nowMs });
}

/** Fits a runner's name (64 characters) together with the longest controller id. */
const TICKET_TOKEN_LENGTH = 16;

async function aimTicket(tx: Queryable, plan: PoolPlan, ticketId: TicketId, jobId: JobId): Promise<void> {
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an aimed ticket is one of the plan");
  await saveTicket(tx, { ...ticket, jobId, version: ticket.version + 1 }, ticket.version);
}

async function voidUnneeded(context: PoolContext, tx: Queryable, plan: PoolPlan, ticketId: TicketId): Promise<void> {
  const ticket = plan.input.tickets.find((one) => one.id === ticketId);
  invariant(ticket !== undefined, "an unneeded ticket is one of the plan");
  const isVoided = await voidTicket(context, tx, ticket, "no job needs it any more");
  if (isVoided) context.wake.machine(ticket.machineId);
}

async function writeLaunch(context: PoolContext, tx: Queryable, machineCount: number, nowMs: number): Promise<void> {
  const { pool, random } = context;
  // Counted again inside the transaction: `machines.max` is a promise.
  const present = (await countPresentByPool(tx)).get(pool.name) ?? 0;
  const count = Math.min(machineCount, LAUNCH_MACHINES_MAX, pool.machineCountMax - present);
  if (count <= 0) return;
  const launchId = parseLaunchId(`l-${random.token(ID_TOKEN_LENGTH)}`);
  const machineIds = Array.from({ length: count }, () => parseMachineId(`m-${random.token(ID_TOKEN_LENGTH)}`));
  await insertLaunch(tx, {
    id: launchId,
    pool: pool.name,
    settingsHash: pool.settingsHash,
    machineIds,
    state: "open",
    attemptCount: 0,
    nextAttemptAtMs: nowMs,
    error: null,
    createdAtMs: nowMs,
    version: 1,
  });
  for (const id of machineIds) {
    await insertMachine(tx, plannedMachine(id, launchId, pool, nowMs));
    await recordEvidence(tx, {
      subject: machineSubject(id),
      source: "store",
      fact: `machine planned in launch ${launchId}`,
      observedAtMs: nowMs,
    });
  }
}

const ID_TOKEN_LENGTH = 12;
/** Machines of one call to the provider. */
const LAUNCH_MACHINES_MAX = 100;

function plannedMachine(id: MachineId, launchId: LaunchId, pool: PoolPolicy, nowMs: number): Machine {
  return {
    id,
    pool: pool.name,
    launchId,
    origin: "launched",
    state: { kind: "planned", sinceMs: nowMs },
    version: 1,
    settingsHash: pool.settingsHash,
    ticketsGiven: 0,
    isAgentSeen: false,
    incarnation: null,
    sequence: 0,
    report: null,
    retireWhenSpent: null,
    createdAtMs: nowMs,
  };
}

function rememberPlan(context: PoolContext, plan: PoolPlan): void {
  const { surplusSinceMs, jobsToAsk, askFailedAtMs } = context.memory;
  const nowMs = context.clock.nowMs();
  const surplus = new Set(plan.scale.surplus);
  for (const id of surplusSinceMs.keys()) if (!surplus.has(id)) surplusSinceMs.delete(id);
  for (const id of surplus) if (!surplusSinceMs.has(id)) surplusSinceMs.set(id, nowMs);
  for (const decision of plan.demand.decisions) if (decision.kind === "ask") jobsToAsk.add(decision.jobId);
  for (const id of askFailedAtMs.keys()) if (!plan.rows.has(id)) askFailedAtMs.delete(id);
}
