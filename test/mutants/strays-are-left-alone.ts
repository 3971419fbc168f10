import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/observe/adopt.ts",
  text: "if (row === null && isAnothersToPlace(context, stray)) {",
  replacement: "if (row === null) {",
  invariant: "I2",
  why: "Machines whose rows went with an hour of the store are nobody's: they run for ever.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 12 * MINUTE_MS, ageMs: 12 * MINUTE_MS },
      { kind: "controller.restore", atMs: 25 * MINUTE_MS, ageMs: 25 * MINUTE_MS },
    ],
    pool: { machineCountMax: 60 },
  },
};
