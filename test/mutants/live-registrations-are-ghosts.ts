import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/store/tickets/list.ts",
  text: '.where("state", "in", OVER_STATES)',
  replacement: "",
  invariant: "I1",
  nets: [
    {
      source: "src/controllers/sweep.ts",
      text: 'if (!isTicketOver(ticket)) return "registration-not-over";',
      replacement: "",
    },
    {
      source: "src/domain/permit.ts",
      text: "if (!isTicketOver(ticket) || ticket.runnerId === null) return",
      replacement: "if (ticket.runnerId === null) return",
    },
    { source: "src/controllers/may-be-held.ts", text: "if (isNamed) return true;", replacement: "" },
  ],
  why: "The sweep takes every registration for a ghost, and deletes those of listeners that wait for their jobs.",
  world: { faults: [], pool: { warmRegisteredCount: 2 } },
};
