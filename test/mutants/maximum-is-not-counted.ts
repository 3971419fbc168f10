import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/scale.ts",
  text: "const count = Math.max(0, pool.machineCountMax - state.machineCount);",
  replacement: "const count = pool.machineCountMax;",
  invariant: "I3",
  nets: [
    {
      source: "src/controllers/assign/write-launch.ts",
      text: "const count = Math.min(machineCount, sizeMax, pool.machineCountMax - present);",
      replacement: "const count = Math.min(machineCount, sizeMax);",
    },
    {
      source: "src/domain/plan-checks.ts",
      text: 'return isOver ? [{ check: "max", subject: context.pool.name }] : [];',
      replacement: "return [];",
    },
  ],
  why: "What may still be launched does not depend on what is there: a pool grows past its maximum.",
  world: {
    faults: [],
    pool: { machineCountMax: 6 },
    arrivals: { perHour: 150, duration: { p50Ms: 5 * MINUTE_MS, p95Ms: 15 * MINUTE_MS } },
  },
};
