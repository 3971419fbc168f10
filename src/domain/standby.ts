/**
 * Machines that wait stopped (`warm.stopped`). They cost their disks only, and count against `machines.max`. Pure.
 *
 * A parked machine that no job needs and that is beyond `warm.parked` is stopped instead of ended, while stopped ones are
 * missing; a stopped one is started before a new one is launched, for jobs and for `warm.parked` alike. What is to be
 * replaced is neither stopped nor started: it goes, at a rollout's pace, and a new one takes its place.
 */
import type { DemandPlan } from "./demand.ts";
import type { MachineId } from "./ids.ts";
import type { Machine } from "./machine.ts";
import { mayGetTickets } from "./operator-words.ts";
import type { PoolPolicy } from "./pool.ts";
import { replacementReason } from "./rollout.ts";
import type { ScaleDecision } from "./scale.ts";

export interface StandbyState {
  /** Those in `stopping` and `stopped` that are not to be started. */
  readonly waitingCount: number;
  /** Those of them that can be started, the oldest first; whether they may be now is another question. */
  readonly fit: readonly MachineId[];
  /** Nothing stands against starting some of them: no pause, no shutdown. */
  readonly mayStart: boolean;
  /** The provider can stop machines, and did not refuse to a moment ago. */
  readonly mayStop: boolean;
  /** How many the pool wants. */
  readonly wantedCount: number;
}

export const NO_STANDBY: StandbyState = { waitingCount: 0, fit: [], mayStart: false, mayStop: false, wantedCount: 0 };

export interface StandbyPlan {
  /** Besides those that jobs start. */
  readonly starts: readonly { readonly machineId: MachineId }[];
  readonly launchCount: number;
  /** Stopped machines beyond the wanted ones. They retire after a grace. */
  readonly surplus: readonly MachineId[];
  /** How many parked machines that are surplus may be stopped instead of ended. */
  readonly stopRoom: number;
}

export interface StandbyInput {
  readonly state: StandbyState;
  readonly demand: Pick<DemandPlan, "decisions" | "startable">;
  /** What jobs and warm machines want without the stopped ones. */
  readonly scale: ScaleDecision;
  /** Of its launches, those that no job asked for: stopped machines stand in for them. */
  readonly inAdvanceCount: number;
  /** Machines that are free and beyond the ones kept parked, those that boot included: they are on their way to be stopped. */
  readonly beyondCount: number;
  /** What is left of the launches that may be made. */
  readonly launchRoomCount: number;
}

/** Which stopped machines can be started for anything, the oldest first. */
export function fitForStart(machines: readonly Machine[], pool: PoolPolicy, nowMs: number): readonly MachineId[] {
  return machines
    .filter((machine) => machine.state.kind === "stopped" && !machine.state.isStarting)
    .filter((machine) => mayGetTickets(machine) && replacementReason(machine, pool, nowMs) === null)
    .sort((a, b) => a.state.sinceMs - b.state.sinceMs || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

export function decideStandby(input: StandbyInput): StandbyPlan {
  const { state, demand, scale } = input;
  const left = state.mayStart ? (demand.startable ?? []) : [];
  const starts = left.slice(0, input.inAdvanceCount).map((machineId) => ({ machineId }));
  const forJobs = demand.decisions.flatMap((decision) => (decision.kind === "start" ? [decision.machineId] : []));
  const keptCount = state.waitingCount - starts.length - forJobs.length;
  const stopRoom = state.mayStop ? Math.max(0, state.wantedCount - keptCount) : 0;
  const wantedLaunches = scale.launchCount - Math.min(starts.length, scale.launchCount);
  const fillCount = Math.max(0, stopRoom - input.beyondCount);
  const started = new Set([...forJobs, ...starts.map(({ machineId }) => machineId)]);
  // The youngest go: those that were stopped first are started first.
  const idle = state.fit.filter((id) => !started.has(id));
  const surplusCount = Math.max(0, keptCount - state.wantedCount);
  return {
    starts,
    launchCount: Math.min(Math.max(0, input.launchRoomCount), wantedLaunches + fillCount),
    surplus: surplusCount === 0 ? [] : idle.slice(-surplusCount),
    stopRoom,
  };
}

/** Of the parked machines that are surplus, those that are stopped instead of ended: what is to be replaced ends. */
export function chooseStops(
  surplus: readonly MachineId[],
  machines: readonly Machine[],
  stopRoom: number,
  pool: PoolPolicy,
  nowMs: number,
): readonly MachineId[] {
  const byId = new Map(machines.map((machine) => [machine.id, machine]));
  const fit = surplus.filter((id) => {
    const machine = byId.get(id);
    return machine?.state.kind === "parked" && machine.origin === "launched" && isLasting(machine, pool, nowMs);
  });
  return fit.slice(0, stopRoom);
}

function isLasting(machine: Machine, pool: PoolPolicy, nowMs: number): boolean {
  return mayGetTickets(machine) && replacementReason(machine, pool, nowMs) === null;
}
