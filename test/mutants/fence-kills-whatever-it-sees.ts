import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/fence.ts",
  text: "if (why !== null) {\n    const decision",
  replacement: "if (false) {\n    const decision",
  invariant: "I1",
  nets: [
    {
      source: "src/domain/host/fence.ts",
      text: "if (why !== null || process === null)",
      replacement: "if (process === null)",
    },
  ],
  why: "The fence kills the listener whatever the look behind it shows: one that took a job between the order and the stop loses it.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
    arrivals: { perHour: 200, duration: { p50Ms: MINUTE_MS, p95Ms: 3 * MINUTE_MS } },
  },
};
