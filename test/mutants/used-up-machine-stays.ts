import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/lifecycle.ts",
  // Of a parked one: a stopped one that is used up has a guard of its own.
  text: `!isMarked) return { kind: "retire", reason: machine.retireWhenSpent };
  if (!hasTicketsLeft(machine, pool.jobsPerMachine)) return { kind: "retire", reason: "used-up" };`,
  replacement: '!isMarked) return { kind: "retire", reason: machine.retireWhenSpent };',
  invariant: "I2",
  why: "A machine that has run its jobs gets no more tickets and is not ended: it stays, and takes the place of another.",
  world: { faults: [] },
};
