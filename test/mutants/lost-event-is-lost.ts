import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/connection/discover.ts",
  text: 'if (!context.isHolding() || isResting(context, "discover")) return;',
  replacement: "return;",
  invariant: "I5",
  nets: [
    {
      source: "src/controllers/connection/recover.ts",
      text: 'if (!context.isHolding() || isResting(context, "recover")) return;',
      replacement: "return;",
    },
  ],
  why: "A job whose event was lost is looked for nowhere: it waits for ever.",
  world: {
    faults: [{ kind: "github.webhook-lost", probability: 0.8 }],
    arrivals: { perHour: 40 },
  },
};
