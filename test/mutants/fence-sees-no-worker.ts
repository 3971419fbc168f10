import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/clean-look.ts",
  text: 'if (processes.workerCount > 0) return "a Worker runs";',
  replacement: "",
  invariant: "I1",
  nets: [
    {
      source: "src/domain/host/clean-look.ts",
      text: 'if (hasOpenMessage(facts)) return "an assignment arrived and is not over";',
      replacement: "",
    },
  ],
  why: "An order to hand back that was given before the job came kills the listener while its Worker runs.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
    arrivals: { perHour: 200, duration: { p50Ms: MINUTE_MS, p95Ms: 3 * MINUTE_MS } },
  },
};
