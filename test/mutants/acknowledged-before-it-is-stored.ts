import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/http/webhooks.ts",
  text: "const recorded = await options.deliveries.record(delivery);",
  replacement:
    'options.deliveries.record(delivery).catch(() => null);\n    const recorded = "stored" as "stored" | "seen";',
  invariant: "durable",
  why: "GitHub is told that its event is stored before it is: a crash in between loses it, and GitHub never sends it again.",
  world: {
    faults: [
      { kind: "controller.crash", everyMs: 3 * MINUTE_MS },
      { kind: "controller.slow-store", probability: 0.3, delayMs: [SECOND_MS, 20 * SECOND_MS] },
    ],
    arrivals: { perHour: 150 },
  },
};
