/**
 * How process tables are written: Linux' `/proc/<pid>/…` and the output of macOS' `ps`. Pure; whoever reads the files or
 * runs the command hands the text in.
 */
import { MARK_VARIABLE } from "./settings.ts";

export interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** `comm`: the file's name, at most 15 bytes, which the process may have changed. */
  readonly name: string;
  /** The letter that the system gives to its state, that of its first thread on Linux: R, S, D, T, Z … */
  readonly state: string;
  /** Dead and waiting to be reaped, with no other thread left. */
  readonly isZombie: boolean;
  /** Ticks since boot on Linux, a date on macOS: together with the pid it names one process. */
  readonly startTime: string;
  /** All CPU time that it used, in hundredths of a second; on Linux with that of its children that have ended. */
  readonly cpuTicks: number;
  /** Part of Linux itself: it has no environment and is nobody's. */
  readonly isKernelThread: boolean;
}

/** Of the text of `/proc/<pid>/status`: the real user, whom a program that becomes another for a while keeps. */
export function parseUserId(text: string): number | null {
  const [, user] = /^Uid:\t(\d+)\t/m.exec(text) ?? [];
  return user === undefined ? null : Number(user);
}

export type MarkReading =
  | { readonly kind: "marked"; readonly mark: string }
  | { readonly kind: "unmarked" }
  | { readonly kind: "unreadable" };

/** Fields after the name, counted as proc_pid_stat(5) does less 3. */
const STATE = 0;
const PARENT_PID = 1;
const FLAGS = 6;
/** In user and in kernel mode, and the same two of children that were waited for. */
const CPU_TIMES = [11, 12, 13, 14] as const;
const THREAD_COUNT = 17;
const START_TIME = 19;
/** PF_KTHREAD of Linux' sched.h. */
const KERNEL_THREAD_FLAG = 0x0020_0000;

/** Parses `/proc/<pid>/stat`. The name stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const pid = Number(text.slice(0, open).trim());
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/);
  const state = fields[STATE];
  const startTime = fields[START_TIME];
  const parentPid = Number(fields[PARENT_PID]);
  const threadCount = Number(fields[THREAD_COUNT]);
  if (state === undefined || startTime === undefined || !/^\d+$/.test(startTime)) return null;
  const flags = Number(fields[FLAGS]);
  const cpuTicks = CPU_TIMES.reduce((sum, index) => sum + Number(fields[index]), 0);
  const numbers = [parentPid, threadCount, flags, cpuTicks];
  if (!isPid(pid) || !numbers.every(Number.isSafeInteger)) return null;
  // A process whose first thread has ended also shows Z, while its others run on.
  const isZombie = (state === "Z" || state === "X") && threadCount <= 1;
  const isKernelThread = Math.floor(flags / KERNEL_THREAD_FLAG) % 2 === 1;
  return { pid, parentPid, name: text.slice(open + 1, close), state, isZombie, startTime, cpuTicks, isKernelThread };
}

/** Parses `/proc/<pid>/cmdline`. */
export function parseArguments(text: string): readonly string[] {
  return text.replace(/\0+$/, "").split("\0");
}

/** Parses `/proc/<pid>/environ`. An empty one belongs to a process that is just starting or ending: it says nothing. */
export function parseMark(environment: string): MarkReading {
  if (environment === "") return { kind: "unreadable" };
  const prefix = `${MARK_VARIABLE}=`;
  const found = environment.split("\0").find((variable) => variable.startsWith(prefix));
  return found === undefined ? { kind: "unmarked" } : { kind: "marked", mark: found.slice(prefix.length) };
}

export interface PsProcess extends ProcessStat {
  /** Split at spaces: `ps` does not tell an argument's own spaces from those between arguments. */
  readonly arguments: readonly string[];
  readonly mark: MarkReading;
}

/** Arguments for `ps` on macOS; its output is what `parsePs` reads. `-E` adds the environment, of one's own processes. */
export const PS_ARGUMENTS = ["-axwwE", "-o", "pid=,ppid=,stat=,time=,lstart=,command="] as const;

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+([\d:.]+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]{8}\s+\d{4})\s+(.*)$/;

/** Null where a line is not understood. */
export function parsePs(text: string): readonly PsProcess[] | null {
  const processes: PsProcess[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const process = parsePsLine(line);
    if (process === null) return null;
    processes.push(process);
  }
  return processes;
}

function parsePsLine(line: string): PsProcess | null {
  const [, pid, parentPid, state, time, startTime, command] = PS_LINE.exec(line) ?? [];
  if (state === undefined || startTime === undefined || command === undefined) return null;
  const cpuTicks = parseCpuTime(time ?? "");
  if (cpuTicks === null) return null;
  const words = command.split(" ");
  const path = words[0] ?? "";
  const mark = words.find((word) => word.startsWith(`${MARK_VARIABLE}=`))?.slice(MARK_VARIABLE.length + 1);
  const hasEnvironment = words.some((word) => /^[A-Za-z_]\w*=/.test(word));
  return {
    pid: Number(pid),
    parentPid: Number(parentPid),
    name: path.slice(path.lastIndexOf("/") + 1),
    state: state.slice(0, 1),
    isZombie: state.startsWith("Z"),
    startTime: startTime.replace(/\s+/g, " "),
    cpuTicks,
    isKernelThread: false,
    arguments: words,
    mark: mark !== undefined ? { kind: "marked", mark } : { kind: hasEnvironment ? "unmarked" : "unreadable" },
  };
}

/** Arguments for `ps` on macOS that list one process's threads; its output is what `parsePsThreads` reads. */
export const PS_THREAD_ARGUMENTS = ["-M", "-p"] as const;

/** `USER PID TT %CPU STAT PRI STIME UTIME COMMAND`; only a process's first line has user, terminal and command. */
const PS_THREAD_LINE = /^\S*\s+(\d+)\s+(?:[^\s.]+\s+)?\d+\.\d+\s+([A-Z])\S*\s+\d+[A-Z]?\s+[\d:.]+\s+[\d:.]+(?:\s|$)/;

/** The state of each thread, as letters. Null where a line is not understood or is another process's. */
export function parsePsThreads(text: string, pid: number): readonly string[] | null {
  const [header = "", ...lines] = text.split("\n").filter((line) => line.trim() !== "");
  if (!/^USER\s+PID\s.*\sSTAT\s/.test(header)) return null;
  const states = lines.map((line) => {
    const [, owner, state] = PS_THREAD_LINE.exec(line) ?? [];
    return Number(owner) === pid && state !== undefined ? state : null;
  });
  return states.length > 0 && states.every((state) => state !== null) ? states : null;
}

/** `minutes:seconds.hundredths`, as macOS writes it: minutes past 59 are not turned into hours. */
function parseCpuTime(text: string): number | null {
  const [, minutes, seconds, hundredths] = /^(\d+):(\d\d)\.(\d\d)$/.exec(text) ?? [];
  if (minutes === undefined || seconds === undefined || hundredths === undefined) return null;
  return (Number(minutes) * 60 + Number(seconds)) * 100 + Number(hundredths);
}

function isPid(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
