import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/domain/adoption.ts",
  text: 'state: { kind: "engaged", providerId: stray.providerId, ticketId: standIn.id, sinceMs: nowMs },',
  replacement: 'state: { kind: "provisioning", providerId: stray.providerId, sinceMs: nowMs },',
  invariant: "I1",
  nets: [
    { source: "src/domain/adoption.ts", text: 'origin: "adopted",', replacement: 'origin: "launched",' },
    { source: "src/domain/adoption.ts", text: "ticketsGiven: 1,", replacement: "ticketsGiven: 0," },
    { source: "src/domain/adoption.ts", text: "isAgentSeen: true,", replacement: "isAgentSeen: false," },
    { source: "src/controllers/observe/adopt.ts", text: "await insertTicket(tx, standIn);", replacement: "" },
  ],
  why: "A machine whose row is lost with an hour of the store is taken for one of our own launches that nobody was heard from: cut off from us, it is ended by its boot deadline under its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 75 * MINUTE_MS, ageMs: 60 * MINUTE_MS },
      { kind: "controller.restore", atMs: 125 * MINUTE_MS, ageMs: 60 * MINUTE_MS },
      { kind: "controller.restore", atMs: 180 * MINUTE_MS, ageMs: 60 * MINUTE_MS },
      { kind: "host.cut-off", from: "controller", everyMs: 4 * MINUTE_MS, forMs: [15 * MINUTE_MS, 40 * MINUTE_MS] },
    ],
    arrivals: { perHour: 15, duration: { p50Ms: 30 * MINUTE_MS, p95Ms: 60 * MINUTE_MS } },
    durationMs: 5 * HOUR_MS,
  },
};
