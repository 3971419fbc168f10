/**
 * Starts a ticket's runner: `bin/Runner.Listener run`, in a session of its own, with its output in a file, so that no end
 * of the agent reaches it. The ticket's secret goes through its environment and nowhere else.
 */
import { spawn } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { StartedProcess } from "../domain/host/journal.ts";
import { MARK_VARIABLE } from "../domain/host/settings.ts";
import { LISTENER_NAME } from "../domain/host/sight.ts";
import type { OfferedTicket } from "../domain/protocol.ts";
import { isFileError } from "./log.ts";
import { outputOf, type Places, perfOf } from "./places.ts";
import { startTimeOf } from "./process-table.ts";
import { claimRoot } from "./root.ts";
import { isRootUser, readEnvironment } from "./system.ts";

/** All that a runner inherits of the agent's environment. */
const INHERITED = ["PATH", "HOME", "USER", "LANG", "TMPDIR"] as const;

export interface RunnerStart {
  readonly places: Places;
  readonly ticket: OfferedTicket;
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
    return await spawnRunner(root, start);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return { kind: "not-started", why: `${error.syscall ?? "starting"} failed with ${error.code}` };
  }
}

async function spawnRunner(root: string, start: RunnerStart): Promise<RunnerStarted> {
  mkdirSync(perfOf(start.places, start.ticket.id), { recursive: true, mode: 0o700 });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const output = openSync(outputOf(start.places, start.ticket.id), flags, 0o600);
  try {
    const child = spawn(join(root, "bin", LISTENER_NAME), ["run"], {
      cwd: root,
      detached: true,
      stdio: ["ignore", output, output],
      env: environmentFor(start),
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

function environmentFor(start: RunnerStart): Record<string, string> {
  const own = readEnvironment();
  const environment: Record<string, string> = {};
  for (const name of INHERITED) if (own[name] !== undefined) environment[name] = own[name];
  Object.assign(environment, start.runnerEnvironment);
  environment[MARK_VARIABLE] = start.mark;
  environment.RUNNER_PERFLOG = perfOf(start.places, start.ticket.id);
  environment.ACTIONS_RUNNER_INPUT_JITCONFIG = start.ticket.jitConfig;
  if (isRootUser()) environment.RUNNER_ALLOW_RUNASROOT = "1";
  return environment;
}
