/** The words for processes, and the pure reading of what Linux (`/proc`) and macOS (`ps`) say about them. */

/** A process that lives; zombies are not among them. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** The pid of its session's leader; null where the system does not tell. */
  readonly sessionId: number | null;
  /**
   * When it started, in units of the system that are only compared: pid and start together name one process for good.
   * Linux: ticks of 10 ms since boot. macOS: milliseconds, to the second.
   */
  readonly startedAt: number;
  /** The value of the mark's variable in its environment; null where it has none or it may not be read. */
  readonly mark: string | null;
}

export type SignalOutcome =
  | "sent"
  /** The process does not exist any more; its pid may be another's. */
  | "ended"
  /** It lives and is not ours to signal: it belongs to another user. */
  | "refused";

export type MachineSignal = "SIGSTOP" | "SIGCONT" | "SIGKILL";

export interface ProcessTable {
  /**
   * Every process that lives, each with the environment it had after its start was read.
   * @throws whatever the system says, where any part could not be read.
   */
  read(): Promise<readonly ProcessEntry[]>;
  /**
   * Signals exactly this process: its start time is compared right before, synchronously. What is left is the time of one
   * system call in which a pid would have to be freed and given out again; Node has no pidfd.
   */
  signal(entry: ProcessEntry, signal: MachineSignal): SignalOutcome;
}

export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  readonly sessionId: number;
  readonly startedAt: number;
  readonly isZombie: boolean;
}

/** A zombie whose other threads still run (its first thread ended alone) is a living process. */
const ZOMBIE_STATES = ["Z", "X", "x"];

/** Reads `/proc/<pid>/stat`; null where it is not of the known shape. The name may hold blanks, brackets and line feeds. */
export function parseStat(text: string): ProcessStat | null {
  const nameEnd = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  // proc(5) counts from 1: pid, name, then from here on 3 state, 4 ppid, 6 session, 20 threads, 22 start.
  const fields = text
    .slice(nameEnd + 1)
    .trim()
    .split(/\s+/);
  const field = (number: number) => Number(fields[number - 3] ?? "absent");
  const stat = { pid, parentPid: field(4), sessionId: field(6), startedAt: field(22) };
  const threadCount = field(20);
  if (nameEnd < 0 || ![...Object.values(stat), threadCount].every(Number.isSafeInteger)) return null;
  return { ...stat, isZombie: ZOMBIE_STATES.includes(fields[0] ?? "") && threadCount <= 1 };
}

/** The value of a variable in an environment block: `NAME=value` pieces, each ended by a zero byte. */
export function findVariable(block: string, name: string): string | null {
  const found = block.split("\0").find((piece) => piece.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}

/** Whether what has this pid now is the process that was seen. */
export function isSameProcess(
  seen: Pick<ProcessEntry, "pid" | "startedAt">,
  now: Pick<ProcessEntry, "pid" | "startedAt">,
): boolean {
  return seen.pid === now.pid && seen.startedAt === now.startedAt;
}

export function identityOf(entry: Pick<ProcessEntry, "pid" | "startedAt">): string {
  return `${entry.pid}@${entry.startedAt}`;
}
