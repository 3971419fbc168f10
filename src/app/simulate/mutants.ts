/**
 * Every mutant in processes of its own: does the simulator find it? What a broken product shows counts only if the sound one
 * does not show it in the same world.
 */
import { type ExecFileException, execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { Mutant } from "../../simulator/mutants/mutant.ts";
import type { Seeds, SeedTried } from "../../simulator/mutants/trial.ts";
import type { Invariant } from "../../simulator/scenario/result.ts";
import { CommandError } from "../commands/failure.ts";

export interface MutantOutcome {
  readonly name: string;
  readonly source: string;
  readonly expected: Invariant;
  /** Any finds it; null: it survived. */
  readonly caughtBy: Invariant | null;
  readonly seedsTried: number;
  /** What was seen of it; where it survived, what kept it from being tried, or null. */
  readonly violation: string | null;
}

export interface MutantsRequest {
  /** All where it is null. */
  readonly names: readonly string[] | null;
  /** Worlds for each, at most. */
  readonly seedCount: number;
  /** Mutants that are tried at a time. */
  readonly concurrentMax: number;
  readonly onOutcome?: (outcome: MutantOutcome) => void;
  /** A process that takes longer for its seeds is ended; what it told until then counts. */
  readonly trialMaxMs?: number;
  /** Where they are: one file each. */
  readonly folder?: string;
  /** The module that exports `runWorld`. */
  readonly world?: URL;
}

const TRIAL_MAX_MS = 15 * MINUTE_MS;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;
const STDERR_LENGTH_MAX = 600;

const QUIET = ["--disable-warning=ExperimentalWarning"];
const HOOK = new URL("../../simulator/mutants/hook.ts", import.meta.url);
const TRIAL = join(import.meta.dirname, "mutant-trial.ts");
const WORLD = new URL("./run-world.ts", import.meta.url);
/** Mutants come with the repository, not with the package. */
const MUTANTS_FOLDER = join(import.meta.dirname, "..", "..", "..", "test", "mutants");

/** By their names, in the order of the alphabet. @throws {CommandError} `usage` where there are none, or one is not known. */
export function listMutants(names: readonly string[] | null, folder: string = MUTANTS_FOLDER): readonly string[] {
  const known = readNames(folder);
  if (known.length === 0) {
    const mend = "Run it in a checkout of Holdfast's repository: the package has no tests.";
    throw new CommandError("looking for mutants", { code: "usage", wrong: `there is none in ${folder}`, mend });
  }
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const mend = `Name one of: ${known.join(", ")}.`;
    throw new CommandError(`looking for the mutant ${unknown}`, { code: "usage", wrong: "there is none", mend });
  }
  return names ?? known;
}

function readNames(folder: string): readonly string[] {
  try {
    const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
    return files.map((file) => file.slice(0, -".ts".length)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** In the order of `listMutants`, whichever is done first. */
export async function runMutants(request: MutantsRequest): Promise<readonly MutantOutcome[]> {
  const { names, folder = MUTANTS_FOLDER, concurrentMax, onOutcome } = request;
  const queue = [...listMutants(names, folder).entries()];
  const outcomes: MutantOutcome[] = [];
  const workers = Array.from({ length: Math.min(concurrentMax, queue.length) }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, name] = next;
      const outcome = await tryOne(name, join(folder, `${name}.ts`), request);
      outcomes[index] = outcome;
      onOutcome?.(outcome);
    }
  });
  await Promise.all(workers);
  return outcomes;
}

async function tryOne(name: string, path: string, request: MutantsRequest): Promise<MutantOutcome> {
  const file = pathToFileURL(path);
  const { mutant } = (await import(file.href)) as { readonly mutant: Mutant };
  const { source, invariant: expected } = mutant;
  const survived = (seedsTried: number, violation: string | null): MutantOutcome => {
    return { name, source, expected, caughtBy: null, seedsTried, violation };
  };
  let remark: string | null = null;
  for (let from = 1; from <= request.seedCount; ) {
    const broken = await tryInProcess(file, { from, to: request.seedCount, stopsAfterMs: null }, request, HOOK);
    const last = broken.tried.at(-1);
    if (last === undefined || last.violations.length === 0)
      return survived(last?.seed ?? from - 1, broken.failure ?? remark);
    const { seed } = last;
    // What the sound product shows later in that world is no reason to doubt what was seen before.
    const stopsAfterMs = Math.max(...last.violations.map(({ atMs }) => atMs));
    const sound = await tryInProcess(file, { from: seed, to: seed, stopsAfterMs }, request, null);
    if (sound.failure !== null) return survived(seed, `the sound product was not tried: ${sound.failure}`);
    const found = findNew(last, sound.tried[0] ?? null, expected);
    if (found !== null)
      return { name, source, expected, caughtBy: found.invariant, seedsTried: seed, violation: found.what };
    remark = `the sound product shows the same in the world of seed ${seed}: ${last.violations[0]?.what}`;
    from = seed + 1;
  }
  return survived(request.seedCount, remark);
}

/** What the sound product does not break in the same world; of several the one that was expected. */
function findNew({ violations }: SeedTried, sound: SeedTried | null, expected: Invariant) {
  const known = new Set(sound?.violations.map(({ invariant }) => invariant));
  const found = violations.filter(({ invariant }) => !known.has(invariant));
  return found.find(({ invariant }) => invariant === expected) ?? found[0] ?? null;
}

interface Tried {
  readonly tried: readonly SeedTried[];
  /** Why it ended before its seeds did; null where it did not. */
  readonly failure: string | null;
}

/** @param hook null for the sound product. */
function tryInProcess(file: URL, seeds: Seeds, request: MutantsRequest, hook: URL | null): Promise<Tried> {
  const { world = WORLD, trialMaxMs = TRIAL_MAX_MS } = request;
  const planting = hook === null ? [] : ["--import", `${hook.href}?mutant=${encodeURIComponent(file.href)}`];
  const { from, to, stopsAfterMs } = seeds;
  const until = stopsAfterMs === null ? [] : [String(stopsAfterMs)];
  const program = [TRIAL, file.href, String(from), String(to), world.href, ...until];
  const limits = { timeout: trialMaxMs, maxBuffer: OUTPUT_MAX_BYTES };
  const { promise, resolve } = Promise.withResolvers<Tried>();
  execFile(process.execPath, [...QUIET, ...planting, ...program], limits, (error, stdout, stderr) => {
    // A line without its end was being written when the process was ended.
    const lines = stdout.split("\n").slice(0, -1);
    const tried = lines.map((line) => JSON.parse(line) as SeedTried);
    resolve({ tried, failure: error === null ? null : tellFailure(error, stderr, trialMaxMs) });
  });
  return promise;
}

function tellFailure({ code, signal, killed }: ExecFileException, stderr: string, trialMaxMs: number): string {
  if (killed === true) return `it took longer than ${trialMaxMs / SECOND_MS} seconds`;
  return `the process ended with ${signal ?? `code ${code}`}: ${stderr.trim().slice(-STDERR_LENGTH_MAX)}`;
}
