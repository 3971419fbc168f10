/** Ends what is left of jobs that are over: processes that carry this machine's mark and are neither agent nor runner. */
import type { StartedProcess } from "../domain/host/journal.ts";
import { type Belongings, findLeftovers, lineageOf } from "../domain/host/sight.ts";
import { isFileError } from "./log.ts";
import { readProcessTable, startTimeOf } from "./process-table.ts";
import type { System } from "./system.ts";

/** Leftovers may start others while they are being ended; what is there after so many rounds is not going. */
const ROUNDS_MAX = 50;
const ROUND_PAUSE_MS = 100;

export type Clearing =
  | { readonly kind: "cleared"; readonly killedCount: number }
  /** Nothing, or not everything, was ended. */
  | { readonly kind: "not-cleared"; readonly why: string };

/** Each round looks anew, and touches nothing while it sees something of a runner or cannot look. */
export async function clearLeftovers(ours: Belongings, system: System): Promise<Clearing> {
  const killed = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const table = readProcessTable("all");
    if (table.kind === "unknown") return { kind: "not-cleared", why: table.why };
    const leftovers = findLeftovers(table.processes, ours, lineageOf(process.pid, table.processes));
    if (leftovers.kind === "runner-there") return { kind: "not-cleared", why: leftovers.why };
    if (leftovers.processes.length === 0) return { kind: "cleared", killedCount: killed.size };
    for (const leftover of leftovers.processes) {
      kill(leftover);
      killed.add(`${leftover.pid} ${leftover.startTime}`);
    }
    await system.sleep(ROUND_PAUSE_MS);
  }
  return { kind: "not-cleared", why: `${killed.size} processes do not end` };
}

/** The start time is compared right before: a number may have passed on to somebody else. */
function kill(leftover: StartedProcess): void {
  if (startTimeOf(leftover.pid) !== leftover.startTime) return;
  try {
    process.kill(leftover.pid, "SIGKILL");
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}
