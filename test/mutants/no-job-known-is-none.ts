import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/slow-proofs.ts",
  text: "return missingForTerminal(jobs, time);",
  replacement: "return jobs.length === 0 ? [] : missingForTerminal(jobs, time);",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/retire/host-facts.ts",
      text: 'return job.runnerName === runnerName && (registration === "none" || job.connection === connection);',
      replacement: "return false;",
    },
  ],
  why: "A host that nobody hears and whose runner GitHub calls offline is given up because nobody can name its job, which runs.",
  world: {
    faults: [
      { kind: "github.busy-flag-never", perJob: 1 },
      {
        kind: "github.offline-while-working",
        perJob: 1,
        afterMs: [10 * SECOND_MS, MINUTE_MS],
        forMs: [60 * MINUTE_MS, 80 * MINUTE_MS],
      },
      { kind: "host.cut-off", from: "controller", everyMs: 4 * MINUTE_MS, forMs: [50 * MINUTE_MS, 70 * MINUTE_MS] },
    ],
    deadlines: { lostHostMs: 5 * MINUTE_MS },
    arrivals: { perHour: 12, duration: { p50Ms: 80 * MINUTE_MS, p95Ms: 100 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
  },
};
