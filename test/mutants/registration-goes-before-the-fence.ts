import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/sweep.ts",
  text: 'listTicketsInState(context.store.db, context.pool.name, ["handed-back"]);',
  replacement: 'listTicketsInState(context.store.db, context.pool.name, ["handed-back", "handing-back"]);',
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
  why: "A registration is deleted as soon as its ticket is asked back: the listener may still acquire, and cancels what it acquired once it finds itself gone.",
  world: {
    faults: [{ kind: "github.cancelled", perJob: 0.85, afterMs: [SECOND_MS, 4 * SECOND_MS] }],
    pool: { warmParkedCount: 4 },
    deadlines: { idleTicketMs: 10 * SECOND_MS },
    arrivals: { perHour: 200, duration: { p50Ms: MINUTE_MS, p95Ms: 3 * MINUTE_MS } },
  },
};
