import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/facts.ts",
  text: 'for (const machine of await listPresentMachines(tx))\n    await savePresumed(tx, machine, { origin: "restored", why, nowMs });',
  replacement: "",
  invariant: "I1",
  why: "A backup calls a machine parked that has since been given a ticket: its host is cut off, counts as lost with no ticket out, and is ended under its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 15 * MINUTE_MS, ageMs: 8 * MINUTE_MS },
      { kind: "controller.restore", atMs: 28 * MINUTE_MS, ageMs: 8 * MINUTE_MS },
      { kind: "controller.restore", atMs: 41 * MINUTE_MS, ageMs: 8 * MINUTE_MS },
      { kind: "host.cut-off", from: "controller", everyMs: 2 * MINUTE_MS, forMs: [20 * MINUTE_MS, 30 * MINUTE_MS] },
    ],
    pool: { machineCountMax: 60, warmParkedCount: 8 },
    deadlines: { lostHostMs: 5 * MINUTE_MS },
    arrivals: { perHour: 15, duration: { p50Ms: 40 * MINUTE_MS, p95Ms: 50 * MINUTE_MS } },
    durationMs: 75 * MINUTE_MS,
  },
};
