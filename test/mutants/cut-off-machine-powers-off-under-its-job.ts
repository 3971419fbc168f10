import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/step.ts",
  text: "return noted.held === null ? restWithoutTicket(noted, atMs) : followTicket(noted, seen, atMs);",
  replacement:
    'if (noted.silence.tryCount >= 30) return { state: { ...noted, isOver: true }, effects: [{ kind: "power-off" }] };\n  return noted.held === null ? restWithoutTicket(noted, atMs) : followTicket(noted, seen, atMs);',
  invariant: "I1",
  why: "The dead man's switch does not ask whether a ticket is held: a machine that cannot reach us ends itself under its job.",
  world: {
    faults: [
      { kind: "host.cut-off", from: "controller", everyMs: 3 * MINUTE_MS, forMs: [15 * MINUTE_MS, 25 * MINUTE_MS] },
    ],
    arrivals: { perHour: 15, duration: { p50Ms: 30 * MINUTE_MS, p95Ms: 40 * MINUTE_MS } },
  },
};
