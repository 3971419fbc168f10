/**
 * `holdfast simulate`: the product's own decisions in a world of virtual time with faults. One world of a scenario, many of
 * chance, settings or algorithms side by side, or mutants of the product that the simulator has to find.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import { ConfigError } from "../config/problems.ts";
import { type SimulateParts, systemParts } from "../simulate/engine.ts";
import { asJson, runShrinking, runTraced, screenOf, tellWorld } from "../simulate/one-world.ts";
import { type Group, type Plan, planWorlds, type WorldsAsked } from "../simulate/plan.ts";
import { type ReadScenario, readScenario } from "../simulate/read-scenario.ts";
import { renderTotals, renderViolations } from "../simulate/report.ts";
import { type NamedTotals, renderAlgorithms, renderMutants, renderSettings } from "../simulate/tables.ts";
import { type FinishedWorld, sumUp } from "../simulate/totals.ts";
import { runWorlds } from "../simulate/world-runs.ts";
import type { CommandIo } from "../terminal/io.ts";
import { CommandError, EXIT, type ExitCode, telling } from "./failure.ts";

export interface SimulateOptions extends WorldsAsked {
  /** `all`, or one's name. */
  readonly mutants?: string | undefined;
  readonly json?: boolean | undefined;
  /** A file for the events of the one world that is run. */
  readonly trace?: string | undefined;
  readonly processes?: number | undefined;
  /** Whether a violation's world is tried without one kind of fault after the other. */
  readonly shrink?: boolean | undefined;
}

/** Of a mutant that shows in no world of so many seeds it is told that it survived. */
const MUTANT_SEED_COUNT = 20;

export function runSimulate(
  files: readonly string[],
  options: SimulateOptions,
  io: CommandIo,
  parts: SimulateParts = systemParts(),
): Promise<ExitCode> {
  return telling(io, options, async () => {
    if (options.mutants !== undefined) return tryMutants(options.mutants, files, options, io, parts);
    refuseBoth(options);
    const read = await readAll(files, options, io);
    if (read === null) return EXIT.usage;
    const plan = await planWorlds(read, options, parts.loadRandomScenario);
    const means = { json: options.json === true, io, runWorld: await parts.loadRunWorld() };
    if (options.trace !== undefined) return runTraced(plan, options.trace, means);
    return options.shrink === true ? runShrinking(plan, means) : runPlan(plan, options, io, parts);
  });
}

function refuseBoth({ trace, shrink }: SimulateOptions): void {
  if (trace === undefined || shrink !== true) return;
  const mend = "Shrink first, and trace the world that it found: its command is under `Again`.";
  const wrong = "--trace and --shrink exclude each other";
  throw new CommandError("reading the options of `holdfast simulate`", { code: "usage", wrong, mend });
}

/** For programs the problems of a file are the answer. @returns null after telling them. */
async function readAll(
  files: readonly string[],
  { json }: SimulateOptions,
  io: CommandIo,
): Promise<readonly ReadScenario[] | null> {
  const read: ReadScenario[] = [];
  for (const file of files) {
    try {
      read.push(await readScenario(file));
    } catch (error) {
      if (!(error instanceof ConfigError) || json !== true) throw error;
      io.stdout.write(asJson({ file, problems: error.problems }));
      return null;
    }
  }
  return read;
}

async function runPlan(plan: Plan, options: SimulateOptions, io: CommandIo, parts: SimulateParts): Promise<ExitCode> {
  const processes = options.processes ?? parts.processCount;
  const runs = plan.groups.flatMap((group) => group.runs);
  const beganMs = parts.clock.monotonicMs();
  const results = await runWorlds(runs, {
    runWorld: await parts.loadRunWorld(),
    processCount: processes,
    module: parts.worldModule,
    onResult: tellProgress(runs.length, io),
  });
  const worlds = runs.flatMap(({ scenario, again }, index) => {
    const result = results[index];
    return result === undefined ? [] : [{ result, startMs: scenario.startMs, again }];
  });
  const [only, ...others] = worlds;
  if (plan.compares === "nothing" && only !== undefined && others.length === 0)
    return tellWorld(only, { json: options.json === true, io });
  const minutes = (parts.clock.monotonicMs() - beganMs) / MINUTE_MS;
  const pace = { processes, minutes };
  return plan.compares === "nothing"
    ? tellMany(worlds, pace, options, io)
    : tellComparison(plan, worlds, pace, options, io);
}

interface Pace {
  readonly processes: number;
  readonly minutes: number;
}

