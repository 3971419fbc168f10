import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/clean-look.ts",
  text: "return tasks !== null && tasks.length > 0 && tasks.every((state) => state === STOPPED);",
  replacement: "return tasks !== null;",
  invariant: "I1",
  why: "A listener counts as stopped while its tasks still run: the look is clean, it takes a job, and then it is killed.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
    arrivals: { perHour: 200, duration: { p50Ms: MINUTE_MS, p95Ms: 3 * MINUTE_MS } },
  },
};
