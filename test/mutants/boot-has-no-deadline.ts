import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/lifecycle.ts",
  text: 'if (!isPast(bootsSinceMs, pool.deadlines.bootMs, time)) return { kind: "keep", reason: "booting" };',
  replacement: 'return { kind: "keep", reason: "booting" };',
  invariant: "I2",
  why: "A machine whose boot never finishes is waited for for ever.",
  world: { faults: [{ kind: "host.never-boots", perMachine: 0.1 }] },
};
