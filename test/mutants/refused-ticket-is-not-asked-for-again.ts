import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/mint.ts",
  text: "const untilMonotonicMs = Math.max(before.untilMonotonicMs, nowMs + pauseMs);",
  replacement: "const untilMonotonicMs = Number.POSITIVE_INFINITY;",
  invariant: "I5",
  why: "One request that GitHub did not answer is the last in its scope: jobs wait for a ticket for ever.",
  world: { faults: [{ kind: "github.call-fails", probability: 0.1 }] },
};
