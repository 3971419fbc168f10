/** Where the command gets what runs worlds, and tries mutants: loaded when it is needed, for most commands need none. */
import { availableParallelism } from "node:os";
import { systemClock } from "../../adapters/system/clock.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RandomScenario, RunWorld } from "../../simulator/scenario/run-world.ts";
import type { RunMutants } from "./mutant-outcome.ts";

export interface SimulateParts {
  loadRunWorld(): Promise<RunWorld>;
  loadRandomScenario(): Promise<RandomScenario>;
  loadRunMutants(): Promise<RunMutants>;
  /** The module that exports `runWorld`, for processes of its own. */
  readonly worldModule: URL;
  readonly processCount: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

const WORLD = new URL("../../simulator/world/run.ts", import.meta.url);
const RANDOM = new URL("../../simulator/scenario/random.ts", import.meta.url);
const MUTANTS = new URL("./mutants.ts", import.meta.url);

export function systemParts(): SimulateParts {
  return {
    loadRunWorld: async () => ((await import(WORLD.href)) as { readonly runWorld: RunWorld }).runWorld,
    loadRandomScenario: async () =>
      ((await import(RANDOM.href)) as { readonly randomScenario: RandomScenario }).randomScenario,
    loadRunMutants: async () => ((await import(MUTANTS.href)) as { readonly runMutants: RunMutants }).runMutants,
    worldModule: WORLD,
    processCount: availableParallelism(),
    clock: systemClock(),
  };
}
