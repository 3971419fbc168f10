/** Where the command gets what runs worlds, and tries mutants: loaded when it is needed, for most commands need none. */
import { availableParallelism } from "node:os";
import { systemClock } from "../../adapters/system/clock.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RandomScenario, RunWorld } from "../../simulator/scenario/run-world.ts";
import type { MutantOutcome, MutantsRequest } from "./mutants.ts";

export interface SimulateParts {
  loadRunWorld(): Promise<RunWorld>;
  loadRandomScenario(): Promise<RandomScenario>;
  loadRunMutants(): Promise<(request: MutantsRequest) => Promise<readonly MutantOutcome[]>>;
  /** The module that exports `runWorld`, for processes of its own. */
  readonly worldModule: URL;
  readonly processCount: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export function systemParts(): SimulateParts {
  return {
    loadRunWorld: async () => (await import("./run-world.ts")).runWorld,
    loadRandomScenario: async () => (await import("../../simulator/scenario/random.ts")).randomScenario,
    loadRunMutants: async () => (await import("./mutants.ts")).runMutants,
    worldModule: new URL("./run-world.ts", import.meta.url),
    processCount: availableParallelism(),
    clock: systemClock(),
  };
}
