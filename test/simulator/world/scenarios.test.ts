/** The incidents, and the worlds in which the simulator found something: in none of them do we lose or leave anything. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readScenario } from "../../../src/app/simulate/read-scenario.ts";
import { runWorld } from "../../../src/app/simulate/run-world.ts";
import { ROOT } from "../../house/temp-tree.ts";

/** Each takes seconds, on a machine that may be busy. */
const PATIENCE_MS = 240_000;

const FILES = ["test/scenarios", "test/scenarios/finds"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name)),
);

it("are there", () => {
  for (const name of ["scale-down-toctou", "broker-rest-desync", "flag-lag-and-drop", "ec2-orphans-quota-spiral"])
    expect(FILES).toContain(join("test", "scenarios", `${name}.yaml`));
  expect(FILES.length).toBeGreaterThan(3);
});

it.each(FILES)("%s", { timeout: PATIENCE_MS }, async (file) => {
  const { scenario, seed } = await readScenario(join(ROOT, file));
  const result = await runWorld({ ...scenario, algorithm: "holdfast" }, { seed });
  expect(result.violations).toEqual([]);
  expect(result.jobs).toMatchObject({ killedByUs: 0, lostForced: 0, open: 0 });
  expect(result.jobs.total).toBeGreaterThan(0);
  expect(result.machines.leaked).toBe(0);
  expect(result.ghosts.leftover).toBe(0);
});
