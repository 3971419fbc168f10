import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

const SILENCE = {
  kind: "host.cut-off",
  from: "controller",
  everyMs: 15 * MINUTE_MS,
  forMs: [80 * MINUTE_MS, 100 * MINUTE_MS],
} as const;

export const mutant: Mutant = {
  source: "src/controllers/hold-members/find-to-hold.ts",
  text: 'if (row.state.kind !== "retiring") return true;',
  replacement: 'if (row.state.kind !== "retiring") return saysBusy(context, row);',
  invariant: "I1",
  why: "A member is held only while its agent says that it has a ticket: one that is cut off from us loses its job when its hook runs out.",
  world: {
    provider: "asg",
    group: { heartbeatTimeoutMs: HOUR_MS, retention: "terminate" },
    faults: [{ kind: "asg.unhealthy", everyMs: 10 * MINUTE_MS }, SILENCE, SILENCE],
    arrivals: { perHour: 12, duration: { p50Ms: 120 * MINUTE_MS, p95Ms: 150 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
    settleMaxMs: 5 * HOUR_MS,
  },
};
