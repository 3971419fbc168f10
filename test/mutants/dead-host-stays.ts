import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/lifecycle.ts",
  text: 'if (missingForHostLost(question).length === 0) return { kind: "retire", reason: "host-lost" };',
  replacement: "",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/lifecycle.ts",
      text: 'return isOverdue ? { kind: "retire", reason: "limit-past" } : null;',
      replacement: "return null;",
    },
  ],
  why: "A host is dead and its provider does not say so: it is waited for for ever.",
  world: { faults: [{ kind: "host.dies", everyMs: 20 * MINUTE_MS }] },
};
