/** One agent at a time: the launcher sees to it, and this file for the case that it does not. */
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isFileError } from "./log.ts";
import { startTimeOf } from "./process-table.ts";

const TRIES_MAX = 3;

/**
 * Takes the lock of a machine's folder for this process, for as long as it lives.
 * @returns false where another agent that is alive holds it.
 */
export function takeLock(directory: string): boolean {
  const path = join(directory, "agent.lock");
  const own = holderOf(process.pid);
  const draft = join(directory, `agent.lock.${process.pid}`);
  try {
    writeFileSync(draft, own, { mode: 0o600 });
    for (let tryCount = 0; tryCount < TRIES_MAX; tryCount += 1) {
      if (link(draft, path)) return readFileSync(path, "utf8") === own;
      const holder = readFileSync(path, "utf8");
      const pid = Number(holder.split(" ")[0]);
      if (Number.isSafeInteger(pid) && pid > 0 && holderOf(pid) === holder) return holder === own;
      rmSync(path, { force: true });
    }
    return false;
  } catch (error) {
    // A full disk must not keep the agent from a job that runs: the launcher starts one agent at a time.
    if (!isFileError(error) || error.code !== "ENOSPC") throw error;
    return !isHeld(path);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Whether the lock names an agent that lives. */
function isHeld(path: string): boolean {
  if (!existsSync(path)) return false;
  const holder = readFileSync(path, "utf8");
  return holderOf(Number(holder.split(" ")[0])) === holder;
}

/** Pid and start time: a later process with the same number is not the holder. */
function holderOf(pid: number): string {
  return `${pid} ${startTimeOf(pid) ?? "ended"}`;
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isFileError(error) && error.code === "EEXIST") return false;
    throw error;
  }
}
