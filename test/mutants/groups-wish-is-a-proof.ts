import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/permit.ts",
  text: "const isCertain = isEnding && isPast(time.heardSinceMs, bootDeadlineMs, time);",
  replacement: "if (isEnding) return [];\n  const isCertain = false;",
  invariant: "I1",
  nets: [
    {
      source: "src/domain/lifecycle.ts",
      text: 'if (departure === "waits") return { kind: "keep", reason: "group-waits" };',
      replacement: 'if (departure === "waits") return { kind: "retire", reason: "group-ends-it" };',
    },
    {
      source: "src/domain/plan-checks.ts",
      text: '"limit-past", "operator-forced"];',
      replacement: '"limit-past", "operator-forced", "group-ends-it"];',
    },
  ],
  why: "That its group wants to end a member counts as a proof that it never had a ticket: its hook is completed under its job.",
  world: {
    provider: "asg",
    faults: [{ kind: "asg.unhealthy", everyMs: 5 * MINUTE_MS }],
    arrivals: { duration: { p50Ms: 8 * MINUTE_MS, p95Ms: 15 * MINUTE_MS } },
  },
};
