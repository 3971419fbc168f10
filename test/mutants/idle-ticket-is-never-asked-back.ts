import { SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/hand-back.ts",
  text: 'if (!isWaitedFor(ticket, input.waiting)) return "idle-ticket";',
  replacement: "",
  invariant: "I2",
  nets: [
    {
      source: "src/domain/hand-back.ts",
      text: 'return isExpecting && isPast(idleSinceMs, Math.max(DEAF_AFTER_MS, idleTicketMs), time) ? "deaf-listener" : null;',
      replacement: "return null;",
    },
  ],
  why: "A listener whose job went elsewhere waits for another one for ever, and its machine with it.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
  },
};
