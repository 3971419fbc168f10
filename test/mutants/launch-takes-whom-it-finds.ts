import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/arrivals.ts",
  text: "isCounted(lifecycle) && !known.has(id) && !launches.isTaken(id))",
  replacement: "isCounted(lifecycle))",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/execute/launch.ts",
      text: "return launched.filter(({ machineId, providerId }) => (names.get(providerId) ?? machineId) === machineId);",
      replacement: "return launched;",
    },
  ],
  why: "Members that were there before a launch count as what came of it: each gets a second row, as which nobody ever speaks, and is ended under its job as never engaged.",
  world: {
    provider: "asg",
    faults: [],
    arrivals: { perHour: 20, duration: { p50Ms: 12 * MINUTE_MS, p95Ms: 20 * MINUTE_MS } },
  },
};
