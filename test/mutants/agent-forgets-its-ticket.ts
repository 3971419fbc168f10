import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/step.ts",
  text: "const open = records.find((record) => record.end === null);",
  replacement: "const open = records.find(() => false);",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/slow-proofs.ts",
      text: "return unique(out.flatMap((ticket) => missingForTerminal(facts.jobs.get(ticket.id) ?? [], time, WORKS_ON_MAX_MS)));",
      replacement: 'return ["job-not-terminal"];',
    },
  ],
  why: "An agent that starts again does not take over the ticket of the one before it: nobody ever says how it ended, and its machine stays.",
  world: { faults: [{ kind: "host.agent-crash", everyMs: 4 * MINUTE_MS }] },
};
