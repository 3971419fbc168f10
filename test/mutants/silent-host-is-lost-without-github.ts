import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/slow-proofs.ts",
  text: "missing.push(...missingForAway(ticket, facts, time), ...missingForJobs(ticket, question));",
  replacement: "missing.push(...missingForJobs(ticket, question));",
  invariant: "I1",
  why: "A host is cut off from us, and GitHub calls its job completed while it runs: that the runner is online speaks against it, and is not asked for.",
  world: {
    faults: [
      { kind: "github.completed-while-working", perJob: 1 },
      { kind: "host.cut-off", from: "controller", everyMs: 4 * MINUTE_MS, forMs: [50 * MINUTE_MS, 70 * MINUTE_MS] },
    ],
    deadlines: { lostHostMs: 5 * MINUTE_MS },
    arrivals: { perHour: 12, duration: { p50Ms: 80 * MINUTE_MS, p95Ms: 100 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
  },
};
