import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/supply.ts",
  text: "return isPast(ticket.state.sinceMs, onlineMs, time);",
  replacement: "return false;",
  invariant: "I5",
  nets: [
    {
      source: "src/domain/hand-back.ts",
      text: 'if (kind === "delivered") return isPast(sinceMs, onlineMs, time) ? "runner-late" : null;',
      replacement: 'if (kind === "delivered") return null;',
    },
  ],
  why: "A ticket whose listener never gets a session counts as the one on its way to the job: the job waits for it for ever.",
  world: { faults: [{ kind: "host.runner-never-online", perTicket: 0.1 }] },
};
