import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/launch.ts",
  text: "return Math.min(countedOf(group) + count - arrivedCount, limit);",
  replacement: "return group.desiredCount + count - arrivedCount + 0 * limit;",
  invariant: "I3",
  why: "What a launch asked for is asked for again at each look until it has come: the group starts more machines than its pool may have.",
  world: {
    provider: "asg",
    group: { beyondMaxCount: 12 },
    faults: [],
    pool: { machineCountMax: 6 },
    arrivals: { perHour: 90, duration: { p50Ms: 5 * MINUTE_MS, p95Ms: 10 * MINUTE_MS } },
  },
};
