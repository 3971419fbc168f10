/**
 * The process table of macOS, read by `ps`. Written from ps(1) and never run on macOS: the parsing is tested on a sample
 * that was written by hand after the manual. Weaker than Linux: the start time has whole seconds, sessions are not told,
 * and the environment of programs that macOS protects is not shown (they are found through their ancestors).
 */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import {
  isSameProcess,
  type MachineSignal,
  type ProcessEntry,
  type ProcessTable,
  type SignalOutcome,
} from "./process-table.ts";
import { isSystemError } from "./system-errors.ts";

const PS = "/bin/ps";
const COLUMNS = ["-o", "pid=", "-o", "ppid=", "-o", "stat=", "-o", "lstart=", "-o", "command="];
/** The C locale fixes the shape of the start time. */
const OPTIONS = { env: { LC_ALL: "C" }, maxBuffer: 256 * 1024 * 1024, timeout: 10_000, encoding: "utf8" } as const;

const LINE = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+\d\d:\d\d:\d\d\s+\d{4})\s+(.*)$/;

interface PsLine {
  readonly pid: number;
  readonly parentPid: number;
  readonly isZombie: boolean;
  readonly startedAt: number;
  readonly command: string;
}

export function macProcesses(markVariable: string): ProcessTable {
  return {
    async read() {
      const run = promisify(execFile);
      const bare = await run(PS, ["-axww", ...COLUMNS], OPTIONS);
      const full = await run(PS, ["-axwwE", ...COLUMNS], OPTIONS);
      return parseProcesses(bare.stdout, full.stdout, markVariable);
    },
    signal: signalProcess,
  };
}

/**
 * With `-E` the environment follows the command on the same line, and only what follows it may be read for the mark: a
 * command line that merely speaks of the mark has none. Hence the two outputs, without and with the environment. A
 * process that is in one only, or changed its command between them, has an unreadable mark in this look.
 */
export function parseProcesses(bare: string, full: string, markVariable: string): readonly ProcessEntry[] {
  const commands = new Map(parseLines(bare).map((line) => [`${line.pid}@${line.startedAt}`, line.command]));
  const variable = new RegExp(`(?:^| )${markVariable}=(\\S+)`);
  return parseLines(full)
    .filter((line) => !line.isZombie)
    .map(({ pid, parentPid, startedAt, command }) => {
      const bareCommand = commands.get(`${pid}@${startedAt}`);
      const isKnown = bareCommand !== undefined && command.startsWith(bareCommand);
      const environment = isKnown ? command.slice(bareCommand.length) : "";
      return { pid, parentPid, sessionId: null, startedAt, mark: variable.exec(environment)?.[1] ?? null };
    });
}

function parseLines(output: string): readonly PsLine[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const [, pid, parentPid, stat, start, command] = LINE.exec(line) ?? [];
      // The rest of a command line with a line feed in it: its process has a line of its own above.
      if (pid === undefined || stat === undefined || start === undefined) return [];
      return {
        pid: Number(pid),
        parentPid: Number(parentPid),
        isZombie: stat.startsWith("Z"),
        startedAt: Date.parse(start),
        command: (command ?? "").trimEnd(),
      };
    });
}

function signalProcess(entry: ProcessEntry, signal: MachineSignal): SignalOutcome {
  if (entry.pid <= 1 || entry.pid === process.pid) return "refused";
  try {
    const start = execFileSync(PS, ["-o", "lstart=", "-p", String(entry.pid)], OPTIONS).trim();
    if (!isSameProcess(entry, { pid: entry.pid, startedAt: Date.parse(start) })) return "ended";
    process.kill(entry.pid, signal);
    return "sent";
  } catch (error) {
    if (isSystemError(error, "ESRCH")) return "ended";
    if (isSystemError(error, "EPERM")) return "refused";
    // ps ends with 1 where the process does not exist.
    if (error instanceof Error && "status" in error && error.status === 1) return "ended";
    throw error;
  }
}
