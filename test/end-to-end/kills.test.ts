/**
 * Kills of the controller and of agents, at moments that a seed decides, while jobs run: nothing is killed, nothing is left,
 * nothing is run twice. By GitHub's own word and by the process table.
 *
 * `KILLS` (of either kind) and `KILLS_SEED` change a run by hand: `KILLS=100 npx vitest run test/end-to-end/kills.test.ts`.
 */
import { afterEach, describe, expect, it } from "vitest";
import { startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import { type House, openHouseAt } from "./house.ts";
import { planWaves } from "./kill-plan.ts";
import { KillStage } from "./kill-stage.ts";

const SEED = Number(process.env.KILLS_SEED ?? 20_260_911);
const KILL_COUNT = Number(process.env.KILLS ?? 6);
const JOBS_PER_KILL = 5;
const KILLS_PER_WAVE = 8;
const MACHINES_MAX = 8;
/** Many times what a kill takes where nothing else runs, and everything that may be waited for once. */
const KILL_MS = 20_000;
const SPARE_MS = 640_000;

let house: House;
let stage: KillStage | null = null;
afterEach(async () => {
  stage?.close();
  await house.close();
});

describe("kills at random moments", () => {
  it(
    "kill no job, leave nothing, and nothing is run twice",
    async () => {
      const started = performance.now();
      const waveCount = Math.max(1, Math.round(KILL_COUNT / KILLS_PER_WAVE));
      const waves = planWaves({ seed: SEED, killCount: KILL_COUNT, jobCount: JOBS_PER_KILL * KILL_COUNT, waveCount });
      // GitHub sends nothing twice: what was lost while the controller was away it has to find by itself.
      const github = await startSimulatedGitHub({
        repositories: ["acme/widgets"],
        github: { pointsPerMinute: 0, primaryLimit: 0 },
      });
      house = await openHouseAt(github, {
        connections: { main: { hooks: [{ kind: "organization", organization: "acme" }] } },
        pools: [{ machines: { max: MACHINES_MAX }, deadlines: { idleTicket: "1s" } }],
      });
      stage = new KillStage(house);
      process.stdout.write(`kills: seed ${SEED}\n`);
      await stage.run(waves);
      const { tally, ledger, store } = stage;
      const seconds = ((performance.now() - started) / 1_000).toFixed(0);
      process.stdout.write(
        `${tally.table()}\n${[...store.readEnds()].map(([what, count]) => `${what}: ${count}`).join("\n")}\n` +
          `seed ${SEED}: ${ledger.jobCount} jobs (${ledger.cancelledCount} cancelled while queued, ${ledger.delayCount} delays) ` +
          `through ${tally.count("controller", "kill")} kills of the controller and ${tally.count("agent", "kill")} of agents, ` +
          `${tally.count("controller", "pause")} and ${tally.count("agent", "pause")} pauses, ` +
          `${tally.restartCount} restarts, ${store.countAdopted()} adopted, ${tally.emptyCount} times empty, at most ${tally.mostMachines} machines, in ${seconds} s\n`,
      );
      expect(ledger.violations()).toEqual([]);
      expect([tally.count("controller", "kill"), tally.count("agent", "kill")]).toEqual([KILL_COUNT, KILL_COUNT]);
      expect(store.countAdopted()).toBe(0);
      expect(ledger.jobCount).toBeGreaterThanOrEqual(JOBS_PER_KILL * KILL_COUNT);
      expect(tally.mostMachines).toBeLessThanOrEqual(MACHINES_MAX);
    },
    2 * KILL_COUNT * KILL_MS + SPARE_MS,
  );
});
