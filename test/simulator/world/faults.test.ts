import { expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Fault, FaultOf } from "../../../src/simulator/scenario/fault.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { Faults } from "../../../src/simulator/world/faults.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";

const START_MS = 1_000_000;
const CRASH: Fault = { kind: "controller.crash", everyMs: 10 * MINUTE_MS };
const LOST: Fault = { kind: "github.webhook-lost", probability: 0.5 };

function make(faults: readonly Fault[], endMs = 10 * HOUR_MS) {
  const scheduler = new Scheduler(START_MS);
  return { scheduler, faults: new Faults(faults, new Chance(1).fork("faults"), scheduler, endMs) };
}

function strikes(faults: Faults, count: number): number {
  let struck = 0;
  for (let index = 0; index < count; index += 1)
    if (faults.strikes("github.webhook-lost", ({ probability }) => probability) !== null) struck += 1;
  return struck;
}

it("strikes at its share of the occasions, and counts how often it did", () => {
  const { faults } = make([LOST]);
  const struck = strikes(faults, 1_000);
  expect(struck).toBeGreaterThan(450);
  expect(struck).toBeLessThan(550);
  expect(faults.counts).toEqual({ "github.webhook-lost": struck });
});

it("never strikes with a share of none, always with a share of all, and not at all where it is not in the scenario", () => {
  const { faults } = make([LOST]);
  expect(faults.strikes("github.webhook-lost", () => 0)).toBeNull();
  expect(faults.strikes("github.webhook-lost", () => 1)).toBe(LOST);
  expect(faults.strikes("github.webhook-repeated", () => 1)).toBeNull();
  expect(faults.counts).toEqual({ "github.webhook-lost": 1 });
});

it("tries each of several of one kind, and is struck by the first at most", () => {
  const second: Fault = { kind: "github.webhook-lost", probability: 1 };
  const { faults } = make([{ kind: "github.webhook-lost", probability: 0 }, second]);
  expect(faults.strikes("github.webhook-lost", ({ probability }) => probability)).toBe(second);
  expect(faults.counts).toEqual({ "github.webhook-lost": 1 });
});

it("draws for each kind by itself: one fault more is otherwise the same world", () => {
  const alone = make([LOST]);
  const among = make([LOST, { kind: "github.call-fails", probability: 0.5 }]);
  const outcomes = ({ faults }: typeof alone) =>
    Array.from({ length: 50 }, () => {
      faults.strikes("github.call-fails", ({ probability }) => probability);
      return faults.strikes("github.webhook-lost", ({ probability }) => probability) !== null;
    });
  expect(outcomes(among)).toEqual(outcomes(alone));
});

it("has none once they have stopped", async () => {
  const { scheduler, faults } = make([LOST, CRASH], HOUR_MS);
  await scheduler.runUntil(START_MS + HOUR_MS - 1);
  expect(faults.isOn).toBe(true);
  expect(faults.of("controller.crash")).toEqual([CRASH]);
  await scheduler.runUntil(START_MS + HOUR_MS);
  expect(faults.isOn).toBe(false);
  expect(faults.of("controller.crash")).toEqual([]);
  expect(strikes(faults, 100)).toBe(0);
  expect(faults.counts).toEqual({});
});

it("lets those come that come by themselves, as often as they are to, and none after the end", async () => {
  const { scheduler, faults } = make([CRASH], 100 * HOUR_MS);
  const atMs: number[] = [];
  faults.recur<FaultOf<"controller.crash">>("controller.crash", () => atMs.push(scheduler.nowMs));
  await scheduler.runUntil(START_MS + 200 * HOUR_MS);
  expect(atMs.length).toBeGreaterThan(500);
  expect(atMs.length).toBeLessThan(700);
  expect(Math.max(...atMs)).toBeLessThan(START_MS + 100 * HOUR_MS);
  expect(faults.counts).toEqual({ "controller.crash": atMs.length });
});

it("lets two of one kind come at times of their own, and each with what it is", async () => {
  const pauses: readonly FaultOf<"controller.pause">[] = [
    { kind: "controller.pause", everyMs: 10 * MINUTE_MS, forMs: [1, 1] },
    { kind: "controller.pause", everyMs: 10 * MINUTE_MS, forMs: [2, 2] },
  ];
  const { scheduler, faults } = make(pauses);
  const atMs = new Map<number, number[]>([
    [1, []],
    [2, []],
  ]);
  faults.recur<FaultOf<"controller.pause">>("controller.pause", ({ forMs }) =>
    atMs.get(forMs[0])?.push(scheduler.nowMs),
  );
  await scheduler.runUntil(START_MS + 10 * HOUR_MS);
  expect(atMs.get(1)?.length).toBeGreaterThan(30);
  expect(atMs.get(2)?.length).toBeGreaterThan(30);
  expect(atMs.get(1)).not.toEqual(atMs.get(2));
});

it("counts what others saw happen, by kind in the order of their names", () => {
  const { faults } = make([]);
  faults.count("host.dies");
  faults.count("github.outage");
  faults.count("host.dies");
  expect(Object.entries(faults.counts)).toEqual([
    ["github.outage", 1],
    ["host.dies", 2],
  ]);
});
