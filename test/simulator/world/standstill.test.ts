/** When nobody is about to do anything for a job that waits: neither Holdfast nor a deadline. */
import { describe, expect, it, vi } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { pool } from "../../domain/builders.ts";
import { LOOK_EVERY_MS, Scene } from "./inspections-scene.ts";

/** Some take seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

it("I5: a job waits, there is room, and nobody starts anything for 75 minutes", async () => {
  const scene = await new Scene().begin(true);
  scene.standStill();
  scene.queue();
  await scene.pass(75 * MINUTE_MS);
  expect(scene.said).toEqual([]);
  await scene.pass(LOOK_EVERY_MS);
  expect(scene.said).toEqual([
    expect.stringMatching(/^I5 job \d+ waits, there is room, and nothing was started for 75/),
  ]);
});

describe("where machines that died take up the pool", () => {
  async function stall(everyMs: number, machineCountMax = 2, faults: readonly Fault[] = []): Promise<Scene> {
    const scene = await new Scene({ pools: [pool({ machineCountMax, warmParkedCount: 1 })], faults }).begin();
    await scene.pass(5 * MINUTE_MS);
    scene.standStill();
    const row = { ...scene.sql("select * from machines")[0], id: "m-dead00000001" };
    const places = Object.keys(row).map(() => "?");
    scene.sql(`insert into machines (${Object.keys(row)}) values (${places})`, ...Object.values(row));
    scene.queue();
    scene.world.scheduler.every(everyMs, () => scene.world.attention.interrupt());
    await scene.pass(2 * HOUR_MS);
    return scene;
  }

  it("finds no standstill while nobody heard for as long as it takes to be certain of it", async () => {
    expect((await stall(39 * MINUTE_MS)).said.filter((one) => one.includes("nothing was started"))).toEqual([]);
  });

  it("finds none either where they take up the provider's quota", async () => {
    const quota = { kind: "provider.quota", machines: 2 } as const;
    const said = async (faults: readonly Fault[]) =>
      (await stall(39 * MINUTE_MS, 9, faults)).said.filter((one) => one.includes("nothing was started"));
    expect(await said([quota])).toEqual([]);
    expect(await said([])).not.toEqual([]);
  });

  it("finds it where somebody did", async () => {
    expect((await stall(41 * MINUTE_MS)).said.filter((one) => one.includes("nothing was started"))).not.toEqual([]);
  });
});

function takeUpForAnHour(scene: Scene): void {
  scene.addMachine();
  scene.world.scheduler.after(HOUR_MS, () => (scene.world.provider.hosts as Map<unknown, unknown>).clear());
}

it.each<[string, (scene: Scene) => void, Partial<Scenario>]>([
  ["there is no room", (scene) => scene.addMachine(), { pools: [pool({ machineCountMax: 1 })] }],
  ["there has not been any for long", takeUpForAnHour, { pools: [pool({ machineCountMax: 1 })] }],
  ["something was started", (scene) => void scene.world.scheduler.after(60 * MINUTE_MS, () => scene.addMachine()), {}],
  ["no job waits", (scene) => scene.world.github.state.openJobs.clear(), {}],
])("finds no standstill where %s", async (_why, change, overrides) => {
  const scene = await new Scene(overrides).begin(true);
  scene.standStill();
  scene.queue();
  change(scene);
  await scene.pass(2 * HOUR_MS);
  expect(scene.said).toEqual([]);
});

it("finds no standstill where others size the groups, and all that they want is there", async () => {
  const scene = await new Scene({ pools: [pool({ machineCountMax: 9 })] }).begin(true);
  scene.standStill();
  scene.queue();
  scene.addMachine();
  const remains = { leftAlone: new Set<string>(), over: new Set<string>(), minimumCount: 1, roomCount: 1 };
  Object.assign(scene.world.provider, { remains: () => remains });
  await scene.pass(2 * HOUR_MS);
  expect(scene.said).toEqual([]);
  Object.assign(remains, { roomCount: 2 });
  await scene.pass(2 * HOUR_MS);
  expect(scene.said).not.toEqual([]);
});
