/**
 * The main process of a process machine and of a pod. It starts the agent, starts it again whenever it ends other than by
 * saying that all is over (exit code 0), and ends then itself. Its own end, of whatever kind, ends nothing else: it signals
 * only the agent, and only with the SIGTERM that was sent to it.
 *
 *     node launcher.ts <machine folder> [<agent file>]
 *
 * Its first act is to claim the machine: the file `started`, which only one can make. A second launcher for the same
 * machine ends at once with 0; where the folder was taken away there is nothing to claim, and it ends with 1.
 *
 * Not done here: Node does not reap children that it did not start. Where this is the first process of a container, let the
 * container's runtime put an init in front of it (`docker run --init`, `shareProcessNamespace: true`).
 *
 * Node's `scheduler.wait` is the one timer here and `process.uptime` the one clock; there is nothing to simulate.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { scheduler } from "node:timers/promises";
import { MINUTE_MS, SECOND_MS } from "../domain/units.ts";

const PAUSE_MIN_MS = SECOND_MS;
const PAUSE_MAX_MS = 30 * SECOND_MS;
/** An agent that ran for so long was well: the next pause is the shortest again. */
const WELL_AFTER_MS = MINUTE_MS;
/**
 * An agent that was started when the end had been asked for already is told so after this time: told at once, before it
 * listens for signals, it would die of it.
 */
const TELL_AGAIN_AFTER_MS = 3 * SECOND_MS;

let agent: ChildProcess | null = null;
let isEndAskedFor = false;
let pause = new AbortController();

/** Durable before the agent starts: after a power cut the machine is known to have run. */
function claim(machineDirectory: string): boolean {
  try {
    const claimFile = openSync(join(machineDirectory, "started"), "wx", 0o600);
    writeSync(claimFile, `${process.pid}\n`);
    fsyncSync(claimFile);
    closeSync(claimFile);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  const folder = openSync(machineDirectory, "r");
  fsyncSync(folder);
  closeSync(folder);
  return true;
}

function askForEnd(): void {
  isEndAskedFor = true;
  agent?.kill("SIGTERM");
  pause.abort();
}

/** The launcher goes on where nothing can be written: a full disk must not end what watches over the agent. */
function tell(line: string): void {
  try {
    writeSync(process.stderr.fd, `${line}\n`);
  } catch {
    // Nowhere left to say it.
  }
}

/** A log that cannot be written, a full disk for example, is no reason not to run. */
function openLog(machineDirectory: string): number | null {
  try {
    return openSync(join(machineDirectory, "agent.log"), "a", 0o600);
  } catch (error) {
    tell(`opening agent.log: ${String(error)}`);
    return null;
  }
}

async function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  await scheduler.wait(durationMs, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function tellAgain(restarted: ChildProcess, isOver: AbortSignal): Promise<void> {
  await wait(TELL_AGAIN_AFTER_MS, isOver);
  if (!isOver.aborted) restarted.kill("SIGTERM");
}

/** Runs the agent once. @returns how it ended: "0", another exit code, a signal's name or an error's text. */
async function runAgent(machineDirectory: string, agentFile: string): Promise<string> {
  const log = openLog(machineDirectory);
  const output = log ?? "ignore";
  const started = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", agentFile], {
    cwd: machineDirectory,
    stdio: ["ignore", output, output],
  });
  if (log !== null) closeSync(log);
  agent = started;
  const over = new AbortController();
  const telling = isEndAskedFor ? tellAgain(started, over.signal) : null;
  try {
    const [code, signal] = await once(started, "exit");
    return String(code ?? signal);
  } catch (error) {
    // It could not be started at all: no memory, no process to be had.
    return String(error);
  } finally {
    agent = null;
    over.abort();
    await telling;
  }
}

async function superviseAgent(machineDirectory: string, agentFile: string): Promise<void> {
  let pauseMs = PAUSE_MIN_MS;
  for (;;) {
    const startedAtMs = process.uptime() * SECOND_MS;
    const end = await runAgent(machineDirectory, agentFile);
    if (end === "0") return;
    if (process.uptime() * SECOND_MS - startedAtMs >= WELL_AFTER_MS) pauseMs = PAUSE_MIN_MS;
    tell(`the agent ended with ${end}, starting it again in ${pauseMs / SECOND_MS} s`);
    await wait(pauseMs, pause.signal);
    pause = new AbortController();
    pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
  }
}

const [machineDirectory, agentFile] = process.argv.slice(2);
if (machineDirectory === undefined) throw new Error("usage: launcher.ts <machine folder> [<agent file>]");
process.on("SIGTERM", askForEnd);
process.on("SIGINT", askForEnd);
if (claim(machineDirectory)) {
  const ownAgent = join(dirname(import.meta.filename), `main${extname(import.meta.filename)}`);
  await superviseAgent(machineDirectory, agentFile ?? ownAgent);
}
