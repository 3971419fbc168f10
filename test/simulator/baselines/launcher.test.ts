import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { pool } from "../../domain/builders.ts";
import { at, makeFleetScene, type SceneOptions } from "./fleet-scene.ts";

const FLAG = "flag-then-deregister";

function jobs(count: number, durationMs = MINUTE_MS) {
  return Array.from({ length: count }, (_, index) => ({ name: `job-${index}`, atMs: at(1), durationMs }));
}

const never = { isPersistent: true, passEveryMs: at(10_000), firstPassMs: at(10_000), minimumAgeMs: 0 };
const singleUse = { ...never, isPersistent: false };

describe("scale-up starts", () => {
  it("one machine for each queued job that fits a pool, and none for another", async () => {
    const alien = { name: "alien", atMs: at(1), durationMs: MINUTE_MS, labels: ["windows"] };
    const elsewhere = { name: "elsewhere", atMs: at(1), durationMs: MINUTE_MS, repository: "other/widgets" };
    const scene = makeFleetScene(FLAG, { jobs: [...jobs(3), alien, elsewhere], scenario: { fleet: never } });
    await scene.runUntil(at(20));
    expect(scene.model.startedCount).toBe(3);
    expect(scene.finished.toSorted()).toEqual(["job-0", "job-1", "job-2"]);
  });

  it("none for a job that a reusable runner took while its event waited", async () => {
    const next = { name: "next", atMs: at(10), durationMs: MINUTE_MS };
    const scene = makeFleetScene(FLAG, { jobs: [...jobs(1), next], scenario: { fleet: never } });
    await scene.runUntil(at(20));
    expect(scene.model.startedCount).toBe(1);
    expect(scene.finished).toEqual(["job-0", "next"]);
  });

  it("one for each job where runners are single-use", async () => {
    const next = { name: "next", atMs: at(10), durationMs: MINUTE_MS };
    const scene = makeFleetScene(FLAG, { jobs: [...jobs(1), next], scenario: { fleet: singleUse } });
    await scene.runUntil(at(20));
    expect(scene.model.startedCount).toBe(2);
    expect(scene.finished).toEqual(["job-0", "next"]);
    expect(scene.calls.has("get-job")).toBe(false);
  });

  it("no more than the pool's maximum: a reusable fleet drops the event, and its runners take the job later", async () => {
    const scenario = { fleet: never, pools: [pool({ machineCountMax: 2 })] };
    const scene = makeFleetScene(FLAG, { jobs: jobs(5, at(10)), scenario });
    await scene.runUntil(at(60));
    expect(scene.model.startedCount).toBe(2);
    expect(scene.finished).toHaveLength(5);
    expect(scene.calls.get("get-job")).toBe(5);
  });

  it("no more than the maximum of single-use machines, whose events come back until there is room", async () => {
    const fleet = { ...singleUse, firstPassMs: at(6), passEveryMs: at(1), minimumAgeMs: at(5) };
    const scenario = { fleet, pools: [pool({ machineCountMax: 2 })] };
    const scene = makeFleetScene(FLAG, { jobs: jobs(5), scenario });
    await scene.runUntil(at(5));
    expect(scene.model.startedCount).toBe(2);
    await scene.runUntil(at(40));
    expect(scene.model.startedCount).toBe(5);
    expect(scene.finished).toHaveLength(5);
  });
});

describe("a launch", () => {
  it.each<[string, Pick<SceneOptions, "failing">, number]>([
    ["that failed is made again", { failing: (name, count) => (name === "launch" && count < 3 ? "fails" : null) }, 1],
    // There is no token by which the second call would find the first one's machine.
    [
      "whose answer was lost starts a second machine",
      { failing: (name, count) => (name === "launch" && count === 1 ? "answer-lost" : null) },
      2,
    ],
    [
      "whose listing failed is made again",
      { failing: (name, count) => (name === "list" && count === 1 ? "fails" : null) },
      1,
    ],
    ["is made where the job could not be read", { failing: (name) => (name === "get-job" ? "fails" : null) }, 1],
  ])("%s", async (_name, failing, startedCount) => {
    const scenario = { fleet: never, bootMs: [at(1), at(1)] } as const;
    const scene = makeFleetScene(FLAG, { jobs: jobs(1, at(30)), scenario, ...failing });
    await scene.runUntil(at(10));
    expect(scene.model.startedCount).toBe(startedCount);
  });

  it("without capacity comes back", async () => {
    const quota = { kind: "provider.quota", machines: 1 } as const;
    const fleet = { ...singleUse, firstPassMs: at(6), passEveryMs: at(1), minimumAgeMs: at(5) };
    const scene = makeFleetScene(FLAG, { jobs: jobs(2), faults: [quota], scenario: { fleet } });
    await scene.runUntil(at(5));
    expect(scene.model.startedCount).toBe(1);
    await scene.runUntil(at(30));
    expect(scene.finished).toHaveLength(2);
  });
});

it("an event comes back for a day and no longer", async () => {
  const none = { kind: "provider.quota", machines: 0 } as const;
  const scene = makeFleetScene(FLAG, { jobs: jobs(1), faults: [none], scenario: { fleet: singleUse } });
  await scene.runUntil(at(60 * 23));
  const countBefore = scene.calls.get("launch") ?? 0;
  await scene.runUntil(at(60 * 24 + 3));
  const lastCount = scene.calls.get("launch") ?? 0;
  expect(lastCount).toBeGreaterThan(countBefore);
  await scene.runUntil(at(60 * 24 + 6));
  expect(scene.calls.get("launch")).toBe(lastCount);
});

it("one pass at a time is under way, and none begins after the end", async () => {
  const fleet = { isPersistent: true, passEveryMs: 100, firstPassMs: 0, minimumAgeMs: 0 };
  const scene = makeFleetScene(FLAG, { scenario: { fleet } });
  await scene.runUntil(10_000);
  // Two listings of 400 ms each.
  expect(scene.calls.get("list")).toBe(26);
  scene.fleet.stop();
  const before = scene.scheduler.eventCount;
  await scene.runUntil(110_000);
  expect(scene.scheduler.eventCount - before).toBeLessThan(500);
});

it("a fleet that is stopped in the middle of a pass does not finish it", async () => {
  const scene = makeFleetScene(FLAG, { jobs: jobs(1) });
  await scene.runUntil(at(10) + 500);
  const callCount = scene.calls.get("list");
  scene.fleet.stop();
  await scene.runUntil(at(20));
  expect(scene.calls.get("list")).toBe(callCount);
  expect(scene.calls.has("get-runner")).toBe(false);
  expect(scene.model.hosts.size).toBe(1);
});

it("a fleet that was stopped starts and ends nothing more", async () => {
  const scene = makeFleetScene(FLAG, { jobs: [...jobs(1), { name: "late", atMs: at(20), durationMs: MINUTE_MS }] });
  await scene.runUntil(at(4));
  scene.fleet.stop();
  await scene.runUntil(at(60));
  expect(scene.model.startedCount).toBe(1);
  expect(scene.model.hosts.size).toBe(1);
});
