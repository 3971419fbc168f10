import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Signals a process that may have ended meanwhile. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error;
  }
}

/** The process and what it started, by parent, with SIGKILL; the descendants first, so that none is re-parented away. */
export function killProcessTree(pid: number): void {
  const parents = listProcesses();
  const kill = (parent: number): void => {
    for (const child of parents) if (child.parentPid === parent) kill(child.pid);
    signalProcess(parent, "SIGKILL");
  };
  kill(pid);
}

export interface ListedProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** May be cut short. */
  readonly name: string;
}

export function listProcesses(): readonly ListedProcess[] {
  return process.platform === "linux" ? listByProc() : listByPs();
}

function listByProc(): readonly ListedProcess[] {
  const found: ListedProcess[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    // `pid (name) state parent …`; a name may hold spaces and parentheses.
    const stat = readOrEmpty(`/proc/${entry}/stat`);
    const close = stat.lastIndexOf(")");
    if (close < 0) continue;
    const parentPid = Number(stat.slice(close + 2).split(" ")[1]);
    found.push({ pid: Number(entry), parentPid, name: stat.slice(stat.indexOf("(") + 1, close) });
  }
  return found;
}

function listByPs(): readonly ListedProcess[] {
  const { stdout } = spawnSync("ps", ["-axo", "pid=,ppid=,comm="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parentPid, name] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ pid: Number(pid), parentPid: Number(parentPid), name }];
  });
}

/** Whether the process was started with that variable. What cannot be read does not have it. */
export function hasVariable(pid: number, name: string, value: string): boolean {
  const wanted = `${name}=${value}`;
  if (process.platform === "linux") return readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(wanted);
  const { stdout } = spawnSync("ps", ["-p", String(pid), "-wwE", "-o", "command="], { encoding: "utf8" });
  return stdout.split(" ").includes(wanted);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended between the listing and now, or it is somebody else's.
    return "";
  }
}
