// Every mutant fits the sources as they are today. That the simulator finds each of them is `holdfast simulate --mutants all`.
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listMutants } from "../../../src/app/simulate/mutants.ts";
import { changesOf, type Mutant } from "../../../src/simulator/mutants/mutant.ts";
import { plant } from "../../../src/simulator/mutants/plant.ts";
import { worldForMutant } from "../../../src/simulator/mutants/world-for-mutant.ts";
import { INVARIANTS } from "../../../src/simulator/scenario/result.ts";
import { ROOT } from "../../house/temp-tree.ts";

const MUTANTS_MIN = 25;
/** What the world runs; other folders are models of it there. */
const SIMULATED = /^src\/(domain|controllers|http|store|adapters\/(asg|aws|kubernetes))\//;

const mutants = await Promise.all(
  listMutants(null).map(async (name): Promise<[string, Mutant]> => {
    const file = (await import(`../../mutants/${name}.ts`)) as { readonly mutant: Mutant };
    return [name, file.mutant];
  }),
);

it(`are ${MUTANTS_MIN} at least, for every invariant one`, () => {
  expect(mutants.length).toBeGreaterThanOrEqual(MUTANTS_MIN);
  expect(new Set(mutants.map(([, { invariant }]) => invariant))).toEqual(new Set(INVARIANTS));
});

it("are each another one", () => {
  const changes = mutants.map(([, mutant]) => JSON.stringify(changesOf(mutant)));
  expect(new Set(changes).size).toBe(mutants.length);
});

describe.each(mutants)("%s", (name, mutant) => {
  const bySource = Map.groupBy(changesOf(mutant), ({ source }) => source);

  it.each([...bySource])("changes %s, which still parses and is another", (source, changes) => {
    expect(source).toMatch(SIMULATED);
    const text = readFileSync(join(ROOT, source), "utf8");
    const planted = plant(source, text, changes);
    expect(stripTypeScriptTypes(planted)).not.toBe(stripTypeScriptTypes(text));
  });

  it("has a world of its own for each seed, in which faults stop before the end", () => {
    const first = worldForMutant(name, mutant, 1);
    expect(first.faults).toEqual(mutant.world.faults);
    expect(first.faultsEndMs).toBeLessThan(first.durationMs);
    expect(worldForMutant(name, mutant, 1)).toEqual(first);
    const worlds = [1, 2, 3, 4].map((seed) => JSON.stringify(worldForMutant(name, mutant, seed)));
    if (mutant.world.arrivals?.perHour === undefined) expect(new Set(worlds).size).toBeGreaterThan(1);
  });

  it("says in one sentence what happens then", () => {
    expect(mutant.why).toMatch(/^[A-Z].*\.$/);
  });
});
