import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/clean-look.ts",
  text: 'if (hasOpenMessage(facts)) return "an assignment arrived and is not over";',
  replacement: "",
  invariant: "I1",
  why: "Between the message and the Worker's start nothing but the perf file tells of the job: a fence that closes there kills a listener that has acquired it.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
    arrivals: { perHour: 200, duration: { p50Ms: MINUTE_MS, p95Ms: 3 * MINUTE_MS } },
  },
};
