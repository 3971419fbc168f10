import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/guards.ts",
  text: "const recentCount = endedAtMs.filter((atMs) => time.nowMs - atMs < GUARD_WINDOW_MS).length;",
  replacement: "const recentCount = endedAtMs.length;",
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/retire/guard.ts",
      text: "if (!kept.has(id) && clock.nowMs() - atMs >= GUARD_WINDOW_MS) endedAtMs.delete(id);",
      replacement: "endedAtMs.get(id);",
    },
  ],
  why: "After a few lost hosts the guard against many endings forbids every further one: dead machines stay.",
  world: {
    faults: [{ kind: "host.dies", everyMs: 3 * MINUTE_MS }],
    deadlines: { lostHostMs: 5 * MINUTE_MS },
  },
};
