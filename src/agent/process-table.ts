/** Reads the machine's process table. What cannot be read makes the whole table unknown, never shorter. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { StartedProcess } from "../domain/host/journal.ts";
import {
  type MarkReading,
  type ProcessStat,
  PS_ARGUMENTS,
  PS_THREAD_ARGUMENTS,
  parseArguments,
  parseMark,
  parsePs,
  parsePsThreads,
  parseStat,
  parseUserId,
} from "../domain/host/process-table.ts";
import { roleOf, type SeenProcess } from "../domain/host/sight.ts";
import { isFileError } from "./log.ts";

export type ProcessTable =
  | { readonly kind: "read"; readonly processes: readonly SeenProcess[] }
  | { readonly kind: "unknown"; readonly why: string };

/** More than any kernel allows by default. */
const PROCESSES_MAX = 4_194_304;
const PS_OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const onLinux = process.platform === "linux";

/** @param alsoPid a process that is read in full whatever its name; "all" reads every one in full. */
export function readProcessTable(alsoPid: number | null | "all"): ProcessTable {
  return onLinux ? readLinux(alsoPid) : readByPs();
}

/** Null where no such process is there. */
export function startTimeOf(pid: number): string | null {
  return findProcess(pid)?.startTime ?? null;
}

/** Whether exactly this process is there and not a zombie. */
export function isAlive({ pid, startTime }: StartedProcess): boolean {
  const found = findProcess(pid);
  return found?.startTime === startTime && !found.isZombie;
}

/**
 * The state of each task of exactly this process, as letters. Null where it is not there, cannot be read, or changed its
 * tasks meanwhile.
 */
export function taskStatesOf(process: StartedProcess): readonly string[] | null {
  if (onLinux) return readTaskStates(process);
  return readTaskStatesByPs(process);
}

function readTaskStates({ pid, startTime }: StartedProcess): readonly string[] | null {
  try {
    const folder = `/proc/${pid}/task`;
    const tasks = readdirSync(folder);
    if (readStat(pid)?.startTime !== startTime) return null;
    const states = tasks.map((task) => parseStat(readFileSync(`${folder}/${task}/stat`, "utf8"))?.state ?? "?");
    const isSame = readdirSync(folder).join() === tasks.join() && readStat(pid)?.startTime === startTime;
    return isSame ? states : null;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  }
}

/** On macOS: the process's own state, before and after, and that of each thread. One that differs is not stopped. */
function readTaskStatesByPs({ pid, startTime }: StartedProcess): readonly string[] | null {
  const before = findProcess(pid);
  const ps = spawnSync("ps", [...PS_THREAD_ARGUMENTS, String(pid)], {
    encoding: "utf8",
    maxBuffer: PS_OUTPUT_BYTES_MAX,
  });
  const threads = ps.status === 0 ? parsePsThreads(ps.stdout, pid) : null;
  const after = findProcess(pid);
  if (threads === null || before?.startTime !== startTime || after?.startTime !== startTime) return null;
  return [before.state, ...threads, after.state];
}

function findProcess(pid: number): ProcessStat | null {
  if (onLinux) return readStat(pid);
  const table = readByPs();
  return table.kind === "unknown" ? null : (table.processes.find((one) => one.pid === pid) ?? null);
}

function readLinux(alsoPid: number | null | "all"): ProcessTable {
  try {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    if (pids.length > PROCESSES_MAX) return { kind: "unknown", why: "more processes than can be" };
    // Where others' processes are hidden (`hidepid`), the first one is.
    if (!pids.includes("1")) return { kind: "unknown", why: "the process table hides processes" };
    const processes = pids.flatMap((pid) => readProcess(Number(pid), alsoPid) ?? []);
    if (!processes.some(({ pid }) => pid === process.pid)) return { kind: "unknown", why: "we are not in the table" };
    return { kind: "read", processes };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return { kind: "unknown", why: `the process table cannot be read: ${error.code}` };
  }
}

/** Null where it has ended meanwhile. */
function readProcess(pid: number, alsoPid: number | null | "all"): SeenProcess | null {
  const stat = readStat(pid);
  if (stat === null) return null;
  const nothing = { arguments: null, executable: null, workingDirectory: null, mark: { kind: "unreadable" } } as const;
  if (stat.isZombie) return { ...stat, ...nothing };
  const entry = entryOf(stat);
  const commandLine = readIfAllowed(entry, "cmdline");
  const args = commandLine === null ? null : parseArguments(commandLine);
  const isWanted = alsoPid === "all" || alsoPid === pid || roleOf(stat.name, args) !== null;
  if (!isWanted) return { ...stat, ...nothing, arguments: args };
  return {
    ...stat,
    arguments: args,
    executable: readLink(entry, "exe"),
    workingDirectory: readLink(entry, "cwd"),
    mark: readMark(entry),
    ...readUser(entry),
  };
}

function readStat(pid: number): ProcessStat | null {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
    if (stat === null) throw Object.assign(new Error(`reading process ${pid}`), { code: "EINVAL", syscall: "parse" });
    return stat;
  } catch (error) {
    if (isFileError(error) && (error.code === "ENOENT" || error.code === "ESRCH")) return null;
    throw error;
  }
}

/** Where the kernel tells of a process. Its first thread tells nothing any more once it has ended, any other one all. */
function entryOf({ pid, state }: ProcessStat): string {
  if (state !== "Z" && state !== "X") return `${pid}`;
  try {
    const tasks = readdirSync(`/proc/${pid}/task`).filter((task) => task !== `${pid}`);
    const live = tasks.find(
      (task) => !/^[ZX]$/.test(parseStat(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8"))?.state ?? "Z"),
    );
    return live === undefined ? `${pid}` : `${pid}/task/${live}`;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return `${pid}`;
  }
}

function readUser(entry: string): { readonly userId?: number } {
  const userId = parseUserId(readIfAllowed(entry, "status") ?? "");
  return userId === null ? {} : { userId };
}

function readMark(entry: string): MarkReading {
  const environment = readIfAllowed(entry, "environ");
  return environment === null ? { kind: "unreadable" } : parseMark(environment);
}

function readIfAllowed(entry: string, file: "cmdline" | "environ" | "status"): string | null {
  try {
    return readFileSync(`/proc/${entry}/${file}`, "utf8");
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  }
}

function readLink(entry: string, link: "exe" | "cwd"): string | null {
  try {
    return readlinkSync(`/proc/${entry}/${link}`);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  }
}

function readByPs(): ProcessTable {
  const ps = spawnSync("ps", PS_ARGUMENTS, { encoding: "utf8", maxBuffer: PS_OUTPUT_BYTES_MAX });
  const processes = ps.status === 0 ? parsePs(ps.stdout) : null;
  if (processes === null) return { kind: "unknown", why: "ps did not list the processes" };
  return {
    kind: "read",
    processes: processes.map((one) => ({ ...one, executable: null, workingDirectory: null })),
  };
}
