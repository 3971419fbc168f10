/** Worlds with some of their faults only, and which of them a violation takes. */
import type { FaultKind } from "../../simulator/scenario/fault.ts";
import type { WorldResult } from "../../simulator/scenario/result.ts";
import type { RunWorld } from "../../simulator/scenario/run-world.ts";
import { CommandError } from "../commands/failure.ts";
import { nearestOf } from "../config/issues.ts";
import { SCENARIO_REFERENCE } from "./read-faults.ts";
import { FAULT_KINDS } from "./schema-faults.ts";
import { runOne, type WorldRun } from "./world-runs.ts";

/** Said alone, in place of any kind. */
const NONE = "none";

/** @throws {CommandError} `usage`: a word that is no kind of fault. */
export function readKinds(words: readonly string[]): readonly FaultKind[] {
  if (words.length === 1 && words[0] === NONE) return [];
  return words.map((word) => {
    const known = FAULT_KINDS.find((kind) => kind === word);
    if (known !== undefined) return known;
    const nearest = nearestOf(word, FAULT_KINDS);
    const mend = nearest === null ? `The kinds are in ${SCENARIO_REFERENCE}.` : `Did you mean \`${nearest}\`?`;
    throw new CommandError("reading the kinds of --only", {
      code: "usage",
      wrong: `\`${word}\` is not a kind of fault`,
      mend,
    });
  });
}

/** The same world with the faults of these kinds only; what else is drawn in it has streams of its own, and stays. */
export function keepOnly(run: WorldRun, kinds: readonly FaultKind[]): WorldRun {
  const faults = run.scenario.faults.filter(({ kind }) => kinds.includes(kind));
  const words = kinds.length === 0 ? NONE : kinds.join(",");
  return { ...run, scenario: { ...run.scenario, faults }, again: `${run.again} --only ${words}` };
}

export function kindsOf({ scenario }: WorldRun): readonly FaultKind[] {
  return [...new Set(scenario.faults.map(({ kind }) => kind))];
}

export interface Shrunk {
  readonly run: WorldRun;
  readonly result: WorldResult;
  /** How many worlds were tried for it. */
  readonly worldCount: number;
}

/**
 * Looks for the few kinds of faults that the world's first violation takes: first all that never happened are left out, then
 * one after the other, and each stays out without which the same invariant is broken all the same, and a job killed where one
 * was. That costs one world more than there are kinds.
 */
export async function shrink(
  found: { readonly run: WorldRun; readonly result: WorldResult },
  runWorld: RunWorld,
): Promise<Shrunk> {
  let smallest = found;
  let worldCount = 0;
  const tryWithout = async (kinds: readonly FaultKind[]): Promise<void> => {
    const rest = kindsOf(smallest.run).filter((kind) => !kinds.includes(kind));
    const run = keepOnly(found.run, rest);
    worldCount += 1;
    const result = await runOne(run, runWorld);
    if (isAsBad(result, found.result)) smallest = { run, result };
  };
  const idle = kindsOf(found.run).filter((kind) => (found.result.faults[kind] ?? 0) === 0);
  if (idle.length > 0) await tryWithout(idle);
  for (const kind of kindsOf(smallest.run)) await tryWithout([kind]);
  return { ...smallest, worldCount };
}

function isAsBad(result: WorldResult, found: WorldResult): boolean {
  const [first] = found.violations;
  const isKilling = result.jobs.killedByUs > 0 || found.jobs.killedByUs === 0;
  return isKilling && result.violations.some(({ invariant }) => invariant === first?.invariant);
}
