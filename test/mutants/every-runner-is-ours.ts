import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/runner-name.ts",
  text: "return name.startsWith(prefix) && RANDOM_PART.test(name.slice(prefix.length));",
  replacement: "return true;",
  invariant: "I4",
  nets: [
    {
      source: "src/domain/permit.ts",
      text: "export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;",
      replacement: "export const UNKNOWN_OFFLINE_FOR_MS = 0;",
    },
  ],
  why: "Whatever runner GitHub lists as offline counts as one of ours that nobody knows, and its registration is deleted.",
  world: { faults: [{ kind: "github.taken-elsewhere", perJob: 0.2 }] },
};
