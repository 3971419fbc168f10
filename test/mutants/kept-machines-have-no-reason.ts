import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/retire.ts",
  text: "[...sound].map(([id, { kind: action, reason }]) => ({",
  replacement: "[...sound].slice(0, 0).map(([id, { kind: action, reason }]) => ({",
  invariant: "I6",
  why: "A machine is kept, and nobody can read why.",
  world: { faults: [], pool: { warmParkedCount: 4 }, arrivals: { perHour: 10 } },
};
