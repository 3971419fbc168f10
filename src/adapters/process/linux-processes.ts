/**
 * The process table of Linux, read from `/proc`. Run on Linux 6.18 as root, by the tests of this folder.
 *
 * What may not be read: the environment of another user's process, and of one that made itself unreadable (setuid
 * programs, `ssh-agent`). Such a process has no mark of its own; it is found while one of its ancestors is known.
 */
import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { mapParallel } from "./parallel.ts";
import {
  findVariable,
  isSameProcess,
  type MachineSignal,
  type ProcessEntry,
  type ProcessStat,
  type ProcessTable,
  parseStat,
  type SignalOutcome,
} from "./process-table.ts";
import { isSystemError } from "./system-errors.ts";

const READS_AT_ONCE = 16;

/** @param markVariable the environment variable whose value is the mark. @param proc another place in tests. */
export function linuxProcesses(markVariable: string, proc = "/proc"): ProcessTable {
  return {
    async read() {
      const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
      // A /proc that is not mounted would look like a host without processes; one that hides other users' processes
      // (`hidepid`) does not show the first one, and would hide what a job started as another user.
      if (!pids.includes(String(process.pid)) || !pids.includes("1"))
        throw new Error(`${proc} does not show every process (is it mounted with hidepid?)`);
      const entries = await mapParallel(pids, READS_AT_ONCE, (pid) => readProcess(proc, pid, markVariable));
      return entries.filter((entry) => entry !== null);
    },
    signal: (entry, signal) => signalProcess(proc, entry, signal),
  };
}

/**
 * The start is read before the environment: if it is still the same when the process is signalled, the pid was this one
 * process all the while, and the mark its own. The other way round a new owner of the pid could inherit the old one's mark.
 */
async function readProcess(proc: string, pid: string, markVariable: string): Promise<ProcessEntry | null> {
  const text = await readOwnFile(readFile(`${proc}/${pid}/stat`, "utf8"));
  const stat = text === "ended" || text === "refused" ? null : parseStat(text);
  if (stat === null || stat.isZombie) {
    if (text === "ended" || stat?.isZombie) return null;
    throw new Error(`${proc}/${pid}/stat is unreadable or of an unknown shape`);
  }
  const mark = await readMark(proc, stat, markVariable);
  if (mark === "ended") return null;
  const { parentPid, sessionId, startedAt } = stat;
  return { pid: stat.pid, parentPid, sessionId, startedAt, mark: mark === "refused" ? null : mark.value };
}

async function readMark(
  proc: string,
  stat: ProcessStat,
  markVariable: string,
): Promise<"ended" | "refused" | { readonly value: string | null }> {
  const block = await readOwnFile(readFile(`${proc}/${stat.pid}/environ`, "latin1"));
  if (block === "ended" || block === "refused") return block;
  if (block !== "") return { value: findVariable(block, markVariable) };
  // Empty: a kernel thread, an empty environment, or a first thread that ended alone: then the others have it.
  const tasks = await readOwnFile(readdir(`${proc}/${stat.pid}/task`));
  if (tasks === "ended" || tasks === "refused") return tasks;
  for (const task of tasks) {
    if (task === String(stat.pid)) continue;
    const taskBlock = await readOwnFile(readFile(`${proc}/${stat.pid}/task/${task}/environ`, "latin1"));
    if (taskBlock !== "ended" && taskBlock !== "refused" && taskBlock !== "")
      return { value: findVariable(taskBlock, markVariable) };
  }
  return { value: null };
}

async function readOwnFile<Value>(attempt: Promise<Value>): Promise<Value | "ended" | "refused"> {
  try {
    return await attempt;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ESRCH")) return "ended";
    if (isSystemError(error, "EACCES", "EPERM")) return "refused";
    throw error;
  }
}

function signalProcess(proc: string, entry: ProcessEntry, signal: MachineSignal): SignalOutcome {
  if (entry.pid <= 1 || entry.pid === process.pid) return "refused";
  try {
    const now = parseStat(readFileSync(`${proc}/${entry.pid}/stat`, "utf8"));
    if (now === null || now.isZombie || !isSameProcess(entry, now)) return "ended";
    process.kill(entry.pid, signal);
    return "sent";
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ESRCH")) return "ended";
    if (isSystemError(error, "EACCES", "EPERM")) return "refused";
    throw error;
  }
}
