import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/observe.ts",
  text: "for (const machine of rows) {",
  replacement:
    "const after = { includeGone: false, limitCount: MACHINES_MAX };\n    for (const machine of await listMachinesOfPool(context.store.db, context.pool.name, after)) {",
  invariant: "I7",
  why: "A machine that was started while the provider was listed counts as one that the listing lacks: its marks seem lost in a world in which nothing goes wrong.",
  world: { faults: [], pace: 1, arrivals: { perHour: 120, duration: { p50Ms: 30 * SECOND_MS, p95Ms: 2 * MINUTE_MS } } },
};
