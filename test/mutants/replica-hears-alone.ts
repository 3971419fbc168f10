import { MINUTE_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/replicas.ts",
  text: "for (const heard of await readHeardElsewhere(store.db, listener)) hearing.noteElsewhere(heard);",
  replacement: "void [readHeardElsewhere, store, listener, hearing];",
  invariant: "I1",
  nets: [
    {
      source: "src/domain/slow-proofs.ts",
      text: "missing.push(...missingForAway(ticket, facts, time), ...missingForJobs(ticket, question));",
      replacement: "missing.push(...missingForJobs(ticket, question));",
    },
  ],
  why: "Agents speak to another replica than the one that holds the pool: that one takes their hosts for lost, and ends them with what they run.",
  world: {
    faults: [
      { kind: "controller.replica", everyMs: 6 * MINUTE_MS, forMs: [70 * MINUTE_MS, 90 * MINUTE_MS] },
      { kind: "github.completed-while-working", perJob: 1 },
    ],
    deadlines: { lostHostMs: 5 * MINUTE_MS },
    arrivals: { perHour: 12, duration: { p50Ms: 80 * MINUTE_MS, p95Ms: 100 * MINUTE_MS } },
    durationMs: 90 * MINUTE_MS,
  },
};