function hoursPerMinute(simulatedHours: number, { minutes }: Pace): number {
  return minutes > 0 ? Math.round((simulatedHours / minutes) * 10) / 10 : 0;
}

function tellMany(worlds: readonly FinishedWorld[], pace: Pace, { json }: SimulateOptions, io: CommandIo): ExitCode {
  const totals = sumUp(worlds);
  const speed = { hoursPerMinute: hoursPerMinute(totals.simulatedHours, pace), processes: pace.processes };
  io.stdout.write(
    json === true
      ? asJson({ ...totals, ...speed, runs: worlds.map(({ result }) => describeRun(result)) })
      : renderTotals(worlds, totals, speed, screenOf(io)),
  );
  return totals.violations.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Enough to tell worlds apart, and whether one is what it was before. */
function describeRun({ scenario, seed, algorithm, jobs, machines, violations, digest }: FinishedWorld["result"]) {
  const { killedByUs } = jobs;
  return { scenario, seed, algorithm, killedByUs, leaked: machines.leaked, violations: violations.length, digest };
}

function tellComparison(
  { compares, groups }: Plan,
  worlds: readonly FinishedWorld[],
  pace: Pace,
  { json }: SimulateOptions,
  io: CommandIo,
): ExitCode {
  const rows = groups.map(
    ({ name, runs }, index): NamedTotals => ({ name, ...sumUp(worldsOf(groups, index, runs.length, worlds)) }),
  );
  const violations = rows.flatMap((row) => row.violations);
  if (json === true) {
    const all = sumUp(worlds);
    const speed = { hoursPerMinute: hoursPerMinute(all.simulatedHours, pace), processes: pace.processes };
    io.stdout.write(asJson({ compares, worlds: groups[0]?.runs.length ?? 0, ...speed, rows, violations }));
  } else {
    const screen = screenOf(io);
    const table = compares === "settings" ? renderSettings(rows, screen) : renderAlgorithms(rows, screen);
    const ours = violations.filter(({ algorithm }) => algorithm === "holdfast");
    const starts = new Map(worlds.map(({ again, startMs }) => [again, startMs]));
    // What other algorithms break is in their rows; ours is told in full.
    io.stdout.write(`${table}${renderViolations(ours, ({ again }) => starts.get(again) ?? 0, screen)}`);
  }
  return violations.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Worlds come in the order of the groups, one group after the other. */
function worldsOf(
  groups: readonly Group[],
  index: number,
  count: number,
  worlds: readonly FinishedWorld[],
): readonly FinishedWorld[] {
  const from = groups.slice(0, index).reduce((sum, { runs }) => sum + runs.length, 0);
  return worlds.slice(from, from + count);
}

const PROGRESS_LINES = 10;

/** On a terminal and for many worlds: a line from time to time, so that nobody thinks that it stands still. */
function tellProgress(total: number, io: CommandIo): () => void {
  const step = Math.ceil(total / PROGRESS_LINES);
  let done = 0;
  return () => {
    done += 1;
    if (io.isTTY && total > PROGRESS_LINES && done % step === 0 && done < total)
      io.stderr.write(`${done} of ${total} worlds\n`);
  };
}

async function tryMutants(
  which: string,
  files: readonly string[],
  options: SimulateOptions,
  io: CommandIo,
  parts: SimulateParts,
): Promise<ExitCode> {
  const { seeds, processes, json, mutants: _, ...others } = options;
  const hasOthers = Object.values(others).some((value) => value !== undefined);
  if (files.length > 0 || hasOthers || (seeds !== undefined && seeds.from !== 1)) {
    const mend = "Beside --mutants say only --seeds 1..N, --processes and --json: each mutant has worlds of its own.";
    throw new CommandError("trying mutants", { code: "usage", wrong: "the options do not go together", mend });
  }
  const runMutants = await parts.loadRunMutants();
  const rows = await runMutants({
    names: which === "all" ? null : [which],
    seedCount: seeds?.to ?? MUTANT_SEED_COUNT,
    concurrentMax: processes ?? parts.processCount,
    ...(io.isTTY && { onOutcome: ({ name, caughtBy }) => io.stderr.write(`${name}: ${caughtBy ?? "survived"}\n`) }),
  });
  const survivors = rows.filter(({ caughtBy }) => caughtBy === null).map(({ name }) => name);
  const found = rows.length - survivors.length;
  io.stdout.write(
    json === true ? asJson({ planted: rows.length, found, survivors, rows }) : renderMutants(rows, screenOf(io)),
  );
  return survivors.length === 0 ? EXIT.ok : EXIT.failed;
}
