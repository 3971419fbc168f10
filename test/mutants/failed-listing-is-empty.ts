import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/sweep.ts",
  text: 'return { kind: "failed", code: error.code };',
  replacement: 'return { kind: "listed", runners: [] };',
  invariant: "I2",
  nets: [
    {
      source: "src/controllers/sweep-unknown.ts",
      text: "  await reclaim(context, listed);\n",
      replacement: "  void [reclaim];\n",
    },
    {
      source: "src/controllers/sweep.ts",
      text: 'return (await context.github.findRunner(ticket.scope, ticket.runnerName)).kind === "absent";',
      replacement: "return true;",
    },
  ],
  why: "GitHub's list of runners fails, and what it does not show counts as gone: registrations of runners that ended without a job stay.",
  world: {
    faults: [
      { kind: "github.call-fails", probability: 0.15 },
      { kind: "host.runner-exits", perTicket: 1 },
      { kind: "github.taken-elsewhere", perJob: 0.5 },
    ],
  },
};
