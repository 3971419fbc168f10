/** jit-runners #74 in the world of its file: the ledger that it had leaks until the quota is full; ours leaves nothing. */
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readScenario } from "../../../src/app/simulate/read-scenario.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import type { WorldResult } from "../../../src/simulator/scenario/result.ts";
import type { Algorithm } from "../../../src/simulator/scenario/scenario.ts";
import { runWorld } from "../../../src/simulator/world/run.ts";
import { ROOT } from "../../house/temp-tree.ts";

/** Two worlds of eight hours, on a machine that may be busy. */
const PATIENCE_MS = 240_000;
/** 32 vCPUs in each of two markets. */
const QUOTA = 16;
const FILE = join(ROOT, "test", "scenarios", "ec2-orphans-quota-spiral.yaml");

async function play(algorithm: Algorithm): Promise<WorldResult> {
  const { scenario, seed } = await readScenario(FILE);
  return runWorld({ ...scenario, algorithm }, { seed });
}

describe("age-cap", () => {
  let result: WorldResult;
  beforeAll(async () => {
    result = await play("age-cap");
  }, PATIENCE_MS);

  it("fills the quota with machines that nobody needs", () => {
    expect(result.machines.max).toBe(QUOTA);
    expect(result.machines.leaked).toBeGreaterThan(QUOTA / 2);
  });

  it("leaves jobs without a machine for ever", () => {
    expect(result.jobs.open).toBeGreaterThan(0);
  });
});

describe("Holdfast", () => {
  let result: WorldResult;
  beforeAll(async () => {
    result = await play("holdfast");
  }, PATIENCE_MS);

  it("meets the same faults", () => {
    for (const kind of ["provider.answer-lost", "host.never-boots", "provider.terminate-does-not-take"])
      expect(result.faults[kind]).toBeGreaterThan(5);
  });

  it("ends every machine whose use is over, whatever became of its launch", () => {
    expect(result.violations).toEqual([]);
    expect(result.machines).toMatchObject({ leaked: 0, strayMax: 0 });
    expect(result.ghosts.leftover).toBe(0);
  });

  it("never fills the quota, and runs every job within the boot deadline of a few machines one after the other", () => {
    expect(result.machines.max).toBeLessThan(QUOTA);
    expect(result.jobs).toMatchObject({ killedByUs: 0, lostForced: 0, open: 0 });
    expect(result.jobs.waitSeconds.max).toBeLessThan((20 * 60_000) / SECOND_MS);
  });

  it("makes no storm of launches: two calls for each machine at most, on average", () => {
    const { RunInstances = 0, CreateFleet = 0 } = result.calls.provider;
    expect(RunInstances + CreateFleet).toBeLessThan(2 * result.machines.launched);
  });
});
