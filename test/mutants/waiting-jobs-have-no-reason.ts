import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/assign.ts",
  text: "return demand.decisions.map((decision) => ({",
  replacement: "return demand.decisions.slice(0, 0).map((decision) => ({",
  invariant: "I6",
  why: "A job waits because its pool is full, and nobody can read why.",
  world: {
    faults: [],
    pool: { machineCountMax: 3 },
    arrivals: { perHour: 28, duration: { p50Ms: 20 * MINUTE_MS, p95Ms: 30 * MINUTE_MS } },
  },
};
