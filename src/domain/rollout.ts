/**
 * How a pool's machines are replaced that were made from settings that changed, or that are older than `machines.maxAge`.
 *
 * A parked one retires once its replacement is parked, the oldest first; at most a fifth of the pool, and at least one
 * machine, at a time. Replacements count against `machines.max`: a pool that is full has no place for one, so there the old
 * one goes first, one at a time. What no job and no warm count needs is no matter of replacing: it is surplus. A machine at
 * work is never touched; one that could take further jobs after its present one is marked, and retires once it is free.
 */
import type { FreeMachine, LaunchRoom } from "./demand.ts";
import type { MachineId } from "./ids.ts";
import { hasTicketsLeft, type Machine } from "./machine.ts";
import type { PoolPolicy } from "./pool.ts";
import type { RetireReason } from "./reasons.ts";
import type { ScaleDecision } from "./scale.ts";

export type RolloutReason = Extract<RetireReason, "outdated" | "too-old">;

/** Why a machine is to be replaced; null where it is not. Its age is counted by our clock, from the row that planned it. */
export function replacementReason(machine: Machine, pool: PoolPolicy, nowMs: number): RolloutReason | null {
  if (machine.settingsHash !== pool.settingsHash) return "outdated";
  const isOld = pool.maxAgeMs !== null && nowMs - machine.createdAtMs >= pool.maxAgeMs;
  return isOld ? "too-old" : null;
}

export function isRolloutReason(reason: RetireReason | null): reason is RolloutReason {
  return reason === "outdated" || reason === "too-old";
}

const SHARE_OF_POOL = 0.2;

/** How many of a pool may be on their way out for a rollout at the same time. */
export function rolloutLimit(machineCount: number): number {
  return Math.max(1, Math.floor(machineCount * SHARE_OF_POOL));
}

/**
 * How many more of a pool may begin to retire for a rollout now.
 * @param machineCount of those that are not gone. @param machines at least those of them that retire.
 */
export function rolloutPlaceCount(machineCount: number, machines: readonly Machine[]): number {
  const leaving = machines.filter(({ state }) => state.kind === "retiring" && isRolloutReason(state.reason));
  return Math.max(0, rolloutLimit(machineCount) - leaving.length);
}

export interface RolloutInput {
  /** Free machines that no job needs. */
  readonly spare: readonly FreeMachine[];
  /** Of the pool, those that are not gone. */
  readonly machineCount: number;
  /** Those of them that start, are parked or retire; who is at work has no say in it. */
  readonly machines: readonly Machine[];
  /** How many of the spare ones are to be kept for the next jobs. */
  readonly warmCount: number;
  readonly room: LaunchRoom;
  /** What jobs and the warm count want, whatever the machines were made from. */
  readonly scale: ScaleDecision;
}

export interface RolloutDecision extends ScaleDecision {
  /** Parked machines that may be replaced now, the oldest first. */
  readonly replaced: readonly MachineId[];
}

/** Adds to what jobs and the warm count want the replacements, and says which machines they stand in for. */
export function decideRollout(input: RolloutInput, pool: PoolPolicy, nowMs: number): RolloutDecision {
  const { scale, spare, warmCount, room, machines } = input;
  const byId = new Map(machines.map((machine) => [machine.id, machine]));
  const isStale = ({ id }: FreeMachine): boolean => {
    const machine = byId.get(id);
    return machine !== undefined && replacementReason(machine, pool, nowMs) !== null;
  };
  const stale = spare.filter(isStale);
  if (pool.mode !== "run" || stale.length === 0) return { ...scale, replaced: [] };
  const parked = spare.filter(isParked);
  const staleParked = stale.filter(isParked).sort((a, b) => ageOrder(byId, a, b));
  const freshParked = parked.filter((machine) => !isStale(machine));
  // Those that stand for warm machines: each is owed a replacement.
  const owedCount = Math.min(stale.length, Math.max(0, warmCount - (spare.length - stale.length)));
  const placeCount = rolloutPlaceCount(input.machineCount, machines);
  const wantedCount = warmCount + Math.min(owedCount, placeCount) - Math.max(spare.length, warmCount);
  const launchCount = Math.max(scale.launchCount, Math.min(room.count, scale.launchCount + wantedCount));
  // What boots stands in for nothing yet.
  const extraCount = Math.max(0, parked.length - warmCount);
  const surplus = [...staleParked, ...freshParked].slice(0, extraCount).map(({ id }) => id);
  const replacedCount = warmCount === 0 ? 0 : Math.min(placeCount, extraCount, freshParked.length);
  const replaced = staleParked.slice(0, replacedCount);
  if (replaced.length === 0 && owedCount > 0 && hasNoPlace(input)) replaced.push(...staleParked.slice(0, 1));
  return { launchCount, surplus, replaced: replaced.map(({ id }) => id) };
}

function isParked({ state }: FreeMachine): boolean {
  return state === "parked";
}

function ageOrder(byId: ReadonlyMap<MachineId, Machine>, a: FreeMachine, b: FreeMachine): number {
  return (byId.get(a.id)?.createdAtMs ?? 0) - (byId.get(b.id)?.createdAtMs ?? 0) || (a.id < b.id ? -1 : 1);
}

/**
 * The pool is full and stands still: nothing in it is on its way in or out. So the machine that gives up its place is the
 * only one, and the next one waits until what took its place has parked: settings that start nothing stop the rollout.
 */
function hasNoPlace({ room, scale, machines }: RolloutInput): boolean {
  const isFull = room.limit === "at-max" && room.count <= scale.launchCount;
  const isMoving = machines.some(
    ({ state: { kind } }) => kind === "planned" || kind === "provisioning" || kind === "retiring",
  );
  return isFull && scale.launchCount === 0 && !isMoving;
}

/** Parked machines for jobs in the order in which they are taken: what is to be replaced comes after what is not. */
export function freshFirst(machines: readonly Machine[], pool: PoolPolicy, nowMs: number): readonly Machine[] {
  const rank = (machine: Machine): number => (replacementReason(machine, pool, nowMs) === null ? 0 : 1);
  return [...machines].sort((a, b) => rank(a) - rank(b));
}

/**
 * Machines at work that get no further job after their present one, the oldest first: as many at a time as a rollout may
 * take. One that has run its last job goes by itself.
 * @param machines every one of the pool that is not gone.
 */
export function decideMarks(machines: readonly Machine[], pool: PoolPolicy, nowMs: number): readonly Machine[] {
  if (pool.mode !== "run") return [];
  const markedCount = machines.filter(
    ({ state, retireWhenSpent }) => state.kind !== "retiring" && isRolloutReason(retireWhenSpent),
  ).length;
  const open = machines.filter(
    (machine) =>
      machine.state.kind === "engaged" &&
      machine.retireWhenSpent === null &&
      hasTicketsLeft(machine, pool.jobsPerMachine) &&
      replacementReason(machine, pool, nowMs) !== null,
  );
  return open
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1))
    .slice(0, Math.max(0, rolloutLimit(machines.length) - markedCount))
    .map((machine) => ({
      ...machine,
      retireWhenSpent: replacementReason(machine, pool, nowMs),
      version: machine.version + 1,
    }));
}
