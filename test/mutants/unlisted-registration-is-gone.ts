import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/sweep.ts",
  text: 'return (await context.github.findRunner(ticket.scope, ticket.runnerName)).kind === "absent";',
  replacement: "return true;",
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/sweep-unknown.ts",
      text: "  await reclaim(context, listed);\n",
      replacement: "  void [reclaim];\n",
    },
  ],
  why: "A listing that changes between two pages lacks a runner: its registration counts as gone without a look by its name, and stays.",
  world: {
    faults: [
      { kind: "github.missing-from-listing", probability: 0.2 },
      { kind: "host.runner-exits", perTicket: 1 },
      { kind: "github.taken-elsewhere", perJob: 0.5 },
    ],
  },
};
