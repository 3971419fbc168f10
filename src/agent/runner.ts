/**
 * Starts a ticket's runner: `bin/Runner.Listener run`, in a session of its own, with its output in a file, so that no end
 * of the agent reaches it. The ticket's secret goes through its environment and nowhere else.
 */
import { spawn } from "node:child_process";
import { chownSync, closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { StartedProcess } from "../domain/host/journal.ts";
import { MARK_VARIABLE } from "../domain/host/settings.ts";
import { LISTENER_NAME } from "../domain/host/sight.ts";
import type { OfferedTicket } from "../domain/protocol.ts";
import type { Account } from "./account.ts";
import { AccountError, type RunnerHost } from "./ground.ts";
import { isFileError } from "./log.ts";
import { outputOf, type Places, perfOf } from "./places.ts";
import { startTimeOf } from "./process-table.ts";
import { claimRoot } from "./root.ts";
import { isRootUser, readEnvironment } from "./system.ts";

export interface RunnerStart {
  readonly places: Places;
  readonly ticket: OfferedTicket;
  readonly host: RunnerHost;
  readonly mark: string;
  readonly runnerEnvironment: Readonly<Record<string, string>>;
  readonly onExit: (exit: {
    readonly pid: number;
    readonly exitCode: number | null;
    readonly signal: string | null;
  }) => void;
}

export type RunnerStarted =
  | { readonly kind: "started"; readonly process: StartedProcess }
  /** No process came to be. */
  | { readonly kind: "not-started"; readonly why: string };

export async function startRunner(start: RunnerStart): Promise<RunnerStarted> {
  try {
    const root = await claimRoot(start.places, start.ticket.id);
    const wrap = await start.host.wrap(start.ticket.id);
    return await spawnRunner(root, wrap, start);
  } catch (error) {
    if (error instanceof AccountError) return { kind: "not-started", why: error.message };
    if (!isFileError(error)) throw error;
    return { kind: "not-started", why: `${error.syscall ?? "starting"} failed with ${error.code}` };
  }
}

async function spawnRunner(root: string, wrap: readonly string[], start: RunnerStart): Promise<RunnerStarted> {
  const owner = start.host.findOwner();
  const perf = perfOf(start.places, start.ticket.id);
  mkdirSync(perf, { recursive: true, mode: 0o700 });
  if (owner !== null) chownSync(perf, owner.userId, owner.groupId);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const output = openSync(outputOf(start.places, start.ticket.id), flags, 0o600);
  try {
    const listener = join(root, "bin", LISTENER_NAME);
    const [program = listener, ...args] = [...wrap, listener, "run"];
    const child = spawn(program, args, {
      // From its first moment on it is seen as the listener that it will be.
      argv0: listener,
      cwd: root,
      detached: true,
      stdio: ["ignore", output, output],
      env: environmentFor(start, owner),
    });
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once("error", resolve));
      return { kind: "not-started", why: `spawn failed with ${error.code ?? "no code"}` };
    }
    // It is not reaped before its exit is heard of, so its entry is there even if it has ended already.
    const startTime = startTimeOf(pid) ?? "unknown";
    child.once("exit", (exitCode, signal) => start.onExit({ pid, exitCode, signal }));
    child.on("error", () => {});
    child.unref();
    return { kind: "started", process: { pid, startTime } };
  } finally {
    closeSync(output);
  }
}

function environmentFor(start: RunnerStart, owner: Account | null): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(readEnvironment()))
    if (value !== undefined && start.host.inherits(name)) environment[name] = value;
  if (owner !== null) Object.assign(environment, { HOME: owner.home, USER: owner.name, LOGNAME: owner.name });
  Object.assign(environment, start.runnerEnvironment);
  environment[MARK_VARIABLE] = start.mark;
  environment.RUNNER_PERFLOG = perfOf(start.places, start.ticket.id);
  environment.ACTIONS_RUNNER_INPUT_JITCONFIG = start.ticket.jitConfig;
  if (owner === null ? isRootUser() : owner.userId === 0) environment.RUNNER_ALLOW_RUNASROOT = "1";
  return environment;
}
