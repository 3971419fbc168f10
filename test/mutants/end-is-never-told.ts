import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/host/follow-ticket.ts",
  text: "unconfirmed: [...written.unconfirmed, { id: held.id, end }],",
  replacement: "unconfirmed: written.unconfirmed,",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/host/account.ts",
      text: "if (record !== undefined) return nothingMore(repeatEnd({ ...state, expected: null }, ticketId));",
      replacement: "if (record !== undefined) return nothingMore({ ...state, expected: null });",
    },
    {
      source: "src/domain/slow-proofs.ts",
      text: "return unique(out.flatMap((ticket) => missingForTerminal(facts.jobs.get(ticket.id) ?? [], time, WORKS_ON_MAX_MS)));",
      replacement: 'return ["job-not-terminal"];',
    },
  ],
  why: "An agent writes its ticket's end down and tells nobody: the ticket stays out, and the machine with it.",
  world: { faults: [] },
};
