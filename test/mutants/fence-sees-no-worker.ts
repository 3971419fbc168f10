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
    faults: [
      { kind: "github.taken-elsewhere", perJob: 0.2 },
      { kind: "github.cancelled", perJob: 0.3, afterMs: [5 * SECOND_MS, 90 * SECOND_MS] },
      { kind: "host.agent-pause", everyMs: 2 * MINUTE_MS, forMs: [5 * SECOND_MS, 30 * SECOND_MS] },
    ],
    arrivals: { perHour: 150, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 5 * MINUTE_MS } },
  },
};
