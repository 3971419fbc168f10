import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/adoption.ts",
  text: "const unheard = { ...marked, report: null };",
  replacement: "const unheard = marked;",
  invariant: "I2",
  why: "A host that says after a restore what it said before is not heard again: its ticket stays unknown, with its machine.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 12 * MINUTE_MS, ageMs: 10 * MINUTE_MS },
      { kind: "controller.restore", atMs: 22 * MINUTE_MS, ageMs: 10 * MINUTE_MS },
      { kind: "host.runner-never-online", perTicket: 0.5 },
    ],
    pool: { machineCountMax: 60 },
    arrivals: { perHour: 90, duration: { p50Ms: 3 * MINUTE_MS, p95Ms: 10 * MINUTE_MS } },
  },
};
