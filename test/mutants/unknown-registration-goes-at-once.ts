import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/permit.ts",
  text: "export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;",
  replacement: "export const UNKNOWN_OFFLINE_FOR_MS = 0;",
  invariant: "I1",
  why: "After a restore the store has forgotten a ticket whose job runs, and GitHub calls its runner offline: the registration is deleted at first sight, and the listener cancels its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 12 * MINUTE_MS, ageMs: 10 * MINUTE_MS },
      { kind: "controller.restore", atMs: 24 * MINUTE_MS, ageMs: 10 * MINUTE_MS },
      { kind: "controller.restore", atMs: 36 * MINUTE_MS, ageMs: 10 * MINUTE_MS },
      { kind: "github.busy-flag-never", perJob: 1 },
      {
        kind: "github.offline-while-working",
        perJob: 1,
        afterMs: [SECOND_MS, 10 * SECOND_MS],
        forMs: [40 * MINUTE_MS, 60 * MINUTE_MS],
      },
    ],
    pool: { machineCountMax: 60 },
    arrivals: { perHour: 40, duration: { p50Ms: 15 * MINUTE_MS, p95Ms: 30 * MINUTE_MS } },
    durationMs: 60 * MINUTE_MS,
  },
};
