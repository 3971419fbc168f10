import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/observe/absence.ts",
  text: "const ABSENCE_MS = 5 * MINUTE_MS;",
  replacement: "const ABSENCE_MS = MINUTE_MS;",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/observe/absence.ts",
      text: "if (sinceMs === undefined || (stirredAtMs !== null && stirredAtMs >= sinceMs)) {",
      replacement: "if (sinceMs === undefined) {",
    },
  ],
  why: "A provider that does not know a new machine's id yet is taken at its word, though the agent speaks: the row closes, and the registration is deleted under its listener.",
  world: {
    faults: [
      { kind: "provider.listing-lag", lagMs: [2 * MINUTE_MS, 4 * MINUTE_MS] },
      { kind: "github.busy-flag-never", perJob: 1 },
    ],
    bootMs: [5 * SECOND_MS, 30 * SECOND_MS],
  },
};
