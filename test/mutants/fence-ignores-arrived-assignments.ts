import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/clean-look.ts",
  text: 'if (hasOpenMessage(facts)) return "an assignment arrived and is not over";',
  replacement: "",
  invariant: "I1",
  why: "Between the message and the Worker's start nothing but the perf file tells of the job: a fence that closes there kills a listener that has acquired it.",
  world: {
    faults: [
      { kind: "github.taken-elsewhere", perJob: 0.2 },
      { kind: "github.cancelled", perJob: 0.3, afterMs: [5 * SECOND_MS, 90 * SECOND_MS] },
      { kind: "host.agent-pause", everyMs: 2 * MINUTE_MS, forMs: [5 * SECOND_MS, 30 * SECOND_MS] },
    ],
    arrivals: { perHour: 150, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 5 * MINUTE_MS } },
  },
};
