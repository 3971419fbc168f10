import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/hand-back.ts",
  text: "isDrain(retireWhenSpent) || isDeparting(observed.get(id)?.membership);",
  replacement: "isDrain(retireWhenSpent);",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/host/state.ts",
      text: "return isEnding(state) || isOutOfService(state.service);",
      replacement: "return state.isLeaving || state.isWantedBack;",
    },
  ],
  why: "A listener that is kept online is not given back when its group wants to end its machine: the machine waits for a job, and its group for the machine.",
  world: {
    provider: "asg",
    faults: [{ kind: "asg.unhealthy", everyMs: 5 * MINUTE_MS }],
    pool: { warmRegisteredCount: 3 },
  },
};
