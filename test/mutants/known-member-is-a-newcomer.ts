import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

const SILENCE = {
  kind: "host.cut-off",
  from: "controller",
  everyMs: 30 * SECOND_MS,
  forMs: [20 * MINUTE_MS, 30 * MINUTE_MS],
} as const;

export const mutant: Mutant = {
  source: "src/adapters/asg/newcomers.ts",
  text: "const sinceMs = this.#sinceOf(one);",
  replacement: "const sinceMs = this.#sinceOf(one) ?? startedAtMs;",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/observe/adopt.ts",
      text: "return newcomerSinceMs !== null && nowMs - newcomerSinceMs < bootMs && !hadRow;",
      replacement: "return newcomerSinceMs !== null && nowMs - newcomerSinceMs < bootMs;",
    },
  ],
  why: "Whoever has no row counts as just started: a member at work whose row was lost, and that is cut off, is ended under its job as never engaged.",
  world: {
    provider: "asg",
    faults: [
      { kind: "controller.row-lost", perJob: 0.5, afterMs: [MINUTE_MS, 3 * MINUTE_MS] },
      { kind: "controller.crash", everyMs: 6 * MINUTE_MS },
      SILENCE,
      SILENCE,
    ],
    pool: { machineCountMax: 30 },
    arrivals: { perHour: 60, duration: { p50Ms: 20 * MINUTE_MS, p95Ms: 30 * MINUTE_MS } },
    durationMs: 60 * MINUTE_MS,
  },
};
