/** Reads what one pass is about, and lets the domain decide: the plan of a pool as a value. */
import { type DemandInput, type DemandPlan, decideDemand, type FreeMachine } from "../../domain/demand.ts";
import type { JobId } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import { hasTicketsLeft, type Machine, type MachineStateKind } from "../../domain/machine.ts";
import { decideRollout, freshFirst, type RolloutDecision } from "../../domain/rollout.ts";
import { judgeRunnerVersion } from "../../domain/runner-version.ts";
import { decideScale, launchRoom } from "../../domain/scale.ts";
import type { Ticket } from "../../domain/ticket.ts";
import { isPast } from "../../domain/time.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { AGENT_FRESH_MS } from "../../domain/verdict.ts";
import { listQueuedJobsOfPool } from "../../store/jobs/list.ts";
import { findJobsByRunnerNames } from "../../store/jobs/load.ts";
import type { JobRow } from "../../store/jobs/row.ts";
import { countPresentByPool } from "../../store/machines/count.ts";
import { listMachinesInState } from "../../store/machines/list.ts";
import { listLiveTicketsOfPool } from "../../store/tickets/list.ts";
import { heardTime, type PoolContext, type PoolMemory } from "../context.ts";

const JOBS_MAX = 1_000;
const FREE_MACHINES_MAX = 10_000;

/** Everything one pass decides, as a value: `holdfast plan` will print it without carrying it out. */
export interface PoolPlan {
  readonly input: DemandInput;
  readonly demand: DemandPlan;
  readonly scale: RolloutDecision;
  readonly rows: ReadonlyMap<JobId, JobRow>;
  readonly machines: readonly Machine[];
}

export async function planPool(context: PoolContext): Promise<PoolPlan> {
  const { db } = context.store;
  const { pool, memory } = context;
  const time = heardTime(context);
  const rows = await listQueuedJobsOfPool(db, pool.name, JOBS_MAX);
  const tickets = await listLiveTicketsOfPool(db, pool.name);
  const machines = await listFreeMachines(context);
  const machineCount = (await countPresentByPool(db)).get(pool.name) ?? 0;
  const isRunnerEnded = judgeRunnerVersion(memory.runnerVersion?.facts ?? null, time.nowMs) === "ended";
  const withTicket = new Set(tickets.map((ticket) => ticket.machineId));
  const input: DemandInput = {
    jobs: rows.map((row) => ({ ...row, ...readAskPause(context, row.job.id) })),
    tickets,
    unnamedRunning: await listUnnamedRunning(context, tickets),
    // A runner that GitHub gives no jobs would take its ticket for nothing.
    machines: isRunnerEnded
      ? []
      : machines.filter((machine) => !withTicket.has(machine.id)).flatMap((machine) => asFree(machine, context)),
    mintPauses: openPauses(memory.mintPauses, context.clock.monotonicMs()),
    launchRoom: launchRoom(pool, {
      machineCount,
      isPaused: context.clock.monotonicMs() < memory.launch.untilMonotonicMs,
      isShuttingDown: context.isShuttingDown(),
      isRunnerEnded,
    }),
  };
  const demand = decideDemand(input, pool, time);
  const scale = decideRollout(
    {
      spare: demand.spare,
      machineCount,
      machines: [...machines, ...(await listMachinesInState(db, pool.name, "retiring"))],
      warmCount: pool.warmParkedCount,
      room: input.launchRoom,
      scale: decideScale(demand, input.launchRoom, pool),
    },
    pool,
    time.nowMs,
  );
  return { input, demand, scale, machines, rows: new Map(rows.map((row) => [row.job.id, row])) };
}

function openPauses(pauses: PoolMemory["mintPauses"], monotonicMs: number): DemandInput["mintPauses"] {
  const open = [...pauses].filter(([, { untilMonotonicMs }]) => monotonicMs < untilMonotonicMs);
  return new Map(open.map(([key, { reason }]) => [key, reason]));
}

/** A question that GitHub did not answer is put again after so long: a deleted run is asked about for as long as it waits. */
const ASK_PAUSE_MS = 30 * SECOND_MS;

function readAskPause({ memory, clock }: PoolContext, jobId: JobId) {
  const failure = memory.askFailures.get(jobId);
  const isAskPaused = failure !== undefined && clock.monotonicMs() - failure.atMonotonicMs < ASK_PAUSE_MS;
  return { isAskPaused, askProblem: isAskPaused ? failure.reason : null };
}

async function listFreeMachines(context: PoolContext): Promise<readonly Machine[]> {
  const free = await listMachinesInStates(context, ["parked", "provisioning", "planned"]);
  invariant(free.length <= FREE_MACHINES_MAX, "free machines are bounded by machines.max");
  return freshFirst(free, context.pool, context.clock.nowMs());
}

async function listMachinesInStates(
  { store, pool }: PoolContext,
  kinds: readonly MachineStateKind[],
): Promise<readonly Machine[]> {
  const machines: Machine[] = [];
  for (const kind of kinds) machines.push(...(await listMachinesInState(store.db, pool.name, kind)));
  return machines;
}

export function asFree(machine: Machine, context: PoolContext): readonly FreeMachine[] {
  const { pool, hearing } = context;
  const { kind } = machine.state;
  if (kind !== "parked" && kind !== "provisioning" && kind !== "planned") return [];
  if (!hasTicketsLeft(machine, pool.jobsPerMachine) || machine.retireWhenSpent !== null) return [];
  if (machine.report?.phase === "leaving") return [];
  const time = heardTime(context);
  // A parked machine that nobody hears, or that does not get ready, would never come for its ticket.
  const isSilent = isPast(hearing.heardAtMs(machine.id) ?? 0, AGENT_FRESH_MS, time);
  const notReadySinceMs = context.memory.notReadySinceMs.get(machine.id);
  const isStuck = notReadySinceMs !== undefined && isPast(notReadySinceMs, AGENT_FRESH_MS, time);
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
