import { expect, it } from "vitest";
import { Chance, type Range } from "../../../src/simulator/world/chance.ts";

const COUNT = 4_000;

function draw<Value>(of: (chance: Chance) => Value, chance = new Chance(1), count = COUNT): readonly Value[] {
  return Array.from({ length: count }, () => of(chance));
}

function shareOf(values: readonly number[], isIn: (value: number) => boolean): number {
  return values.filter(isIn).length / values.length;
}

it("draws the same for the same seed, and something else for another", () => {
  const of = (chance: Chance) => draw((one) => one.fraction(), chance, 20);
  expect(of(new Chance(7))).toEqual(of(new Chance(7)));
  expect(of(new Chance(7))).not.toEqual(of(new Chance(8)));
});

it("gives each name a stream of its own, whatever was drawn before and by whom", () => {
  const untouched = draw((one) => one.fraction(), new Chance(7).fork("host/1"), 20);
  const touched = new Chance(7);
  touched.fraction();
  touched.fork("host/2").fraction();
  expect(draw((one) => one.fraction(), touched.fork("host/1"), 20)).toEqual(untouched);
  const first = (name: string, seed = 7) => new Chance(seed).fork(name).fraction();
  expect(new Set([first("host/1"), first("host/2"), first("host/11"), first("host/1", 8)]).size).toBe(4);
});

it("always does what is certain, and never what is impossible", () => {
  expect(draw((chance) => chance.happens(1)).every(Boolean)).toBe(true);
  expect(draw((chance) => chance.happens(0)).some(Boolean)).toBe(false);
  expect(draw((chance) => chance.happens(0.3)).filter(Boolean).length / COUNT).toBeCloseTo(0.3, 1);
});

it("draws whole numbers with both ends, and others in between", () => {
  const range: Range = [3, 5];
  expect(new Set(draw((chance) => chance.whole(range)))).toEqual(new Set([3, 4, 5]));
  const between = draw((chance) => chance.between(range));
  expect(between.every((value) => value >= 3 && value <= 5)).toBe(true);
  expect(shareOf(between, (value) => value < 4)).toBeCloseTo(0.5, 1);
  expect(new Chance(1).between([4, 4])).toBe(4);
});

it("picks each of several", () => {
  expect(new Set(draw((chance) => chance.pick(["a", "b", "c"])))).toEqual(new Set(["a", "b", "c"]));
});

it("waits as long as it is told on average, and never less than no time", () => {
  const waits = draw((chance) => chance.wait(1_000));
  const mean = waits.reduce((sum, wait) => sum + wait, 0) / COUNT;
  expect(mean).toBeGreaterThan(950);
  expect(mean).toBeLessThan(1_050);
  expect(waits.every((wait) => wait >= 0 && Number.isFinite(wait))).toBe(true);
});

it("spreads half below the first number and one in twenty above the second", () => {
  const values = draw((chance) => chance.spread(60, 600));
  expect(shareOf(values, (value) => value < 60)).toBeCloseTo(0.5, 1);
  expect(shareOf(values, (value) => value > 600)).toBeGreaterThan(0.04);
  expect(shareOf(values, (value) => value > 600)).toBeLessThan(0.06);
  expect(draw((chance) => chance.spread(60, 30), new Chance(1), 20)).toEqual(Array.from({ length: 20 }, () => 60));
});

it("makes tokens of lower-case letters and digits, each another", () => {
  const tokens = draw((chance) => chance.token(16));
  expect(tokens.every((token) => /^[a-z0-9]{16}$/.test(token))).toBe(true);
  expect(new Set(tokens).size).toBe(COUNT);
});
