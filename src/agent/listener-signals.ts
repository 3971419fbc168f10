/**
 * The three signals of the fence, each to exactly the listener that the journal names: its start time is compared right
 * before. What is left is the time of one system call in which its number would have to be given out again; Node has no
 * pidfd.
 */
import { areStopped } from "../domain/host/clean-look.ts";
import type { StartedProcess } from "../domain/host/journal.ts";
import { isFileError } from "./log.ts";
import { startTimeOf, taskStatesOf } from "./process-table.ts";

/** @returns whether it was sent. */
export function stopListener(listener: StartedProcess): boolean {
  return signal(listener, "SIGSTOP");
}

/** Safe at any time: a listener that runs does not notice. */
export function resumeListener(listener: StartedProcess): boolean {
  return signal(listener, "SIGCONT");
}

/**
 * Only one that is still stopped as a whole: somebody else may have resumed it since the look.
 * @returns whether it was sent.
 */
export function killStoppedListener(listener: StartedProcess): boolean {
  return areStopped(taskStatesOf(listener)) && signal(listener, "SIGKILL");
}

function signal({ pid, startTime }: StartedProcess, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): boolean {
  // Below these are groups, everybody, and the first process.
  if (!Number.isSafeInteger(pid) || pid <= 1 || startTimeOf(pid) !== startTime) return false;
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}
