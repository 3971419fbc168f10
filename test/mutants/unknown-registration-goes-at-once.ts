import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/permit.ts",
  text: "export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;",
  replacement: "export const UNKNOWN_OFFLINE_FOR_MS = 0;",
  invariant: "I1",
  why: "After a restore the store has forgotten a ticket whose job runs, and GitHub calls its runner offline: the registration is deleted at first sight, and the listener cancels its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 40 * MINUTE_MS, ageMs: 30 * MINUTE_MS },
      { kind: "controller.restore", atMs: 80 * MINUTE_MS, ageMs: 30 * MINUTE_MS },
      { kind: "controller.restore", atMs: 120 * MINUTE_MS, ageMs: 30 * MINUTE_MS },
      { kind: "controller.restore", atMs: 160 * MINUTE_MS, ageMs: 30 * MINUTE_MS },
      { kind: "controller.restore", atMs: 190 * MINUTE_MS, ageMs: 30 * MINUTE_MS },
      { kind: "github.busy-flag-never", perJob: 1 },
      {
        kind: "github.offline-while-working",
        perJob: 1,
        afterMs: [SECOND_MS, 10 * SECOND_MS],
        forMs: [60 * MINUTE_MS, 90 * MINUTE_MS],
      },
    ],
    arrivals: { perHour: 30, duration: { p50Ms: 15 * MINUTE_MS, p95Ms: 40 * MINUTE_MS } },
    durationMs: 5 * HOUR_MS,
  },
};
