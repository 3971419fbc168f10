import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Mutant } from "../../src/simulator/mutants/mutant.ts";

export const mutant: Mutant = {
  source: "src/controllers/observe/adopt.ts",
  text: "const FOUND_AGAIN_MS = MINUTE_MS;",
  replacement: "const FOUND_AGAIN_MS = -MINUTE_MS;",
  invariant: "I7",
  why: "A listing that began before a machine went is read after its row closed: the dead machine is adopted as a stray.",
  world: { faults: [], pace: 1, arrivals: { perHour: 120, duration: { p50Ms: 30 * SECOND_MS, p95Ms: 2 * MINUTE_MS } } },
};
