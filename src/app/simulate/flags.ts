/** `holdfast simulate` on the command line. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { ALGORITHMS, PROVIDERS } from "../../simulator/scenario/scenario.ts";
import type { SimulateOptions } from "../commands/simulate.ts";
import { openIo } from "../reading.ts";
import { HOUR_COUNT_MAX, PROCESS_COUNT_MAX, SEED_MAX, WORLD_COUNT_MAX } from "./bounds.ts";
import type { SeedSpan } from "./plan.ts";

const AFTER_HELP = `
Exit code 0 only if no invariant was broken. Examples:
  holdfast simulate incident.yaml                              one world, with a report
  holdfast simulate incident.yaml --algorithm flag-then-deregister
  holdfast simulate planning.yaml                              settings side by side, where the file has them
  holdfast simulate --worlds 100 --algorithms all              random worlds, ours against the others
  holdfast simulate --seed 41 --provider asg --shrink          which of its faults does a violation need?
  holdfast simulate --mutants all                              can the simulator find a broken guard?
The file: docs/guide/simulate.md, and every key in docs/reference/scenario.md.`;

export function addSimulate(program: Command, done: (exitCode: number) => void): void {
  program
    .command("simulate")
    .description(
      "the same decisions in a simulated world with faults: replay an incident, try a setting, look for harm",
    )
    .argument("[scenario...]", "scenario files (YAML); without one the worlds are random")
    .option("--seed <number>", "instead of the scenario's; without a scenario: that random world", parseSeed)
    .option("--seeds <span>", "one world for each seed, as in 1..20", parseSeeds)
    .option("--worlds <count>", "so many random worlds: seeds 1 to count", parseCount)
    .option("--hours <count>", "how long random worlds are; else 8", parseHours)
    .addOption(new Option("--algorithm <name>", "who runs the fleet").choices(ALGORITHMS))
    .addOption(new Option("--algorithms <which>", "each of them in the same worlds, in one table").choices(["all"]))
    .addOption(new Option("--provider <name>", "what starts the machines").choices(PROVIDERS))
    .option("--only <kinds>", "only faults of these kinds, with commas between them, or `none`", parseWords)
    .option("--shrink", "where the one world breaks an invariant: look for the few kinds of faults that it takes")
    .option("--mutants <which>", "try mutants of Holdfast instead: `all`, or one's name")
    .option("--processes <count>", "run so many worlds at a time; else as many as there are cores", parseProcesses)
    .option("--trace <file>", "write each event of the world as a line of JSON")
    .option("--json", "for programs")
    .addHelpText("after", AFTER_HELP)
    .action(async (files: string[], options: SimulateOptions) => {
      const { runSimulate } = await import("../commands/simulate.ts");
      done(await runSimulate(files, options, openIo()));
    });
}

function parseWords(text: string): readonly string[] {
  return text.split(",").map((word) => word.trim());
}

function parseSeed(text: string): number {
  return parseWhole(text, 0, SEED_MAX);
}

function parseCount(text: string): number {
  return parseWhole(text, 1, WORLD_COUNT_MAX);
}

function parseHours(text: string): number {
  return parseWhole(text, 1, HOUR_COUNT_MAX);
}

function parseProcesses(text: string): number {
  return parseWhole(text, 1, PROCESS_COUNT_MAX);
}

function parseSeeds(text: string): SeedSpan {
  const [, from = "", to = ""] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from === "") throw new InvalidArgumentError("It is not two seeds, as in 1..20.");
  const span = { from: parseSeed(from), to: parseSeed(to) };
  if (span.to < span.from) throw new InvalidArgumentError("The second seed is less than the first.");
  return span;
}

function parseWhole(text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`);
}
