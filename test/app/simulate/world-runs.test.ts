import { describe, expect, it } from "vitest";
import { runWorlds, type WorldRun } from "../../../src/app/simulate/world-runs.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { BREAKS, DIES, resultFor, runWorld } from "./fake-world.ts";
import { read } from "./scenario-folder.ts";

const MODULE = new URL("./fake-world.ts", import.meta.url);

async function runs(name: string, seeds: readonly number[]): Promise<readonly WorldRun[]> {
  const { scenario } = await read({ name, duration: "1h" });
  return seeds.map((seed) => ({
    scenario: scenario satisfies Scenario,
    seed,
    again: `holdfast simulate a.yaml --seed ${seed}`,
  }));
}

describe("worlds", () => {
  it.each([1, 3])("come in the order in which they were asked for, from %i processes", async (processCount) => {
    const seeds = [5, 3, 1, 4, 2];
    const told: number[] = [];
    const onResult = ({ seed }: { readonly seed: number }) => told.push(seed);
    const results = await runWorlds(await runs("storm", seeds), { runWorld, processCount, module: MODULE, onResult });
    expect(results).toEqual(seeds.map((seed) => resultFor(seed)));
    expect([...told].sort()).toEqual([...seeds].sort());
  });

  it.each([1, 2])("that break are told of with their seed, from %i processes", async (processCount) => {
    const running = runWorlds(await runs(BREAKS, [1, 2, 3]), { runWorld, processCount, module: MODULE });
    await expect(running).rejects.toMatchObject({
      code: "world-failed",
      message: "running the world breaks with seed 2",
      wrong: expect.stringContaining("the world fell over"),
      mend: expect.stringContaining("holdfast simulate a.yaml --seed 2"),
    });
  });

  it("whose process dies are told of with their seed", async () => {
    const running = runWorlds(await runs(DIES, [1, 2, 3]), { runWorld, processCount: 2, module: MODULE });
    await expect(running).rejects.toMatchObject({
      code: "world-failed",
      message: "running the world dies with seed 2",
      wrong: expect.stringContaining("its process ended with SIGABRT"),
    });
  });
});
