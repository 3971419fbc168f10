import { SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/execute/mint.ts",
  text: 'const asked: Ticket = { ...ticket, registration: "unknown", version: ticket.version + 1 };',
  replacement: 'const asked: Ticket = { ...ticket, registration: "none", version: ticket.version + 1 };',
  invariant: "I2",
  why: "GitHub's answer to a request for a registration is lost and the job is cancelled: the ticket is void, and the registration that it may have is forgotten.",
  world: {
    faults: [
      { kind: "github.answer-lost", probability: 0.3 },
      { kind: "github.cancelled", perJob: 0.5, afterMs: [SECOND_MS, 30 * SECOND_MS] },
    ],
  },
};
