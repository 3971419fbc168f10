import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/hand-back.ts",
  text: 'if (kind === "delivered") return isPast(sinceMs, onlineMs, time) ? "runner-late" : null;',
  replacement: 'if (kind === "delivered") return null;',
  invariant: "I2",
  why: "A listener that never gets a session is never asked for its ticket: its machine stays.",
  world: { faults: [{ kind: "host.runner-never-online", perTicket: 0.1 }] },
};
