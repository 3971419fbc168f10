/** What is asked of one world alone: its report, its trace, and which of its faults a violation needs. */
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import { CommandError, EXIT, type ExitCode } from "../commands/failure.ts";
import { type CommandIo, coloursOf, widthOf } from "../terminal/io.ts";
import { kindsOf, shrink } from "./only-faults.ts";
import type { Plan } from "./plan.ts";
import { renderShrunk, renderWorld, type Screen } from "./report.ts";
import type { FinishedWorld } from "./totals.ts";
import { openTrace } from "./trace-file.ts";
import { runOne, type WorldRun } from "./world-runs.ts";

interface Telling {
  /** For programs. */
  readonly json: boolean;
  readonly io: CommandIo;
}

interface Means extends Telling {
  readonly runWorld: RunWorld;
}

/** @throws {CommandError} `usage`: more than one world is planned. */
export async function runTraced(plan: Plan, path: string, means: Means): Promise<ExitCode> {
  const run = onlyRunOf(plan, `writing the trace ${path}`, "--trace");
  const trace = openTrace(path, run.scenario.startMs);
  try {
    const result = await runOne(run, means.runWorld, trace.onEvent);
    return tellWorld({ result, startMs: run.scenario.startMs, again: run.again }, means);
  } finally {
    trace.close();
  }
}

/**
 * Reports the smallest world that was found; the world itself where it breaks nothing.
 * @throws {CommandError} `usage`: more than one world is planned.
 */
export async function runShrinking(plan: Plan, means: Means): Promise<ExitCode> {
  const run = onlyRunOf(plan, "shrinking a world", "--shrink");
  const { startMs } = run.scenario;
  const result = await runOne(run, means.runWorld);
  if (result.violations.length === 0) return tellWorld({ result, startMs, again: run.again }, means);
  const shrunk = await shrink({ run, result }, means.runWorld);
  const world = { result: shrunk.result, startMs, again: shrunk.run.again };
  const needed = { faults: kindsOf(shrunk.run), of: kindsOf(run).length, worlds: shrunk.worldCount };
  const screen = screenOf(means.io);
  means.io.stdout.write(
    means.json
      ? asJson({ ...shrunk.result, shrunk: { ...needed, from: run.again, again: world.again } })
      : `${renderWorld(world, screen)}${renderShrunk(needed, screen)}`,
  );
  return EXIT.failed;
}

/** @param flag that is for one world alone. */
function onlyRunOf(plan: Plan, attempted: string, flag: string): WorldRun {
  const [run, ...others] = plan.groups.flatMap(({ runs }) => runs);
  if (run !== undefined && others.length === 0) return run;
  const mend = `Name one scenario and one seed, or leave ${flag} out.`;
  throw new CommandError(attempted, { code: "usage", wrong: "there is more than one world", mend });
}

export function tellWorld(world: FinishedWorld, { json, io }: Telling): ExitCode {
  io.stdout.write(json ? asJson(world.result) : renderWorld(world, screenOf(io)));
  return world.result.violations.length === 0 ? EXIT.ok : EXIT.failed;
}

export function screenOf(io: CommandIo): Screen {
  return { colours: coloursOf(io), width: widthOf(io) };
}

export function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
