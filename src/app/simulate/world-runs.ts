/** Runs worlds: one after the other in this process, or several at a time in processes of their own. */
import { type ChildProcess, fork } from "node:child_process";
import { invariant } from "../../domain/invariant.ts";
import type { WorldResult } from "../../simulator/scenario/result.ts";
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import type { Scenario } from "../../simulator/scenario/scenario.ts";
import { CommandError } from "../commands/failure.ts";

export interface WorldRun {
  readonly scenario: Scenario;
  readonly seed: number;
  /** The command that runs this world alone. */
  readonly again: string;
}

export interface RunMeans {
  readonly runWorld: RunWorld;
  /** At least 1; with 1 there is no other process. */
  readonly processCount: number;
  /** The module that exports `runWorld`, for other processes. */
  readonly module: URL;
  readonly onResult?: (result: WorldResult) => void;
}

/** What a process is sent, and what it answers. */
export interface WorldRequest {
  readonly scenario: Scenario;
  readonly seed: number;
}
export type WorldAnswer =
  | { readonly kind: "done"; readonly result: WorldResult }
  | { readonly kind: "failed"; readonly message: string };

export const PROCESS_COUNT_MAX = 64;
const PROGRAM = new URL("./world-process.ts", import.meta.url);
const STDERR_LENGTH_MAX = 600;

/**
 * In the order of `runs`, whichever is done first.
 * @throws {CommandError} `world-failed`, naming the seed: a world broke, or the process that ran it died.
 */
export function runWorlds(runs: readonly WorldRun[], means: RunMeans): Promise<readonly WorldResult[]> {
  const processCount = Math.min(means.processCount, runs.length, PROCESS_COUNT_MAX);
  return processCount <= 1 ? runHere(runs, means) : runInProcesses(runs, means, processCount);
}

async function runHere(runs: readonly WorldRun[], { runWorld, onResult }: RunMeans): Promise<readonly WorldResult[]> {
  const results: WorldResult[] = [];
  for (const run of runs) {
    const result = await runOne(run, runWorld);
    results.push(result);
    onResult?.(result);
  }
  return results;
}

/** @param onEvent see `RunWorld`. @throws {CommandError} `world-failed` */
export async function runOne(
  run: WorldRun,
  runWorld: RunWorld,
  onEvent?: Parameters<RunWorld>[1]["onEvent"],
): Promise<WorldResult> {
  try {
    return await runWorld(run.scenario, { seed: run.seed, ...(onEvent !== undefined && { onEvent }) });
  } catch (error) {
    throw failed(run, describeFailure(error), error);
  }
}

/** With the place where it broke: this is nobody's mistake but ours. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error.stack ?? error.message).slice(0, STDERR_LENGTH_MAX);
}

function failed(run: WorldRun, wrong: string, cause?: unknown): CommandError {
  const mend = `Report it with the scenario; \`${run.again}\` shows it again.`;
  return new CommandError(`running the world ${run.scenario.name} with seed ${run.seed}`, {
    code: "world-failed",
    wrong,
    mend,
    cause,
  });
}

async function runInProcesses(
  runs: readonly WorldRun[],
  { module, onResult }: RunMeans,
  processCount: number,
): Promise<readonly WorldResult[]> {
  const results: WorldResult[] = [];
  const queue = [...runs.entries()];
  const children = Array.from({ length: processCount }, () => startChild(module));
  const work = async (child: Child): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, run] = next;
      const result = await child.run(run);
      results[index] = result;
      onResult?.(result);
    }
  };
  try {
    await Promise.all(children.map(work));
  } finally {
    for (const child of children) child.end();
  }
  invariant(results.length === runs.length, "each world has its result");
  return results;
}

interface Child {
  run(run: WorldRun): Promise<WorldResult>;
  end(): void;
}

/** One process, which runs one world at a time. */
function startChild(module: URL): Child {
  const child = fork(PROGRAM, [module.href], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "advanced",
  });
  let stderr = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr = `${stderr}${bytes.toString("utf8")}`.slice(-STDERR_LENGTH_MAX);
  });
  const death = watchDeath(child);
  const run = async (one: WorldRun): Promise<WorldResult> => {
    const { scenario, seed } = one;
    const answered = new Promise<WorldAnswer>((resolve) =>
      child.once("message", (answer) => resolve(answer as WorldAnswer)),
    );
    const request: WorldRequest = { scenario, seed };
    // A process that is dead already takes no message; its death is told below.
    if (child.connected) child.send(request, () => {});
    const answer = await Promise.race([answered, death]);
    if (answer.kind === "done") return answer.result;
    const said = answer.kind === "died" ? `its process ended with ${answer.how}: ${stderr.trim()}` : answer.message;
    throw failed(one, said);
  };
  return { run, end: () => child.kill("SIGKILL") };
}

interface Death {
  readonly kind: "died";
  readonly how: string;
}

function watchDeath(child: ChildProcess): Promise<Death> {
  const { promise, resolve } = Promise.withResolvers<Death>();
  child.once("error", (error) => resolve({ kind: "died", how: error.message }));
  // When its last words are read.
  child.once("close", (code, signal) => resolve({ kind: "died", how: signal ?? `code ${code}` }));
  return promise;
}
