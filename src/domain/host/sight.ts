/**
 * Which processes are the runner's, and which are left over from a job. Pure. What cannot be told is unknown, never "no":
 * a Worker that cannot be placed but carries our mark is ours, and one of which nothing can be read makes the look unknown.
 */
import type { TicketId } from "../ids.ts";
import type { StartedProcess } from "./journal.ts";
import type { MarkReading, ProcessStat } from "./process-table.ts";

export const LISTENER_NAME = "Runner.Listener";
const WORKER_NAME = "Runner.Worker";

export type RunnerRole = "listener" | "worker";

/** A process with what tells whose it is. Null: could not be read. */
export interface SeenProcess extends ProcessStat {
  readonly arguments: readonly string[] | null;
  readonly executable: string | null;
  readonly workingDirectory: string | null;
  readonly mark: MarkReading;
  /** Absent where it was not read. */
  readonly userId?: number;
}

/** What one scan of the process table shows of this machine's runner. */
export type ProcessSight =
  | { readonly kind: "seen"; readonly listenerCount: number; readonly workerCount: number }
  | { readonly kind: "unknown"; readonly why: string };

/** What a machine's own processes are known by. */
export interface Belongings {
  readonly mark: string;
  /** The folder, links resolved, under which every ticket's root lies. */
  readonly rootsDirectory: string;
  /** The listener as the journal names it: it counts whatever it calls itself now. */
  readonly started: StartedProcess | null;
  /** A user who is there for runners alone: whatever they run is a job's, marked or not. Absent where there is none. */
  readonly runnerUserId?: number;
}

/** Programs that become the listener in their own process (`agent/scope.ts`); one of them may have to wait for a name service. */
const FORERUNNERS: readonly string[] = ["systemd-run", "choom", "setpriv"];

/**
 * What a process is by its name, or by the program among its first two arguments: a script's name stands second, and a
 * runtime may rename its first thread. What is about to become the listener is it already.
 */
export function roleOf(name: string, args: readonly string[] | null): RunnerRole | null {
  const isForerunner = FORERUNNERS.includes(baseName(args?.[0] ?? ""));
  const names = [name, ...(args ?? []).slice(0, isForerunner ? undefined : 2).map(baseName)];
  if (names.includes(WORKER_NAME)) return "worker";
  return names.includes(LISTENER_NAME) ? "listener" : null;
}

export function sightRunner(processes: readonly SeenProcess[], ours: Belongings): ProcessSight {
  const counts = { listener: 0, worker: 0 };
  for (const process of processes) {
    if (process.isZombie) continue;
    const isListener = isStarted(process, ours);
    const role = roleOf(process.name, process.arguments) ?? (isListener ? "listener" : null);
    if (role === null) continue;
    const owner = isListener ? "ours" : ownerOf(process, ours);
    if (owner === "unknown")
      return { kind: "unknown", why: `process ${process.pid} is a ${role} of nobody knows whom` };
    if (owner === "ours") counts[role] += 1;
  }
  return { kind: "seen", listenerCount: counts.listener, workerCount: counts.worker };
}

/** The number is the journal's, the start time too, and nothing says that it is somebody else's. */
export function isStarted(process: SeenProcess, ours: Belongings): boolean {
  if (process.pid !== ours.started?.pid || process.startTime !== ours.started.startTime) return false;
  return process.mark.kind === "unreadable" || (process.mark.kind === "marked" && process.mark.mark === ours.mark);
}

export function ownerOf(process: SeenProcess, ours: Belongings): "ours" | "other" | "unknown" {
  if (process.mark.kind === "marked" && process.mark.mark === ours.mark) return "ours";
  const paths = pathsOf(process);
  if (paths.some((path) => path.startsWith(`${ours.rootsDirectory}/`))) return "ours";
  if (process.mark.kind !== "unreadable" || paths.length > 0) return "other";
  return "unknown";
}

/** All that tells where a process comes from. */
function pathsOf({ executable, workingDirectory, arguments: args }: SeenProcess): readonly string[] {
  return [executable, workingDirectory, ...(args ?? []).slice(0, 2)].filter(
    (path): path is string => path?.startsWith("/") === true,
  );
}

/**
 * The ticket's listener where the journal does not name it: its agent died between starting it and writing that down.
 * Exactly one listener of ours is seen, it runs under this ticket's root and carries our mark; anything else is unknown.
 */
export function findListener(
  processes: readonly SeenProcess[],
  ours: Belongings,
  ticketId: TicketId,
): StartedProcess | null {
  const sight = sightRunner(processes, ours);
  if (sight.kind === "unknown" || sight.listenerCount !== 1) return null;
  const root = `${ours.rootsDirectory}/${ticketId}/`;
  const found = processes.filter(
    (one) =>
      !one.isZombie &&
      roleOf(one.name, one.arguments) === "listener" &&
      one.mark.kind === "marked" &&
      one.mark.mark === ours.mark &&
      pathsOf(one).some((path) => path.startsWith(root)),
  );
  const [listener] = found;
  return found.length === 1 && listener !== undefined ? { pid: listener.pid, startTime: listener.startTime } : null;
}

export type Leftovers =
  /** Processes of a job that is over. */
  | { readonly kind: "found"; readonly processes: readonly StartedProcess[] }
  /** Something of the runner is there after all, or may be: nothing is to be killed. */
  | { readonly kind: "runner-there"; readonly why: string };

/**
 * What still carries this machine's mark, or is the runners' own user's, after its last ticket ended.
 * @param spared the agent, and the processes that it descends from.
 */
export function findLeftovers(
  processes: readonly SeenProcess[],
  ours: Belongings,
  spared: ReadonlySet<number>,
): Leftovers {
  const sight = sightRunner(processes, ours);
  if (sight.kind === "unknown") return { kind: "runner-there", why: sight.why };
  if (sight.listenerCount + sight.workerCount > 0)
    return { kind: "runner-there", why: "a runner's process is there after its ticket ended" };
  const found = processes.filter(({ pid, isZombie, mark, userId }) => {
    const isMarked = mark.kind === "marked" && mark.mark === ours.mark;
    const isUsers = userId !== undefined && userId === ours.runnerUserId;
    return !isZombie && !spared.has(pid) && (isMarked || isUsers);
  });
  return { kind: "found", processes: found.map(({ pid, startTime }) => ({ pid, startTime })) };
}

/** A process and all that it descends from. */
export function lineageOf(pid: number, processes: readonly ProcessStat[]): ReadonlySet<number> {
  const parents = new Map(processes.map((process) => [process.pid, process.parentPid]));
  const lineage = new Set<number>();
  for (let at = pid; at > 0 && !lineage.has(at); at = parents.get(at) ?? 0) lineage.add(at);
  return lineage;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
