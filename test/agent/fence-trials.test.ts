import { afterEach, describe, expect, it } from "vitest";
import { createRandom } from "./fence-plan.ts";
import { Stage, TRIALS_MAX_FACTOR } from "./fence-stage.ts";

/**
 * The proof of the fence: a job is sent to a runner while its ticket is asked for. Whatever the timing, the job either was
 * never acquired, goes back to the queue and is run by a later runner, or it runs to its end where it is.
 *
 * The steps are those of the blind window: message received, acknowledged, acquired, lease renewed, Worker spawned. What
 * happened is GitHub's own word. `FENCE_SEED`, `FENCE_TRIALS` and `FENCE_MACHINES` change a run by hand.
 */
const SEED = Number(process.env.FENCE_SEED ?? 20_260_819);
/** 2,000 and more by hand: `FENCE_TRIALS=2000 npx vitest run test/agent/fence-trials.test.ts`. */
const TRIAL_COUNT = Number(process.env.FENCE_TRIALS ?? 120);
const MACHINE_COUNT = Number(process.env.FENCE_MACHINES ?? 6);
/** Of each of the two outcomes: with fewer it would be a proof of the other one alone. */
const OUTCOME_COUNT = Math.ceil(TRIAL_COUNT / 10);
/** Many times what a trial takes where nothing else runs. */
const TRIAL_MS = 1_000;
const SPARE_MS = 120_000;

let stage: Stage | null = null;

afterEach(async () => {
  await stage?.clear();
  stage = null;
}, 60_000);

describe("a job that arrives while the fence closes", () => {
  it(
    "was either never started and queues again, or runs to its end",
    async () => {
      const started = performance.now();
      stage = new Stage({
        machineCount: MACHINE_COUNT,
        trialCount: TRIAL_COUNT,
        outcomeCount: OUTCOME_COUNT,
        random: createRandom(SEED),
      });
      await stage.run();
      const { tally } = stage;
      const seconds = ((performance.now() - started) / 1_000).toFixed(0);
      const [back, ran] = [tally.count("handed-back"), tally.count("ran")];
      process.stdout.write(
        `${tally.table()}\n${tally.details()}\n` +
          `seed ${SEED}: ${tally.dispatchedCount} jobs dispatched at a closing fence in ${seconds} s: ` +
          `${back} handed back before their start, ${ran} ran to their end, ${tally.violations().length} violations; a fence took ${stage.pace.fenceMs.toFixed(0)} ms\n`,
      );
      expect(tally.violations().map(({ violations, lastWords }) => [...violations, lastWords].join("\n"))).toEqual([]);
      expect(stage.troubles).toEqual([]);
      expect(tally.dispatchedCount).toBeGreaterThanOrEqual(TRIAL_COUNT);
      expect(Math.min(back, ran)).toBeGreaterThanOrEqual(OUTCOME_COUNT);
    },
    TRIALS_MAX_FACTOR * TRIAL_COUNT * TRIAL_MS + SPARE_MS,
  );
});
