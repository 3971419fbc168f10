import { SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/breakers.ts",
  text: 'return breaker.kind === "closed" || (!isTrying && nowMs >= breaker.nextProbeAtMs);',
  replacement: 'return breaker.kind === "closed";',
  invariant: "I5",
  why: "After three runners that ended without a job the pool makes no ticket any more, also when runners are well again.",
  world: {
    faults: [
      { kind: "host.runner-exits", perTicket: 1 },
      { kind: "github.cancelled", perJob: 0.7, afterMs: [500, 3 * SECOND_MS] },
    ],
    pool: { warmParkedCount: 4 },
  },
};
