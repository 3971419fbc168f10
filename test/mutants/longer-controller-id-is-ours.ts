import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/runner-name.ts",
  text: "return name.startsWith(prefix) && RANDOM_PART.test(name.slice(prefix.length));",
  replacement: "return name.startsWith(prefix);",
  invariant: "I4",
  nets: [
    {
      source: "src/domain/permit.ts",
      text: "export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;",
      replacement: "export const UNKNOWN_OFFLINE_FOR_MS = 0;",
    },
  ],
  why: "The registrations of another Holdfast, whose id begins with ours, count as ours that nobody knows, and are deleted.",
  world: { faults: [] },
};
