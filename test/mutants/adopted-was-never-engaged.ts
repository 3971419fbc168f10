import { MINUTE_MS } from "../../src/domain/units.ts";
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
    {
      source: "src/controllers/observe/adopt.ts",
      text: "if (standIn !== null) await insertTicket(tx, standIn);",
      replacement: "",
    },
    {
      source: "src/domain/machine.ts",
      text: 'return origin === "launched" && retireWhenSpent === "adopted";',
      replacement: "return false;",
    },
  ],
  why: "A machine whose row is lost with an hour of the store is taken for one of our own launches that nobody was heard from: cut off from us, it is ended by its boot deadline under its job.",
  world: {
    faults: [
      { kind: "controller.restore", atMs: 25 * MINUTE_MS, ageMs: 25 * MINUTE_MS },
      { kind: "host.cut-off", from: "controller", everyMs: 2 * MINUTE_MS, forMs: [15 * MINUTE_MS, 25 * MINUTE_MS] },
    ],
    pool: { machineCountMax: 60 },
    arrivals: { perHour: 20, duration: { p50Ms: 40 * MINUTE_MS, p95Ms: 50 * MINUTE_MS } },
    durationMs: 75 * MINUTE_MS,
  },
};
