/** Reads what one pass is about, and lets the domain decide: the plan of a pool as a value. */
import type { DemandInput, FreeMachine } from "../../domain/demand.ts";
import { decideDrainedPool, withNothingToGive } from "../../domain/drained-demand.ts";
import type { JobId, MachineId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { hasTicketsLeft, type Machine, type MachineStateKind } from "../../domain/machine.ts";
import { isDeparting, isInService } from "../../domain/membership.ts";
import { mayGetTickets } from "../../domain/operator-words.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { decidePool, type PoolDecision } from "../../domain/pool-plan.ts";
import { decideRollout, freshFirst, type RolloutDecision, replacementReason } from "../../domain/rollout.ts";
import { judgeRunnerVersion } from "../../domain/runner-version.ts";
import { launchRoom } from "../../domain/scale.ts";
import { SILENT_AFTER_MS } from "../../domain/slow-proofs.ts";
import { chooseStops, fitForStart, type StandbyState } from "../../domain/standby.ts";
import { standingWanted } from "../../domain/supply.ts";
import { isTicketOut, type Ticket } from "../../domain/ticket.ts";
import { type HeardTime, isPast } from "../../domain/time.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { AGENT_FRESH_MS } from "../../domain/verdict.ts";
import { findDrain } from "../../store/drains.ts";
import { findFreezeOver } from "../../store/freezes.ts";
import { listQueuedJobsOfPool } from "../../store/jobs/list.ts";
import { findNamedRunners } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { countPresentByPool } from "../../store/machines/count.ts";
import { listMachinesInState } from "../../store/machines/list.ts";
import { listLiveTicketsOfPool } from "../../store/tickets/list.ts";
import { heardTime, isPlaceListed, type PoolContext, type PoolMemory } from "../context.ts";
import { isGathering } from "../execute/launch.ts";
import { isGroupsMachine } from "../group-member.ts";
import { type OpenBreakers, readBreakers } from "./read-breakers.ts";

const JOBS_MAX = 1_000;
const FREE_MACHINES_MAX = 10_000;

/** Everything one pass decides, as a value: `holdfast plan` prints it without carrying it out. */
export interface PoolPlan extends PoolDecision {
  readonly input: DemandInput;
  readonly breakers: OpenBreakers;
  readonly scale: RolloutDecision;
  /** Parked machines that are surplus, and are stopped instead of ended. */
  readonly toStop: readonly MachineId[];
  readonly rows: ReadonlyMap<JobId, JobRow>;
  readonly machines: readonly Machine[];
  /** All of the pool that are not gone. */
  readonly machineCount: number;
}

export async function planPool(context: PoolContext): Promise<PoolPlan> {
  const { db } = context.store;
  const { pool, memory } = context;
  const time = heardTime(context);
  const rows = await listQueuedJobsOfPool(db, pool.name, JOBS_MAX);
  const tickets = await listLiveTicketsOfPool(db, pool.name);
  const { free: machines, retiring, standby } = await listNotAtWork(context);
  const machineCount = (await countPresentByPool(db)).get(pool.name) ?? 0;
  const isRunnerEnded = judgeRunnerVersion(memory.runnerVersion?.facts ?? null, time.nowMs) === "ended";
  const breakers = await readBreakers(
    context,
    rows.map((row) => row.job.id),
  );
  const withTicket = new Set(tickets.map((ticket) => ticket.machineId));
  const isDrained = (await findDrain(db, { kind: "pool", id: pool.name })) !== null;
  const free = machines.flatMap((machine) => asFree(machine, context));
  const standbyState = readStandby(context, standby, isDrained);
  const undrained: DemandInput = {
    jobs: rows.map((row) => ({ ...row, ...readAskPause(context, row.job.id), ...breakerOf(breakers, row.job.id) })),
    tickets,
    unnamedRunning: await listUnnamedRunning(context, tickets),
    // A runner that GitHub gives no jobs would take its ticket for nothing.
    machines: isRunnerEnded ? [] : free.filter((machine) => !withTicket.has(machine.id)),
    startable: standbyState.mayStart && !isRunnerEnded ? standbyState.fit : [],
    silent: silentMachines(context, tickets),
    mintPauses: openPauses(memory.mintPauses, context.clock.monotonicMs()),
    launchRoom: launchRoom(pool, {
      machineCount,
      isListed: memory.isFleetListed,
      isPaused: context.clock.monotonicMs() < memory.launch.untilMonotonicMs,
      pauseReason: memory.launch.reason,
      isGathering: await isGathering(context),
      isKeptByFreeze: await isKeptByFreeze(context, machineCount, [...retiring, ...machines.filter(isDoneWith(pool))]),
      isShuttingDown: context.isShuttingDown(),
      isRunnerEnded,
    }),
  };
  const input = isDrained ? withNothingToGive(undrained) : undrained;
  const decide = isDrained ? decideDrainedPool : decidePool;
  const decision = decide(
    {
      demand: input,
      wanted: standingWanted(pool, context.isShuttingDown()),
      breakers,
      unheardCount: machines.filter((machine) => isUnheardTry(machine) && !isUnawaited(machine, context, time)).length,
      standby: standbyState,
      usable: new Set(machines.filter(isUsable(free, pool, time.nowMs)).map((machine) => machine.id)),
    },
    pool,
    time,
  );
  const scale = addRollout(context, { input, machines, retiring, machineCount }, decision);
  const surplus = scale.surplus.slice(0, roomToShrink(context, machineCount - retiring.length));
  return {
    ...decision,
    scale: { ...scale, surplus },
    toStop: chooseStops(surplus, machines, decision.standby.stopRoom, pool, time.nowMs),
    input,
    breakers,
    machines: [...machines, ...standby],
    machineCount,
    rows: new Map(rows.map((row) => [row.job.id, row])),
  };
}

/** A group keeps its minimum: it would start another for each of those that ended. */
function roomToShrink({ abilities }: PoolContext, stayingCount: number): number {
  return Math.max(0, stayingCount - (abilities?.group?.readMinimumCount() ?? 0));
}

/** Parked, and for no job any more: only its end is left. One that is held is kept by that. */
function isDoneWith({ jobsPerMachine }: PoolPolicy) {
  return (machine: Machine): boolean =>
    machine.state.kind === "parked" &&
    machine.hold === null &&
    !(hasTicketsLeft(machine, jobsPerMachine) && mayGetTickets(machine));
}

/** Only a full pool has its reason in the freeze: in any other the next machine is launched all the same. */
async function isKeptByFreeze(
  { pool, store }: PoolContext,
  machineCount: number,
  doneWith: readonly Machine[],
): Promise<boolean> {
  if (machineCount < pool.machineCountMax || doneWith.length === 0) return false;
  return (await findFreezeOver(store.db, pool.name)) !== null;
}

function silentMachines(context: PoolContext, tickets: readonly Ticket[]): ReadonlySet<MachineId> {
  const time = heardTime(context);
  const isSilent = (id: MachineId) => isPast(context.hearing.heardAtMs(id) ?? 0, SILENT_AFTER_MS, time);
  return new Set(tickets.filter(isTicketOut).flatMap(({ machineId }) => (isSilent(machineId) ? [machineId] : [])));
}

function readStandby(context: PoolContext, machines: readonly Machine[], isDrained: boolean): StandbyState {
  const { pool, memory, clock, abilities } = context;
  const { start, stop } = memory.standby;
  const monotonicMs = clock.monotonicMs();
  const canStandBy = (abilities?.standby ?? null) !== null;
  const isOver = isDrained || context.isShuttingDown() || pool.mode !== "run";
  return {
    waitingCount: machines.length,
    fit: fitForStart(machines, pool, clock.nowMs()),
    mayStart: canStandBy && !isOver && memory.isFleetListed && monotonicMs >= start.untilMonotonicMs,
    mayStop: canStandBy && !isOver && monotonicMs >= stop.untilMonotonicMs,
    wantedCount: canStandBy ? pool.warmStoppedCount : 0,
  };
}

/** A launch whose outcome is still to come. One that an operator holds has none while it is held: it excludes no other. */
function isUnheardTry({ state, isAgentSeen, hold }: Machine): boolean {
  return state.kind !== "parked" && !isAgentSeen && hold === null;
}

/** A launch that was under way when its pool's settings changed is answered by then, if its place still starts anything. */
const FORMER_LAUNCH_MS = 2 * MINUTE_MS;

/**
 * It brings no job its machine and is no launch to wait for: one that is kept all the same, because nobody knows whose it is,
 * and one that is launched by former settings, of a place that cannot be read or may start nothing any more.
 */
function isUnawaited(machine: Machine, context: PoolContext, time: HeardTime): boolean {
  const { state, settingsHash } = machine;
  const { pool } = context;
  if (state.kind === "provisioning") return isPast(state.sinceMs, pool.deadlines.bootMs, time);
  if (state.kind !== "planned" || settingsHash === pool.settingsHash) return false;
  return !isPlaceListed(context, machine) || isPast(state.sinceMs, FORMER_LAUNCH_MS, time);
}

/** For a ticket in advance: free, and not to be replaced, for that would void it again. */
function isUsable(free: readonly FreeMachine[], pool: PoolPolicy, nowMs: number) {
  const ids = new Set(free.map(({ id }) => id));
  return (machine: Machine): boolean => ids.has(machine.id) && replacementReason(machine, pool, nowMs) === null;
}

interface NotFree {
  readonly retiring: readonly Machine[];
  /** Of those that may exist. */
  readonly machineCount: number;
}

/** What jobs, warm machines and tickets in advance leave to the rollout; a breaker that is open leaves it nothing. */
function addRollout(
  { pool, clock }: PoolContext,
  { input, machines, retiring, machineCount }: Pick<PoolPlan, "input" | "machines"> & NotFree,
  { demand, standing, scale, stops }: PoolDecision,
): RolloutDecision {
  const isStopped = stops.launches !== "none" || stops.tickets !== "none";
  return decideRollout(
    {
      spare: standing.spare,
      machineCount,
      machines: [...machines, ...retiring],
      warmCount: Math.max(0, pool.warmParkedCount - demand.standing.readyCount),
      room: isStopped ? { count: 0, limit: "launches-stopped" } : input.launchRoom,
      scale,
    },
    pool,
    clock.nowMs(),
  );
}

function breakerOf({ jobs }: OpenBreakers, jobId: JobId) {
  const breaker = jobs.get(jobId);
  return breaker === undefined ? {} : { breaker };
}

function openPauses(pauses: PoolMemory["mintPauses"], monotonicMs: number): DemandInput["mintPauses"] {
  const open = [...pauses].filter(([, { untilMonotonicMs }]) => monotonicMs < untilMonotonicMs);
  return new Map(open.map(([key, { reason }]) => [key, reason]));
}

/** A question that GitHub did not answer is put again after so long: a deleted run is asked about for as long as it waits. */
export const ASK_PAUSE_MS = 30 * SECOND_MS;

function readAskPause({ memory, clock }: PoolContext, jobId: JobId) {
  const failure = memory.askFailures.get(jobId);
  const isAskPaused = failure !== undefined && clock.monotonicMs() - failure.atMonotonicMs < ASK_PAUSE_MS;
  return { isAskPaused, askProblem: isAskPaused ? failure.reason : null };
}

/** What jobs could get comes first that is ready first. */
const FREE_KINDS = ["parked", "provisioning", "planned"] as const satisfies readonly MachineStateKind[];

async function listNotAtWork({ store, pool, clock }: PoolContext) {
  const kinds = [...FREE_KINDS, "stopping", "stopped", "retiring"] as const;
  const machines = await listMachinesInState(store.db, pool.name, ...kinds);
  const inState = (kind: MachineStateKind) => machines.filter(({ state }) => state.kind === kind);
  const standby = [...inState("stopping"), ...inState("stopped")];
  const starting = standby.filter(({ state }) => state.kind === "stopped" && state.isStarting);
  const free = [...FREE_KINDS.flatMap(inState), ...starting];
  invariant(free.length <= FREE_MACHINES_MAX, "free machines are bounded by machines.max");
  return {
    free: freshFirst(free, pool, clock.nowMs()),
    retiring: inState("retiring"),
    standby: standby.filter((machine) => !starting.includes(machine)),
  };
}

export function asFree(machine: Machine, context: PoolContext): readonly FreeMachine[] {
  const { pool, hearing } = context;
  const kind = freeState(machine);
  if (kind === null) return [];
  if (!hasTicketsLeft(machine, pool.jobsPerMachine) || !mayGetTickets(machine)) return [];
  if (machine.report?.phase === "leaving" || !mayComeToTickets(machine, context)) return [];
  const time = heardTime(context);
  if (isUnawaited(machine, context, time)) return [];
  // A parked machine that nobody hears, or that does not get ready, would never come for its ticket.
  const isSilent = isPast(hearing.heardAtMs(machine.id) ?? 0, AGENT_FRESH_MS, time);
  const notReadySinceMs = context.memory.notReadySinceMs.get(machine.id);
  const isStuck = notReadySinceMs !== undefined && isPast(notReadySinceMs, AGENT_FRESH_MS, time);
  if (kind === "parked" && (isSilent || isStuck)) return [];
  return [{ id: machine.id, state: kind }];
}

/** Of a group's machines: those in service, and of those that start the ones that are still on their way there. */
function mayComeToTickets({ id, state }: Machine, context: PoolContext): boolean {
  if (!isGroupsMachine(context, id) || state.kind === "planned") return true;
  const membership = context.memory.observed.get(id)?.membership;
  if (isInService(membership)) return true;
  const isOnItsWay = membership === undefined || (membership?.place === "coming" && !isDeparting(membership));
  return state.kind === "provisioning" && isOnItsWay;
}

/** One that is being started is as far as one that is being launched. */
function freeState({ state }: Machine): FreeMachine["state"] | null {
  if (state.kind === "stopped") return state.isStarting ? "planned" : null;
  return state.kind === "parked" || state.kind === "provisioning" || state.kind === "planned" ? state.kind : null;
}

/** Running tickets whose job GitHub has not named: no job in progress or completed carries their runner's name. */
async function listUnnamedRunning(context: PoolContext, tickets: readonly Ticket[]): Promise<readonly Ticket[]> {
  const running = tickets.filter((ticket) => ticket.state.kind === "running");
  if (running.length === 0) return [];
  const names = await findNamedRunners(
    context.store.db,
    running.map((ticket) => ticket.runnerName),
  );
  return running.filter((ticket) => !names.has(ticket.runnerName));
}
