import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/hold-members.ts",
  text: "return clock.monotonicMs() - held.heldAtMs >= (wanted.isShown ? intervalMs : Math.min(intervalMs, UNSHOWN_AGAIN_MS));",
  replacement: "return clock.monotonicMs() < held.heldAtMs;",
  invariant: "I1",
  why: "A hook is told once that it is to wait, and waits for one timeout: a job that takes longer ends with its machine.",
  world: {
    provider: "asg",
    group: { heartbeatTimeoutMs: HOUR_MS, retention: "terminate" },
    faults: [{ kind: "asg.unhealthy", everyMs: 10 * MINUTE_MS }],
    arrivals: { perHour: 12, duration: { p50Ms: 90 * MINUTE_MS, p95Ms: 120 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
    settleMaxMs: 4 * HOUR_MS,
  },
};
