// Two of the cheapest mutants in their real worlds: the broken product shows there, the sound one does not.
import { expect, it } from "vitest";
import { runMutants } from "../../../src/app/simulate/mutants.ts";
import { runWorld } from "../../../src/app/simulate/run-world.ts";
import { type SeedTried, tryMutant } from "../../../src/simulator/mutants/trial.ts";
import { mutant as completedIsStill } from "../../mutants/completed-is-still.ts";
import { mutant as launchTokenIsForgotten } from "../../mutants/launch-token-is-forgotten.ts";

const CHEAPEST = {
  "completed-is-still": completedIsStill,
  "launch-token-is-forgotten": launchTokenIsForgotten,
} as const;
/** A world is some seconds of work, on a machine that may be busy. */
const PATIENCE_MS = 180_000;

it("finds the broken product by the invariant that its guard keeps", { timeout: PATIENCE_MS }, async () => {
  const outcomes = await runMutants({ names: Object.keys(CHEAPEST), seedCount: 3, concurrentMax: 1 });
  expect(outcomes.map(({ name, caughtBy }) => [name, caughtBy])).toEqual(
    Object.entries(CHEAPEST).map(([name, { invariant }]) => [name, invariant]),
  );
});

it.each(Object.entries(CHEAPEST))(
  "shows nothing of the sound product in the world of %s",
  { timeout: PATIENCE_MS },
  async (name, mutant) => {
    const tried: SeedTried[] = [];
    await tryMutant(
      { name, mutant, seeds: { from: 1, to: 1, stopsAfterMs: null } },
      runWorld,
      (one) => void tried.push(one),
    );
    expect(tried).toEqual([{ seed: 1, violations: [] }]);
  },
);
