/** How many machines a pool launches, and which parked ones it has too many of. */
import type { DemandPlan, LaunchRoom } from "./demand.ts";
import type { MachineId } from "./ids.ts";
import type { PoolPolicy } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import type { StandingPlan } from "./standing.ts";

export interface ScaleDecision {
  readonly launchCount: number;
  /** Parked machines that no job needs, beyond those kept warm. They retire after a grace. */
  readonly surplus: readonly MachineId[];
}

export interface LaunchState {
  /** Machines that are not gone, planned ones included. */
  readonly machineCount: number;
  /**
   * The provider's machines were listed whole since this process took up the pool. Before that there may be some that no row
   * counts: those of a store that was restored from a backup.
   */
  readonly isListed: boolean;
  /** The last launch failed and the pause after it is not over. */
  readonly isPaused: boolean;
  /** Why, where the provider said it. */
  readonly pauseReason?: ReasonCode;
  /** A launch is under way or was just made, and the next is to serve all who come meanwhile. */
  readonly isGathering?: boolean;
  /** Machines that are done with keep their places, because an operator froze the pool; not where it is left out. */
  readonly isKeptByFreeze?: boolean;
  readonly isShuttingDown: boolean;
  /** GitHub takes no more jobs with the runner that a new machine would get. */
  readonly isRunnerEnded: boolean;
}

export function launchRoom(pool: PoolPolicy, state: LaunchState): LaunchRoom {
  if (pool.mode === "departed") return { count: 0, limit: "pool-left" };
  if (state.isShuttingDown) return { count: 0, limit: "shutting-down" };
  if (pool.sizing === "external") return { count: 0, limit: "group-sized-by-others" };
  if (state.isRunnerEnded) return { count: 0, limit: "runner-deprecated" };
  if (!state.isListed) return { count: 0, limit: "fleet-not-listed" };
  if (state.isPaused) return { count: 0, limit: state.pauseReason ?? "launch-backoff" };
  if (state.isGathering) return { count: 0, limit: "machine-launching" };
  const count = Math.max(0, pool.machineCountMax - state.machineCount);
  return { count, limit: state.isKeptByFreeze ? "frozen" : "at-max" };
}

/** Machines of one call to the provider. */
export const LAUNCH_MACHINES_MAX = 100;

/**
 * How many machines the next launch may ask for. A provider refuses a launch as a whole that is more than its quota or its
 * capacity leaves: after a refusal half as many are asked for, after a success twice as many again.
 * @param before what the launch itself was bound by, and `count` what it asked for.
 */
export function nextLaunchSize(before: number, count: number, outcome: "started" | "refused"): number {
  const next = outcome === "refused" ? Math.floor(count / 2) : before * 2;
  return Math.min(LAUNCH_MACHINES_MAX, Math.max(1, next));
}

/** Warm machines come second: jobs that wait take the room first. A machine whose ticket is held ready is a parked one. */
export function decideScale(
  demand: DemandPlan,
  room: LaunchRoom,
  pool: PoolPolicy,
  standing: Pick<StandingPlan, "launchCount" | "spare"> = { launchCount: 0, spare: demand.spare },
): ScaleDecision {
  if (pool.mode !== "run" || pool.sizing === "external") return { launchCount: 0, surplus: [] };
  const wantedByJobs = demand.decisions.filter((decision) => decision.kind === "launch").length;
  const warmCount = standing.spare.length + demand.standing.readyCount;
  const warmMissing = Math.max(0, pool.warmParkedCount - warmCount);
  const launchCount = Math.min(room.count, wantedByJobs + standing.launchCount + warmMissing);
  const spareParked = standing.spare.filter((machine) => machine.state === "parked");
  const surplusCount = Math.max(0, warmCount - pool.warmParkedCount);
  return { launchCount, surplus: spareParked.slice(0, surplusCount).map((machine) => machine.id) };
}
