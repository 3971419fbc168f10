import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/hold-members/find-to-hold.ts",
  text: 'if (row.state.kind !== "retiring") return true;',
  replacement: 'if (row.state.kind !== "retiring") return row.state.kind !== "engaged";',
  invariant: "I1",
  why: "A group that wants to end a member at work is not made to wait: its hook runs out, and the job ends with the machine.",
  world: {
    provider: "asg",
    group: { heartbeatTimeoutMs: HOUR_MS, retention: "terminate" },
    faults: [{ kind: "asg.unhealthy", everyMs: 10 * MINUTE_MS }],
    arrivals: { perHour: 12, duration: { p50Ms: 90 * MINUTE_MS, p95Ms: 120 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
    settleMaxMs: 4 * HOUR_MS,
  },
};
