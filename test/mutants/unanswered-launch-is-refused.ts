import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/launch.ts",
  text: 'const isRefused = error.code !== "provider-unavailable";',
  replacement: "const isRefused = true;",
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/observe/adopt.ts",
      text: 'return row.state.kind === "gone" && ageMs(row.state.sinceMs, stray.observedAtMs) >= FOUND_AGAIN_MS;',
      replacement: "return false;",
    },
  ],
  why: "A launch whose answer is lost counts as refused: its rows close, and its machines run.",
  world: { faults: [{ kind: "provider.answer-lost", probability: 0.15 }] },
};
