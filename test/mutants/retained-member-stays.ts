import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/adapters/asg/lifecycle.ts",
  text: 'if (departure === "retained") return "release";',
  replacement: 'if (departure === "retained") return "under-way";',
  invariant: "I2",
  why: "What a group retains because its hook ran out counts as on its way out: it runs on, and nobody ends it.",
  world: {
    provider: "asg",
    group: { heartbeatTimeoutMs: MINUTE_MS },
    faults: [
      { kind: "asg.unhealthy", everyMs: 2 * MINUTE_MS },
      { kind: "asg.throttled", everyMs: 6 * MINUTE_MS, forMs: [2 * MINUTE_MS, 4 * MINUTE_MS] },
    ],
  },
};
