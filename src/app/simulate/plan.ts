/** What `holdfast simulate` was asked for, as the worlds that are to be run. */
import type { RandomScenario } from "../../simulator/scenario/run-world.ts";
import { ALGORITHMS, type Algorithm, type ProviderWorld, type Scenario } from "../../simulator/scenario/scenario.ts";
import { CommandError } from "../commands/failure.ts";
import { WORLD_COUNT_MAX } from "./bounds.ts";
import { keepOnly, readKinds } from "./only-faults.ts";
import type { ReadScenario } from "./read-scenario.ts";
import type { WorldRun } from "./world-runs.ts";

/** First and last, both included. */
export interface SeedSpan {
  readonly from: number;
  readonly to: number;
}

export interface WorldsAsked {
  readonly seed?: number | undefined;
  readonly seeds?: SeedSpan | undefined;
  readonly worlds?: number | undefined;
  /** How long random worlds are. */
  readonly hours?: number | undefined;
  readonly algorithm?: Algorithm | undefined;
  readonly algorithms?: "all" | undefined;
  readonly provider?: ProviderWorld | undefined;
  /** Of the worlds' faults those of these kinds alone; `none` is none. */
  readonly only?: readonly string[] | undefined;
}

/** The worlds of one line of the comparison; all of them where nothing is compared. */
export interface Group {
  readonly name: string;
  readonly runs: readonly WorldRun[];
}

export interface Plan {
  readonly compares: "nothing" | "algorithms" | "settings";
  /** At least one; of a comparison each has the same worlds. */
  readonly groups: readonly Group[];
}

/**
 * @param files that were read; without one the worlds are random.
 * @throws {CommandError} `usage`: what was asked contradicts itself, or is more than the bound.
 */
export async function planWorlds(
  files: readonly ReadScenario[],
  asked: WorldsAsked,
  loadRandomScenario: () => Promise<RandomScenario>,
): Promise<Plan> {
  refuseContradictions(files, asked);
  const [file] = files;
  if (file !== undefined && files.length === 1 && file.settings.length > 0) return planSettings(file, asked);
  const bases = files.length > 0 ? basesOf(files, asked) : randomBases(asked, await loadRandomScenario());
  const runsWith = (algorithm: Algorithm | undefined) => bases.map((base) => runOf(base, asked, algorithm));
  if (asked.algorithms === "all") {
    const groups = ALGORITHMS.map((algorithm) => ({ name: algorithm, runs: runsWith(algorithm) }));
    return { compares: "algorithms", groups };
  }
  return { compares: "nothing", groups: [{ name: "all", runs: runsWith(asked.algorithm) }] };
}

interface Base {
  readonly scenario: Scenario;
  readonly seed: number;
  /** Null: it is random. */
  readonly file: string | null;
}

function basesOf(files: readonly ReadScenario[], asked: WorldsAsked): readonly Base[] {
  return files.flatMap((one) => seedsFor(asked, one.seed).map((seed) => baseOf(one, seed)));
}

function randomBases(asked: WorldsAsked, randomScenario: RandomScenario): readonly Base[] {
  return seedsFor(asked, 1).map((seed) => ({
    scenario: randomScenario(seed, asked.provider, asked.hours),
    seed,
    file: null,
  }));
}

function baseOf({ scenario, file }: ReadScenario, seed: number): Base {
  return { scenario, seed, file };
}

function runOf({ scenario, seed, file }: Base, asked: WorldsAsked, algorithm: Algorithm | undefined): WorldRun {
  const words = [
    "holdfast simulate",
    ...(file === null ? [] : [file]),
    `--seed ${seed}`,
    ...(asked.hours === undefined ? [] : [`--hours ${asked.hours}`]),
    ...(algorithm === undefined ? [] : [`--algorithm ${algorithm}`]),
    ...(asked.provider === undefined ? [] : [`--provider ${asked.provider}`]),
  ];
  const own = {
    ...scenario,
    algorithm: algorithm ?? scenario.algorithm,
    provider: asked.provider ?? scenario.provider,
  };
  const run: WorldRun = { scenario: own, seed, again: words.join(" ") };
  return asked.only === undefined ? run : keepOnly(run, readKinds(asked.only));
}

function planSettings(file: ReadScenario, asked: WorldsAsked): Plan {
  if (asked.algorithms === "all")
    throw usage("comparing", "the file compares settings already", "Remove its `settings`, or `--algorithms`.");
  const seeds = seedsFor(asked, file.seed);
  const groups = file.settings.map(({ name, pools }) => ({
    name,
    runs: seeds.map((seed) =>
      runOf(baseOf({ ...file, scenario: { ...file.scenario, pools } }, seed), asked, asked.algorithm),
    ),
  }));
  return { compares: "settings", groups };
}

function seedsFor({ seed, seeds, worlds }: WorldsAsked, own: number): readonly number[] {
  if (seeds !== undefined) return Array.from({ length: seeds.to - seeds.from + 1 }, (_, index) => seeds.from + index);
  if (worlds !== undefined) return Array.from({ length: worlds }, (_, index) => index + 1);
  return [seed ?? own];
}

function refuseContradictions(files: readonly ReadScenario[], asked: WorldsAsked): void {
  const { seed, seeds, worlds, hours, algorithm, algorithms } = asked;
  const attempted = "reading the options of `holdfast simulate`";
  const named = [seed !== undefined && "--seed", seeds !== undefined && "--seeds", worlds !== undefined && "--worlds"];
  const given = named.filter((name) => name !== false);
  if (given.length > 1) throw usage(attempted, `${given.join(" and ")} exclude each other`, "Say one of them.");
  if (worlds !== undefined && files.length > 0)
    throw usage(
      attempted,
      "--worlds makes random worlds, and a scenario is named",
      "Use `--seeds 1..N` with a scenario.",
    );
  if (hours !== undefined && files.length > 0)
    throw usage(attempted, "--hours is for random worlds, and a scenario is named", "Set the scenario's `duration`.");
  if (files.length === 0 && given.length === 0)
    throw usage(attempted, "no world is named", "Name a scenario, or say `--worlds N` for random ones.");
  if (algorithm !== undefined && algorithms !== undefined)
    throw usage(attempted, "--algorithm and --algorithms exclude each other", "Say one of them.");
  if (files.length > 1 && files.some(({ settings }) => settings.length > 0))
    throw usage(attempted, "several scenarios are named, and one compares settings", "Run that one alone.");
  const count = (seeds === undefined ? (worlds ?? 1) : seeds.to - seeds.from + 1) * Math.max(1, files.length);
  if (count > WORLD_COUNT_MAX)
    throw usage(attempted, `it would be ${count} worlds`, `Ask for ${WORLD_COUNT_MAX} at most.`);
}

function usage(attempted: string, wrong: string, mend: string): CommandError {
  return new CommandError(attempted, { code: "usage", wrong, mend });
}
