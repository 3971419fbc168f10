// Mutants in processes of their own, behind the real module hook; only the world is a stand-in.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listMutants, type MutantOutcome, runMutants } from "../../../src/app/simulate/mutants.ts";
import type { Mutant } from "../../../src/simulator/mutants/mutant.ts";

const WORLD = new URL("./stand-in-world.ts", import.meta.url);
/** Each process compiles a little of the product, on a machine that may be busy. */
const PATIENCE_MS = 120_000;

const NO_PROBE: Mutant = {
  source: "src/domain/breakers.ts",
  text: 'return breaker.kind === "closed" || (!isTrying && nowMs >= breaker.nextProbeAtMs);',
  replacement: 'return breaker.kind === "closed";',
  invariant: "I5",
  why: "An open breaker lets nothing be tried any more.",
  world: { faults: [] },
};

const PLANTED: Readonly<Record<string, Mutant>> = {
  found: NO_PROBE,
  "found-by-another": NO_PROBE,
  "breaks-the-sound-one-too": NO_PROBE,
  "sound-one-breaks-later": NO_PROBE,
  survives: { ...NO_PROBE, text: "failuresMax: number", replacement: "failuresMax: number" },
  "not-there": { ...NO_PROBE, text: "nobody wrote this" },
  "there-twice": { ...NO_PROBE, text: "madeAtMs" },
  "never-loaded": { ...NO_PROBE, source: "src/domain/guards.ts", text: "const ENDINGS_MIN = 2;", replacement: "" },
};

let folder: string;
let outcomes: readonly MutantOutcome[];
const told: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-mutants-"));
  for (const [name, mutant] of Object.entries(PLANTED))
    writeFileSync(join(folder, `${name}.ts`), `export const mutant = ${JSON.stringify(mutant)};\n`);
  const onOutcome = ({ name }: MutantOutcome) => void told.push(name);
  outcomes = await runMutants({ names: null, seedCount: 4, concurrentMax: 2, folder, world: WORLD, onOutcome });
}, PATIENCE_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function outcomeOf(name: string): MutantOutcome {
  const found = outcomes.find((outcome) => outcome.name === name);
  if (found === undefined) throw new Error(`${name} has no outcome`);
  return found;
}

it("finds the one that shows, by the invariant that was expected of several", () => {
  expect(outcomeOf("found")).toEqual({
    name: "found",
    source: "src/domain/breakers.ts",
    expected: "I5",
    caughtBy: "I5",
    seedsTried: 3,
    violation: "a job waits in seed 3",
  });
});

it("takes one that another invariant finds for found, and shows which", () => {
  expect(outcomeOf("found-by-another")).toMatchObject({ expected: "I5", caughtBy: "I6", seedsTried: 3 });
});

it("lets survive what does not show", () => {
  expect(outcomeOf("survives")).toMatchObject({ caughtBy: null, seedsTried: 4, violation: null });
});

it("does not count what the sound product shows in the same world, and goes on to the next", () => {
  expect(outcomeOf("breaks-the-sound-one-too")).toMatchObject({ caughtBy: "I5", seedsTried: 3 });
});

it("asks the sound product only for what it shows until then", () => {
  expect(outcomeOf("sound-one-breaks-later")).toMatchObject({ caughtBy: "I5", seedsTried: 3 });
});

it.each([
  ["not-there", 0, /src\/domain\/breakers\.ts has the text of a mutant 0 times/],
  ["there-twice", 0, /of a mutant \d+ times/],
  ["never-loaded", 4, /never loaded, and so not changed: src\/domain\/guards\.ts/],
] as const)("calls %s no trial at all, and says why", (name, seedsTried, why) => {
  const { violation, ...rest } = outcomeOf(name);
  expect(rest).toMatchObject({ caughtBy: null, seedsTried });
  expect(violation).toMatch(why);
});

it("ends a process that does not end by itself", { timeout: PATIENCE_MS }, async () => {
  const place = mkdtempSync(join(folder, "endless-"));
  writeFileSync(join(place, "never-ends.ts"), `export const mutant = ${JSON.stringify(NO_PROBE)};\n`);
  const request = { names: null, seedCount: 4, concurrentMax: 1, folder: place, world: WORLD, trialMaxMs: 2_000 };
  const [outcome] = await runMutants(request);
  expect(outcome).toMatchObject({ caughtBy: null, violation: "it took longer than 2 seconds" });
});

it("tells of each as it is done, and gives all in the order of their names", () => {
  const names = Object.keys(PLANTED).sort();
  expect(outcomes.map(({ name }) => name)).toEqual(names);
  expect([...told].sort()).toEqual(names);
});

it("says what to do where a name is not known, or none is there", () => {
  expect(listMutants(["found"], folder)).toEqual(["found"]);
  expect(() => listMutants(["lost"], folder)).toThrow("looking for the mutant lost");
  expect(() => listMutants(null, join(folder, "nowhere"))).toThrow("looking for mutants");
});
