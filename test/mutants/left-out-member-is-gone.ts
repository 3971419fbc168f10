import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/observe.ts",
  text: "return [{ ...observed, machineId: null, launchId, pool: view.owner.pool, membership }];",
  replacement:
    'return [{ ...observed, state: isYoung ? observed.state : "gone", machineId: null, launchId, pool: view.owner.pool, membership }];',
  invariant: "I1",
  why: "A member that its group's list leaves out counts as gone, whatever EC2 says: its ticket is given up under its job.",
  world: {
    provider: "asg",
    faults: [
      { kind: "provider.missing-from-listing", probability: 0.5 },
      { kind: "github.busy-flag-never", perJob: 1 },
    ],
    arrivals: { duration: { p50Ms: 12 * MINUTE_MS, p95Ms: 15 * MINUTE_MS } },
  },
};
