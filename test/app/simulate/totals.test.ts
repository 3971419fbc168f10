import { expect, it } from "vitest";
import { sumUp } from "../../../src/app/simulate/totals.ts";
import { resultFor, VIOLATION } from "./fake-world.ts";

function finish(seed: number, given: Parameters<typeof resultFor>[1] = {}) {
  return { result: resultFor(seed, given), startMs: 0, again: `holdfast simulate --seed ${seed}` };
}

it("adds what can be added, and takes the most of what is a most", () => {
  const totals = sumUp([finish(1), finish(2), finish(4)]);
  expect(totals).toMatchObject({
    worlds: 3,
    simulatedHours: 24,
    machineHours: 7.5,
    jobs: { total: 70, succeeded: 63, cancelled: 7 },
    machines: { launched: 8_400, max: 4, idleMinutes: 13.5, paidMinutes: 103.5 },
    retiredByProof: { parked: 7 },
    calls: { github: { "list-runners": 9, mint: 7 }, provider: { launch: 6 } },
    faults: { "controller.crash": 7 },
    delays: 3,
    violations: [],
  });
});

it("has the waits of the world in the middle, and the longest of all", () => {
  expect(sumUp([finish(9), finish(1), finish(3)]).waitSeconds).toEqual({ p50: 3, p95: 30, p99: 60, max: 900 });
});

it("leaves worlds without a job out of the waits", () => {
  const empty = finish(1, {
    jobs: { ...resultFor(1).jobs, total: 0, waitSeconds: { p50: 0, p95: 0, p99: 0, max: 0 } },
  });
  expect(sumUp([empty, finish(2), empty]).waitSeconds.p50).toBe(2);
});

it("says of each violation in which world it is seen again", () => {
  const [violation] = sumUp([finish(1), finish(2, { violations: [VIOLATION] })]).violations;
  expect(violation).toEqual({
    ...VIOLATION,
    scenario: "storm",
    seed: 2,
    algorithm: "holdfast",
    again: "holdfast simulate --seed 2",
  });
});

it("has another digest where one world has, or where the order is another", () => {
  const digests = [
    [1, 2],
    [1, 3],
    [2, 1],
  ].map((seeds) => sumUp(seeds.map((seed) => finish(seed))).digest);
  expect(new Set(digests).size).toBe(3);
  expect(sumUp([finish(1), finish(2)]).digest).toBe(digests[0]);
});
