import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/facts.ts",
  text: 'for (const machine of await listPresentMachines(tx))\n    await savePresumed(tx, machine, { origin: "restored", why, nowMs });',
  replacement: "",
  invariant: "I1",
  why: "A backup calls a machine parked that has since been given a ticket: its host is cut off, counts as lost with no ticket out, and is ended under its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 80 * MINUTE_MS, ageMs: 20 * MINUTE_MS },
      { kind: "controller.restore", atMs: 130 * MINUTE_MS, ageMs: 20 * MINUTE_MS },
      { kind: "controller.restore", atMs: 180 * MINUTE_MS, ageMs: 20 * MINUTE_MS },
      { kind: "controller.restore", atMs: 230 * MINUTE_MS, ageMs: 20 * MINUTE_MS },
      { kind: "host.cut-off", from: "controller", everyMs: 8 * MINUTE_MS, forMs: [40 * MINUTE_MS, 70 * MINUTE_MS] },
    ],
    pool: { machineCountMax: 16, warmParkedCount: 8 },
    arrivals: { perHour: 8, duration: { p50Ms: 60 * MINUTE_MS, p95Ms: 100 * MINUTE_MS } },
    durationMs: 6 * HOUR_MS,
  },
};
