import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunnerFolder } from "../../src/simulator/runner/folder.ts";
import { signalProcess } from "../../src/simulator/runner/processes.ts";
import type { StandInSettings } from "../../src/simulator/runner/stand-in-settings.ts";
import type { SimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";

/** Runner folders and processes of one test file. `stopAll` ends what it started, and only that, by process id. */
export interface RunnerYard {
  /** A directory of its own, removed at the end. */
  folder(): string;
  /** Starts `bin/Runner.Listener run` with a new ephemeral registration of that name and label. */
  start(github: SimulatedGitHub, options?: StartOptions): Promise<RunnerProcess>;
  /** Starts a listener in a folder that is there already. */
  launch(root: string, environment: Record<string, string>): RunnerProcess;
  stopAll(): Promise<void>;
}

export interface StartOptions {
  readonly name?: string;
  readonly labels?: readonly string[];
  readonly settings?: StandInSettings;
  readonly isEphemeral?: boolean;
  readonly environment?: Record<string, string>;
}

export interface RunnerProcess {
  readonly root: string;
  readonly runnerId: number;
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** The listener's log, or all Worker logs. */
  log(kind?: "Runner" | "Worker"): string;
  /** Names of the counters, in order. */
  counters(kind?: "Runner" | "Worker"): readonly string[];
  /** Processes that run this root's Worker, zombies not counted. */
  workerPids(): readonly number[];
}

export const DEADLINE_MS = 15_000;

/** Resolves with the first value that is neither undefined, null nor false; looks again until the deadline. */
export async function eventually<Found>(
  what: string,
  look: () => Found | undefined | null | false,
  timeoutMs = DEADLINE_MS,
): Promise<Found> {
  const endMs = Date.now() + timeoutMs;
  while (true) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`waiting for ${what}: not so within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** Real times are for real runners. */
const QUICK: StandInSettings = { interruptGraceMs: 150, terminateGraceMs: 150, retryDelayMs: 50 };

let runnerCount = 0;

export function createRunnerYard(): RunnerYard {
  const folders: string[] = [];
  const started: RunnerProcess[] = [];
  const folder = (): string => {
    const made = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-runner-")));
    folders.push(made);
    return made;
  };
  const launch = (root: string, environment: Record<string, string>, runnerId = 0): RunnerProcess => {
    const child = spawn(join(root, "bin", "Runner.Listener"), ["run"], {
      cwd: root,
      env: { ...process.env, RUNNER_PERFLOG: root, ...environment },
      stdio: "ignore",
    });
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    const runner: RunnerProcess = {
      root,
      runnerId,
      child,
      pid: child.pid ?? 0,
      exited,
      log: (kind = "Runner") => readLogs(root, kind),
      counters: (kind = "Runner") => readCounters(root, kind),
      workerPids: () => findByArgument(join(root, "bin", "Runner.Worker")),
    };
    started.push(runner);
    return runner;
  };
  return {
    folder,
    launch,
    start: async (github, options = {}) => {
      runnerCount += 1;
      const root = folder();
      createRunnerFolder(root, { ...QUICK, ...options.settings });
      const { id, encodedJitConfig } = github.registerRunner({
        scope: { kind: "organization", organization: "acme" },
        name: options.name ?? `runner-${runnerCount}`,
        labels: options.labels ?? ["self-hosted"],
        groupId: 1,
        isEphemeral: options.isEphemeral ?? true,
      });
      const environment = { ...options.environment, ACTIONS_RUNNER_INPUT_JITCONFIG: encodedJitConfig };
      return launch(root, environment, id);
    },
    stopAll: async () => {
      for (const runner of started) {
        if (runner.child.exitCode === null && runner.child.signalCode === null) runner.child.kill("SIGKILL");
        await runner.exited;
      }
      await Promise.all(started.map(({ root }) => eventually("the end of a runner", () => endBelow(root))));
      for (const made of folders) rmSync(made, { recursive: true, force: true });
    },
  };
}

function readLogs(root: string, kind: "Runner" | "Worker"): string {
  const directory = join(root, "_diag");
  if (!existsSync(directory)) return "";
  const names = readdirSync(directory).filter((name) => name.startsWith(`${kind}_`));
  return names.map((name) => readFileSync(join(directory, name), "utf8")).join("");
}

function readCounters(root: string, kind: "Runner" | "Worker"): readonly string[] {
  const path = join(root, `${kind}.perf`);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => line.slice(0, line.indexOf(":")));
}

export function isAlive(pid: number): boolean {
  const stat = readProc(pid, "stat");
  return stat !== "" && !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Living processes with that argument. */
function findByArgument(argument: string): readonly number[] {
  return livingPids().filter((pid) => readProc(pid, "cmdline").split("\0").includes(argument));
}

/** Living processes that were started with this root's perf folder in their environment: listener, Worker, steps. */
function findBelow(root: string): readonly number[] {
  return livingPids().filter((pid) => readProc(pid, "environ").split("\0").includes(`RUNNER_PERFLOG=${root}`));
}

/** Ends what is left of that root; true when nothing is. Asked until then, since a dying Worker may still start a step. */
function endBelow(root: string): boolean {
  const left = findBelow(root);
  for (const pid of left) signalProcess(pid, "SIGKILL");
  return left.length === 0;
}

function livingPids(): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid));
}
