/**
 * What goes wrong inside an agent, at an instant that no signal from outside would meet: loaded before the agent itself, by
 * `NODE_OPTIONS`. The agent is the real one; only `AGENT_TROUBLE` is done to it, once, right after the first clean look
 * behind its fence: the listener is stopped, nothing is decided yet.
 */
import fs, { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { Lookout } from "../../src/agent/lookout.ts";
import { isAlive, startTimeOf, taskStatesOf } from "../../src/agent/process-table.ts";
import { system } from "../../src/agent/system.ts";
import { areStopped, whyNotClean } from "../../src/domain/host/clean-look.ts";
import type { StartedProcess } from "../../src/domain/host/journal.ts";

export type Trouble =
  | "agent-stopped"
  /** Its watchdog first, so that neither decides anything before both go on. */
  | "agent-and-watchdog-stopped"
  | "agent-killed"
  | "watchdog-killed"
  /** Nothing can be written from then on, in this agent's life. */
  | "disk-full"
  /** The folders that the runner writes to are full, from the start. */
  | "no-room"
  /** Half a minute of this agent's is a quarter of an hour. */
  | "clock-quick";

const CLOCK_FACTOR = 30;
const LOOKS_MAX = 100_000;

const { AGENT_TROUBLE: trouble, AGENT_TROUBLE_MARK: mark = "" } = process.env;
const lookBehindFence = Lookout.prototype.lookBehindFence;

Lookout.prototype.lookBehindFence = function (this: Lookout, ticketId, listener) {
  const look = lookBehindFence.call(this, ticketId, listener);
  if (whyNotClean(look) === null && canStrike() && isFirst()) strike();
  return look;
};

if (trouble === "no-room") {
  const { statfsSync } = fs;
  const full = (path: fs.PathLike) => ({ ...statfsSync(path), bavail: 0 });
  fs.statfsSync = full as typeof statfsSync;
  syncBuiltinESMExports();
}

if (trouble === "clock-quick") {
  const { monotonicMs } = system;
  Object.assign(system, { monotonicMs: () => monotonicMs() * CLOCK_FACTOR });
}

/** Not where the watchdog has ended: the fence opens, and is closed anew. */
function canStrike(): boolean {
  return trouble !== "agent-and-watchdog-stopped" || existsSync(mark) || stopWatchdogs();
}

function isFirst(): boolean {
  try {
    writeFileSync(mark, "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

function strike(): void {
  if (trouble === "agent-stopped" || trouble === "agent-and-watchdog-stopped") process.kill(process.pid, "SIGSTOP");
  if (trouble === "agent-killed") process.kill(process.pid, "SIGKILL");
  if (trouble === "watchdog-killed") killWatchdogs();
  if (trouble !== "disk-full") return;
  fs.writeSync = () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  };
  syncBuiltinESMExports();
}

/** And sees them dead: until then the agent may take one for alive. */
function killWatchdogs(): void {
  const found = watchdogs();
  for (const { pid } of found) process.kill(pid, "SIGKILL");
  for (let count = 0; count < LOOKS_MAX && found.some(isAlive); count += 1);
}

/** @returns whether there is one, and it stands still. */
function stopWatchdogs(): boolean {
  const found = watchdogs();
  for (const { pid } of found) process.kill(pid, "SIGSTOP");
  const isStill = (watchdog: StartedProcess) => areStopped(taskStatesOf(watchdog));
  for (let count = 0; count < LOOKS_MAX && found.some(isAlive) && !found.every(isStill); count += 1);
  return found.length > 0 && found.every(isStill);
}

/** Children of this agent that are no runner. */
function watchdogs(): readonly StartedProcess[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        return parent === process.pid && readFileSync(`/proc/${name}/cmdline`, "utf8").includes("watchdog");
      } catch {
        return false;
      }
    })
    .map(Number);
  return pids.map((pid) => ({ pid, startTime: startTimeOf(pid) ?? "" }));
}
