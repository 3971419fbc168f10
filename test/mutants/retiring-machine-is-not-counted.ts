import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/machines/count.ts",
  text: '.where("state", "in", PRESENT_STATES)',
  replacement: '.where("state", "in", PRESENT_STATES.filter((state) => state !== "retiring"))',
  invariant: "I3",
  why: "A machine that is on its way out counts as gone, while it is still there: a pool grows past its maximum.",
  world: {
    faults: [{ kind: "provider.terminate-does-not-take", probability: 0.5 }],
    pool: { machineCountMax: 6 },
    arrivals: { perHour: 150, duration: { p50Ms: 5 * MINUTE_MS, p95Ms: 15 * MINUTE_MS } },
  },
};
