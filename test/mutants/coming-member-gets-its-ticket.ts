import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/attend.ts",
  text: "return !isGroupsMachine(context, id) || isInService(context.memory.observed.get(id)?.membership);",
  replacement: "return true;",
  invariant: "I1",
  why: "A ticket leaves for a member that is not in service yet: the hook that it still waits for is abandoned, and its group ends it with the job.",
  world: {
    provider: "asg",
    group: { hasLaunchHook: true },
    // Who takes their places waits for the hook as well.
    faults: [{ kind: "asg.unhealthy", everyMs: 5 * MINUTE_MS }],
    arrivals: { perHour: 300, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 4 * MINUTE_MS } },
    pool: { machineCountMax: 40 },
    bootMs: [SECOND_MS, 4 * SECOND_MS],
  },
};
