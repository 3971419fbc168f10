import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/launch.ts",
  text: 'const done: LaunchRow = { ...launch, state: "done",',
  replacement: 'const done: LaunchRow = { ...launch, state: "open",',
  invariant: "I7",
  why: "A launch that was answered is made again and again.",
  world: { faults: [] },
};
