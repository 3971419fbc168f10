import { SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/tickets/save.ts",
  text: '.where("version", "=", expectedVersion)',
  replacement: '.where("version", ">=", expectedVersion)',
  invariant: "I1",
  why: "A ticket is voided as no job needs it any more, though it was handed out since it was read: its registration is deleted under a listener that may take a job.",
  world: {
    faults: [
      { kind: "github.cancelled", perJob: 0.9, afterMs: [200, 2 * SECOND_MS] },
      { kind: "controller.slow-store", probability: 0.3, delayMs: [100, SECOND_MS] },
    ],
    pool: { warmParkedCount: 6 },
    arrivals: { perHour: 240 },
  },
};
