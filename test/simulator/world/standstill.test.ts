/** When nobody is about to do anything for a job that waits: neither Holdfast nor a deadline. */
import { describe, expect, it, vi } from "vitest";
import { HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import type { HostTruth } from "../../../src/simulator/world/witness.ts";
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

  it("finds none where they take up what the quotas of their pool's markets leave", async () => {
    const said = async (quotaCount: number) => {
      const scene = await new Scene({ pools: [pool({ machineCountMax: 9 })] }).begin(true);
      scene.standStill();
      scene.queue();
      scene.addMachine();
      Object.assign(scene.world.provider, { quotaOf: () => quotaCount });
      await scene.pass(2 * HOUR_MS);
      return scene.said;
    };
    expect(await said(1)).toEqual([]);
    expect(await said(2)).not.toEqual([]);
  });

  it("finds it where somebody did", async () => {
    expect((await stall(41 * MINUTE_MS)).said.filter((one) => one.includes("nothing was started"))).not.toEqual([]);
  });
});

const IDLE: Omit<HostTruth, "providerId"> = { isUp: true, runner: null };

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

describe("where others size the groups, and want two", () => {
  /** A job waits, nobody is about to do anything, and nobody could be certain of a death. @returns what is said of it. */
  async function stall(hostCount: number, deadCount: number, everyMs = 39 * MINUTE_MS): Promise<readonly string[]> {
    const scene = await new Scene({ pools: [pool({ machineCountMax: 9, warmParkedCount: 2 })] }).begin();
    await scene.pass(5 * MINUTE_MS);
    scene.standStill();
    const remains = { leftAlone: new Set<string>(), over: new Set<string>(), minimumCount: 2, roomCount: 2 };
    const hosts = scene.world.provider.hosts as Map<string, unknown>;
    hosts.clear();
    const added = Array.from({ length: hostCount }, () => scene.addMachine());
    for (const host of added.slice(0, deadCount)) host.end({ by: "fault", kind: "host.dies" });
    for (const host of added.slice(deadCount)) host.truth = () => ({ ...IDLE, providerId: host.providerId });
    Object.assign(scene.world.provider, { remains: () => remains });
    scene.queue();
    scene.world.scheduler.every(everyMs, () => scene.world.attention.interrupt());
    await scene.pass(2 * HOUR_MS);
    return scene.said.filter((one) => one.includes("nothing was started"));
  }

  it("finds no standstill while they take up what is wanted, and are dead", async () => {
    expect(await stall(2, 2)).toEqual([]);
  });

  it.each<[string, Parameters<typeof stall>]>([
    ["one of them works", [2, 1]],
    ["fewer are there than are wanted", [1, 1]],
    ["somebody heard for as long as it takes to be certain", [2, 2, 41 * MINUTE_MS]],
  ])("finds it where %s", async (_where, of) => {
    expect(await stall(...of)).not.toEqual([]);
  });
});
