/**
 * The other side of a closed fence: it sees to it that a stopped listener does not stay stopped, whatever becomes of the
 * agent.
 *
 *     node watchdog.ts <fence's folder> <listener's pid> <its start time>
 *
 * It claims the resume when its pipe from the agent closes, when it is asked to end, or after `RESUME_AFTER_MS`. Where the
 * agent was first with the kill, it waits for the agent's end, and finishes the kill if the listener is still there; where
 * the agent was first with the resume there is nothing left to do. It lives for `RESUME_AFTER_MS + KILL_PATIENCE_MS` and a
 * moment at most, in a session of its own and without the machine's mark.
 *
 * Few imports: nothing is stopped before it says that it is ready.
 */
import type { StartedProcess } from "../domain/host/journal.ts";
import { giveUpKill, readClaim, takeClaim } from "./fence-claim.ts";
import { killStoppedListener, resumeListener } from "./listener-signals.ts";
import { isAlive } from "./process-table.ts";
import { system } from "./system.ts";

/** Of monotonic time, from when it is ready. */
const RESUME_AFTER_MS = 5_000;
/** How long an agent that holds the kill and lives may take to do it. */
const KILL_PATIENCE_MS = 5_000;
/** A process that was killed may be seen for a moment longer. */
const DYING_MS = 200;

/** Aborts when the agent is gone, or done. */
function watchAgent(): AbortSignal {
  const gone = new AbortController();
  const end = () => gone.abort();
  for (const event of ["end", "close", "error"]) process.stdin.on(event, end);
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, end);
  // An agent that died does not read that we are ready.
  process.stdout.on("error", end);
  process.stdin.resume();
  return gone.signal;
}

async function finishKill(folder: string, listener: StartedProcess, agentGone: AbortSignal): Promise<void> {
  await system.sleep(KILL_PATIENCE_MS, agentGone);
  // Whoever holds the kill may have given it up.
  if (readClaim(folder) === "kill" && killStoppedListener(listener)) return;
  await system.sleep(DYING_MS);
  if (!isAlive(listener)) return;
  // It is there and not stopped: somebody resumed it, and it may have a job by now.
  giveUpKill(folder);
  resumeListener(listener);
}

async function guard(folder: string, listener: StartedProcess): Promise<void> {
  const agentGone = watchAgent();
  process.stdout.write("ready\n");
  await system.sleep(RESUME_AFTER_MS, agentGone);
  if (takeClaim(folder, "resume")) resumeListener(listener);
  else if (readClaim(folder) === "kill") await finishKill(folder, listener, agentGone);
}

const [folder, pid, startTime] = process.argv.slice(2);
if (folder === undefined || startTime === undefined) throw new Error("usage: watchdog.ts <folder> <pid> <start time>");
await guard(folder, { pid: Number(pid), startTime });
process.exit(0);
