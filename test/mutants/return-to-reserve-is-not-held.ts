import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/membership.ts",
  text: 'membership?.place === "reserve" || membership?.place === "coming"',
  replacement: 'membership?.place === "coming"',
  invariant: "I1",
  nets: [
    {
      source: "src/adapters/asg/list.ts",
      text: "if (isOurs && isSizedByUs(context)) await context.protection.protect(present);",
      replacement: "",
    },
    {
      source: "src/adapters/asg/lifecycle.ts",
      text: '"Warmed:Pending:Wait": { ...RESERVE, isPaused: true },',
      replacement: '"Warmed:Pending:Wait": RESERVE,',
    },
    {
      source: "src/controllers/hold-members/held-up.ts",
      text: "[...listRemembered(context), ...listed, ...asked]",
      replacement: "[...listed]",
    },
  ],
  why: "A member at work that its group takes back into the warm pool is not held there: it is stopped under its job when the hook runs out.",
  world: {
    provider: "asg",
    group: {
      heartbeatTimeoutMs: HOUR_MS,
      retention: "terminate",
      isProtected: false,
      warmPool: { state: "Stopped", isReusedOnScaleIn: true, preparedCount: 8 },
    },
    faults: [{ kind: "asg.resized", everyMs: 5 * MINUTE_MS }],
    arrivals: { perHour: 12, duration: { p50Ms: 90 * MINUTE_MS, p95Ms: 120 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
    settleMaxMs: 4 * HOUR_MS,
  },
};
