import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/leave.ts",
  text: "const lowers = desiredCount > minCount && desiredCount >= countedCount;",
  replacement: "const lowers = false;",
  invariant: "I2",
  why: "The end of a member does not lower its group's size: the group starts another in its place, for ever.",
  world: { provider: "asg", faults: [], durationMs: 15 * MINUTE_MS, settleMaxMs: 30 * MINUTE_MS },
};
