import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/ending.ts",
  text: 'return isPatient ? { kind: "wait", missing: ["confirming"] } : { kind: "stage", stage: "terminating" };',
  replacement: 'return { kind: "wait", missing: ["confirming"] };',
  invariant: "I2",
  why: "A termination that did not take is never asked for again: the machine stays.",
  world: { faults: [{ kind: "provider.terminate-does-not-take", probability: 0.2 }] },
};
