import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/follow-ticket.ts",
  text: 'if (held.isWorkerSeen || files.facts.hasJobCompleted || phase.kind === "failed")',
  replacement: 'if (phase.kind === "failed")',
  invariant: "I7",
  nets: [
    {
      source: "src/domain/attend.ts",
      text: 'if (end.kind === "spent" || ticket.state.kind === "running") return',
      replacement: 'if (end.kind === "spent") return',
    },
  ],
  why: "A runner that ran its job counts as one that ended without: every ticket is barren, and the pool's breaker opens in a world in which nothing goes wrong.",
  world: { faults: [] },
};
