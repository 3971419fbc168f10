import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/scale.ts",
  text: 'if (!state.isListed) return { count: 0, limit: "fleet-not-listed" };',
  replacement: "",
  invariant: "I3",
  why: "A restored store has forgotten machines that are there: it launches before its first look at the provider has shown them.",
  world: {
    faults: [{ kind: "controller.restore", atMs: 25 * MINUTE_MS, ageMs: 20 * MINUTE_MS }],
    pool: { machineCountMax: 12, warmParkedCount: 6 },
    arrivals: { perHour: 30, duration: { p50Ms: 20 * MINUTE_MS, p95Ms: 30 * MINUTE_MS } },
  },
};
