import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/follow-ticket.ts",
  text: "return again ?? barren(reasonOf(held, code));",
  replacement: 'return again ?? { kind: "end", end: { kind: "spent" } };',
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/sweep-unknown.ts",
      text: "  await reclaim(context, listed);\n",
      replacement: "  void [reclaim];\n",
    },
  ],
  why: "A runner that ended without a job counts as one that ran its job: GitHub is believed to have removed its registration, which one listing lacks and which stays.",
  world: {
    faults: [
      { kind: "host.runner-exits", perTicket: 1 },
      { kind: "github.taken-elsewhere", perJob: 0.5 },
      { kind: "github.missing-from-listing", probability: 0.2 },
    ],
  },
};
