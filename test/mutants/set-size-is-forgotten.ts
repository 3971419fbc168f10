import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/desired.ts",
  text: "return isKnown ? Math.max(wanted, this.#floor?.count ?? 0) : wanted;",
  replacement: "return wanted;",
  invariant: "I1",
  nets: [
    {
      source: "src/adapters/asg/list.ts",
      text: "if (isOurs && isSizedByUs(context)) await context.protection.protect(present);",
      replacement: "",
    },
  ],
  why: "A size is set from a reading that is older than the last one that was set: the group gets smaller, and ends members at work.",
  world: {
    provider: "asg",
    group: { isProtected: false, heartbeatTimeoutMs: null },
    faults: [{ kind: "asg.stale-reads", lagMs: [10 * SECOND_MS, MINUTE_MS] }],
    pool: { machineCountMax: 40 },
    // So long that nothing but a size that is set ends anybody before they are over.
    arrivals: { perHour: 60, duration: { p50Ms: HOUR_MS, p95Ms: 80 * MINUTE_MS } },
    settleMaxMs: 4 * HOUR_MS,
  },
};
