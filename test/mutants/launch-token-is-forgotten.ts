import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/launch.ts",
  text: "launchId: launch.id,",
  replacement:
    "launchId: launch.attemptCount === 0 ? launch.id : ((launch.id + launch.attemptCount) as typeof launch.id),",
  invariant: "I3",
  why: "A launch whose answer is lost is repeated under another token: its machines are started twice.",
  world: {
    faults: [{ kind: "provider.answer-lost", probability: 0.15 }],
    pool: { machineCountMax: 4 },
    arrivals: { perHour: 90 },
  },
};
