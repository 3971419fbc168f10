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
      text: "if (lease === null || ticket === null || !isTicketOver(ticket)) return true;",
      replacement: "if (lease === null || ticket === null) return true;",
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
    faults: [
      { kind: "github.taken-elsewhere", perJob: 0.2 },
      { kind: "github.cancelled", perJob: 0.3, afterMs: [5 * SECOND_MS, 90 * SECOND_MS] },
      { kind: "host.agent-pause", everyMs: 2 * MINUTE_MS, forMs: [5 * SECOND_MS, 30 * SECOND_MS] },
    ],
    arrivals: { perHour: 150, duration: { p50Ms: 2 * MINUTE_MS, p95Ms: 5 * MINUTE_MS } },
  },
};
