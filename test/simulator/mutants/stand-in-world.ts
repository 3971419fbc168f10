/** Stands in for the world: it shows a violation where an open breaker lets nothing be tried any more. */
import { mayProbe } from "../../../src/domain/breakers.ts";
import type { Violation } from "../../../src/simulator/scenario/result.ts";
import type { RunWorld } from "../../../src/simulator/scenario/run-world.ts";

/** So that not every seed shows it. */
const QUIET_SEEDS = 2;

function violation(invariant: Violation["invariant"], what: string): Violation {
  return { invariant, atMs: 1, what, machine: null, job: null, timeline: [], explanation: [] };
}

export const runWorld: RunWorld = async (scenario, { seed }) => {
  const violations: Violation[] = [];
  if (scenario.name === "mutant-breaks-the-sound-one-too") violations.push(violation("I3", "both break it"));
  // Nothing but a signal ends it.
  while (scenario.name === "mutant-never-ends" && seed > 1);
  const breaker = { kind: "open", sinceMs: 0, failureCount: 3, nextProbeAtMs: 0 } as const;
  if (seed > QUIET_SEEDS && !mayProbe(breaker, false, 1)) {
    violations.push(violation("I6", `nothing says why in seed ${seed}`));
    if (scenario.name !== "mutant-found-by-another") violations.push(violation("I5", `a job waits in seed ${seed}`));
  }
  // Nothing else of a result is looked at.
  return { violations } as unknown as Awaited<ReturnType<RunWorld>>;
};
