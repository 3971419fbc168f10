import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/watch-hosts.ts",
  text: "const isAway = runner === null || (!runner.isOnline && !runner.isBusy);",
  replacement: "const isAway = runner === null || !runner.isBusy;",
  invariant: "I1",
  nets: [
    { source: "src/domain/slow-proofs.ts", text: "return missingForTerminal(jobs, time);", replacement: "return [];" },
  ],
  why: "GitHub's flag drops in the middle of a job whose host is cut off from us: after half an hour of readings the machine counts as lost, and is ended under its job.",
  world: {
    faults: [
      { kind: "github.busy-flag-drops", perJob: 1, afterMs: [30 * SECOND_MS, 2 * MINUTE_MS] },
      { kind: "host.cut-off", from: "controller", everyMs: 4 * MINUTE_MS, forMs: [50 * MINUTE_MS, 70 * MINUTE_MS] },
    ],
    deadlines: { lostHostMs: 5 * MINUTE_MS },
    arrivals: { perHour: 12, duration: { p50Ms: 80 * MINUTE_MS, p95Ms: 100 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
  },
};
