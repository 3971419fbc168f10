/** Stands in for the world: it shows a violation where an open breaker lets nothing be tried any more. */
import { mayProbe } from "../../../src/domain/breakers.ts";
import type { Violation } from "../../../src/simulator/scenario/result.ts";
import type { RunWorld } from "../../../src/simulator/scenario/run-world.ts";

/** So that not every seed shows it. */
const QUIET_SEEDS = 2;

const OPEN = { kind: "open", sinceMs: 0, failureCount: 3, nextProbeAtMs: 0 } as const;

function violation(invariant: Violation["invariant"], what: string): Violation {
  return { invariant, atMs: 1, what, machine: null, job: null, timeline: [], explanation: [] };
}

export const runWorld: RunWorld = async (scenario, { seed, stopsAfterMs = Number.POSITIVE_INFINITY }) => {
  const violations: Violation[] = [];
  if (scenario.name === "mutant-breaks-the-sound-one-too") violations.push(violation("I3", "both break it"));
  // The broken one is not asked: it ends at its first.
  if (
    scenario.name === "mutant-sound-one-breaks-later" &&
    seed > QUIET_SEEDS &&
    stopsAfterMs > 1 &&
    mayProbe(OPEN, false, 1)
  )
    violations.push(violation("I5", "the sound one breaks it later"));
  // Nothing but a signal ends it.
  while (scenario.name === "mutant-never-ends" && seed > 1);
  if (seed > QUIET_SEEDS && !mayProbe(OPEN, false, 1)) {
    violations.push(violation("I6", `nothing says why in seed ${seed}`));
    if (scenario.name !== "mutant-found-by-another") violations.push(violation("I5", `a job waits in seed ${seed}`));
  }
  // Nothing else of a result is looked at.
  return { violations } as unknown as Awaited<ReturnType<RunWorld>>;
};
