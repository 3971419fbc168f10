import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/permit.ts",
  text: 'if (!isOurRunnerName(runner.name, request.controllerId)) missing.push("not-ours-from-the-start");',
  replacement: "",
  invariant: "I4",
  nets: [
    {
      source: "src/controllers/sweep-unknown.ts",
      text: "return runners.filter(({ name }) => isOurRunnerName(name, context.controllerId));",
      replacement: "return runners;",
    },
    {
      source: "src/domain/permit.ts",
      text: "export const UNKNOWN_OFFLINE_FOR_MS = DAY_MS;",
      replacement: "export const UNKNOWN_OFFLINE_FOR_MS = 0;",
    },
  ],
  why: "Whatever runner GitHub lists as offline counts as one of ours that nobody knows, and its registration is deleted.",
  world: { faults: [] },
};
