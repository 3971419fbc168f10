import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/clean-look.ts",
  text: "return tasks !== null && tasks.length > 0 && tasks.every((state) => state === STOPPED);",
  replacement: "return tasks !== null;",
  invariant: "I1",
  why: "A listener counts as stopped while its tasks still run: the look is clean, it takes a job, and then it is killed.",
  world: {
    faults: [
      { kind: "github.taken-elsewhere", perJob: 0.2 },
      { kind: "github.cancelled", perJob: 0.3, afterMs: [5 * SECOND_MS, 90 * SECOND_MS] },
      { kind: "host.agent-pause", everyMs: 2 * MINUTE_MS, forMs: [5 * SECOND_MS, 30 * SECOND_MS] },
    ],
    arrivals: { perHour: 150, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 5 * MINUTE_MS } },
  },
};
