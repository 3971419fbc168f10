import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/launch.ts",
  text: "launch.untilMonotonicMs = clock.monotonicMs() + pauseMs;",
  replacement: "launch.untilMonotonicMs = Number.POSITIVE_INFINITY;",
  invariant: "I5",
  why: "One launch for which there was no capacity is the last: jobs wait for a machine for ever.",
  world: {
    faults: [{ kind: "provider.no-capacity", everyMs: 6 * MINUTE_MS, forMs: [MINUTE_MS, 4 * MINUTE_MS] }],
  },
};
