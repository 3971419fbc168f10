import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
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
      { kind: "host.cut-off", from: "controller", everyMs: 6 * MINUTE_MS, forMs: [60 * MINUTE_MS, 100 * MINUTE_MS] },
    ],
    arrivals: { perHour: 8, duration: { p50Ms: 90 * MINUTE_MS, p95Ms: 150 * MINUTE_MS } },
    durationMs: 6 * HOUR_MS,
  },
};
