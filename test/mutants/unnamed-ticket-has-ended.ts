import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/attend.ts",
  text: "if (report.ticket?.id !== ticket.id) return null;",
  replacement:
    'if (report.ticket === null) return { kind: "spent", sinceMs: nowMs };\n  if (report.ticket.id !== ticket.id) return null;',
  invariant: "I1",
  why: "An agent that has just started again names no ticket yet: the one that it holds counts as spent, and its registration is deleted under the job.",
  world: {
    faults: [
      { kind: "host.agent-crash", everyMs: 2 * MINUTE_MS },
      { kind: "github.busy-flag-never", perJob: 1 },
    ],
    arrivals: { perHour: 40, duration: { p50Ms: 8 * MINUTE_MS, p95Ms: 20 * MINUTE_MS } },
  },
};
