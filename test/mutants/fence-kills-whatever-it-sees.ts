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
    faults: [
      { kind: "github.taken-elsewhere", perJob: 0.2 },
      { kind: "github.cancelled", perJob: 0.3, afterMs: [5 * SECOND_MS, 90 * SECOND_MS] },
      { kind: "host.agent-pause", everyMs: 2 * MINUTE_MS, forMs: [5 * SECOND_MS, 30 * SECOND_MS] },
    ],
    arrivals: { perHour: 150, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 5 * MINUTE_MS } },
  },
};
