/**
 * What of a job can be seen to move: the CPU time of every process that is, or may be, the job's, and the sizes of the logs.
 * Pure. Two samples with the same trace: nothing that could be seen moved in between.
 */
import type { ProcessStat } from "./process-table.ts";
import { type Belongings, isStarted, ownerOf, roleOf, type SeenProcess } from "./sight.ts";

/** More than any job has; past it nothing is said. */
const MEMBERS_MAX = 20_000;

/** @property size with whatever else tells the file from another one under its name. */
export interface LogSize {
  readonly path: string;
  readonly size: string;
}

export type MotionSight =
  /** @property strangerCount members of which it cannot be told whose they are: one that is just starting is among them. */
  | { readonly kind: "seen"; readonly trace: string; readonly strangerCount: number }
  | { readonly kind: "unknown"; readonly why: string };

/**
 * @param processes every one of them read in full.
 * @param spared the agent, and the processes that it descends from.
 * @param logs or why they could not be read.
 */
export function sightMotion(
  processes: readonly SeenProcess[],
  ours: Belongings,
  spared: ReadonlySet<number>,
  logs: readonly LogSize[] | string,
): MotionSight {
  if (typeof logs === "string") return { kind: "unknown", why: logs };
  const alive = processes.filter(({ isZombie, isKernelThread }) => !isZombie && !isKernelThread);
  const workers = alive.filter((one) => isWorker(one, ours));
  const tree = descendantsOf(workers, alive);
  const members = alive.filter(
    (one) => tree.has(one.pid) || (!spared.has(one.pid) && !isListener(one, ours) && mayBeOurs(one, ours)),
  );
  if (members.length > MEMBERS_MAX) return { kind: "unknown", why: "more processes than we follow" };
  const lines = [
    ...members.map(({ pid, startTime, cpuTicks }) => `${pid} ${startTime} ${cpuTicks}`),
    ...logs.map(({ path, size }) => `${path} ${size}`),
  ];
  const strangerCount = members.filter(({ pid, mark }) => !tree.has(pid) && mark.kind === "unreadable").length;
  return { kind: "seen", trace: lines.sort().join("\n"), strangerCount };
}

/** One that cannot be placed counts: what it does may be a job's. */
function isWorker(one: SeenProcess, ours: Belongings): boolean {
  return roleOf(one.name, one.arguments) === "worker" && ownerOf(one, ours) !== "other";
}

/** Listeners sleep and wake whether or not there is a job; what is below a Worker belongs to the job whatever its name. */
function isListener(one: SeenProcess, ours: Belongings): boolean {
  return isStarted(one, ours) || (roleOf(one.name, one.arguments) === "listener" && ownerOf(one, ours) === "ours");
}

/** By its mark; or nobody knows, and it is not older than the runner. */
function mayBeOurs({ mark, startTime }: SeenProcess, ours: Belongings): boolean {
  if (mark.kind === "marked") return mark.mark === ours.mark;
  return mark.kind === "unreadable" && !isOlder(startTime, ours.started?.startTime ?? null);
}

/** What cannot be compared is not older. */
function isOlder(startTime: string, thanTime: string | null): boolean {
  return thanTime !== null && orderOf(startTime) < orderOf(thanTime);
}

/** Ticks since boot on Linux, a date on macOS. */
function orderOf(startTime: string): number {
  return /^\d+$/.test(startTime) ? Number(startTime) : Date.parse(startTime);
}

function descendantsOf(ancestors: readonly ProcessStat[], processes: readonly ProcessStat[]): ReadonlySet<number> {
  const children = Map.groupBy(processes, ({ parentPid }) => parentPid);
  const found = new Set(ancestors.map(({ pid }) => pid));
  const open = [...found];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (found.has(child.pid)) continue;
      found.add(child.pid);
      open.push(child.pid);
    }
  }
  return found;
}
