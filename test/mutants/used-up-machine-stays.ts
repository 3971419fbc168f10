import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/lifecycle.ts",
  text: 'return hasTicketsLeft(machine, pool.jobsPerMachine) ? null : "used-up";',
  replacement: "return null;",
  invariant: "I2",
  why: "A machine that has run its jobs gets no more tickets and is not ended: it stays, and takes the place of another.",
  world: { faults: [] },
};
