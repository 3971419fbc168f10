import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/assign/write-tickets.ts",
  text: "return !(await listTicketsOfMachine(tx, machineId)).some(isTicketLive);",
  replacement: "return true;",
  invariant: "I3",
  nets: [
    {
      source: "src/controllers/assign/plan-pool.ts",
      text: "free.filter((machine) => !withTicket.has(machine.id)),",
      replacement: "free,",
    },
    {
      source: "src/domain/plan-checks.ts",
      text: 'if (engaged.has(decision.machineId)) notes.push({ check: "one-live-ticket", subject: decision.machineId });',
      replacement: "",
    },
    {
      source: "src/store/migrations/0001-tables.ts",
      text: "create unique index tickets_live_machine on",
      replacement: "create index tickets_live_machine on",
    },
  ],
  why: "A machine that has its ticket and has not come for it yet is given a second one for the next job.",
  world: {
    faults: [],
    pool: { machineCountMax: 6 },
    arrivals: { perHour: 150 },
  },
};
