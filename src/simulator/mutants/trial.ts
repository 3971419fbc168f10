/** One mutant, tried in its worlds seed by seed until one of them shows it. */
import type { Violation } from "../scenario/result.ts";
import type { RunWorld } from "../scenario/run-world.ts";
import type { Mutant } from "./mutant.ts";
import { worldForMutant } from "./world-for-mutant.ts";

/** First and last seed, both included. */
export interface Seeds {
  readonly from: number;
  readonly to: number;
  /** What comes later in their worlds is not looked at; null: each is run to its end. */
  readonly stopsAfterMs: number | null;
}

export interface SeedTried {
  readonly seed: number;
  readonly violations: readonly Pick<Violation, "invariant" | "atMs" | "what">[];
}

/** Tells of each seed as soon as it was tried, and ends with the first that shows a violation. */
export async function tryMutant(
  trial: { readonly name: string; readonly mutant: Mutant; readonly seeds: Seeds },
  runWorld: RunWorld,
  tell: (tried: SeedTried) => void,
): Promise<void> {
  const { name, mutant, seeds } = trial;
  const until = seeds.stopsAfterMs === null ? {} : { stopsAfterMs: seeds.stopsAfterMs };
  for (let seed = seeds.from; seed <= seeds.to; seed += 1) {
    const { violations } = await runWorld(worldForMutant(name, mutant, seed), { seed, stopsAtFirst: true, ...until });
    tell({ seed, violations: violations.map(({ invariant, atMs, what }) => ({ invariant, atMs, what })) });
    if (violations.length > 0) return;
  }
}
