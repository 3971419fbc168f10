import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/retire/end-machine.ts",
  text: "for (const ticket of lost) await loseTicket(tx, ticket, nowMs);",
  replacement: "",
  invariant: "I2",
  why: "The provider takes a machine, and the ticket that was out to it stays out: its registration is nobody's to delete.",
  world: { faults: [{ kind: "provider.reclaim", everyMs: 6 * MINUTE_MS }] },
};
