import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { machineId, poolName } from "../../domain/builders.ts";
import {
  end,
  IdleHost,
  launchOne,
  listing,
  MODELLED_PORTS,
  makeScene,
  OURS,
  type ProviderScene,
  request,
} from "./provider-scene.ts";

const code = (name: string) => expect.objectContaining({ code: name });
const baselineCause = { by: "controller", proof: "" } as const;
const always = { probability: 1 };

const lag: Fault = { kind: "provider.listing-lag", lagMs: [2 * MINUTE_MS, 2 * MINUTE_MS] };
const noCapacity: Fault = { kind: "provider.no-capacity", everyMs: 1, forMs: [HOUR_MS, HOUR_MS] };
const ignored: Fault = { kind: "provider.terminate-does-not-take", ...always };
const missing: Fault = { kind: "provider.missing-from-listing", ...always };

/** A machine of another maker's fleet. */
function startOther({ model }: ProviderScene): string | null {
  return model.start({ fleet: "other" }, (providerId, onGone, bootMs) => new IdleHost({ providerId, onGone, bootMs }));
}

const listedOthers = ({ model }: ProviderScene) => model.listTagged("fleet", "other").map(({ state }) => state);

describe("a listing that lags", () => {
  it("neither shows a fresh machine nor finds it by its id, nor can it be ended", async () => {
    const scene = makeScene("cloud", [lag]);
    const launched = await launchOne(scene);
    const other = startOther(scene);
    await scene.pass(2 * MINUTE_MS - 1);
    expect(await listing(scene)).toEqual([]);
    expect(await scene.stateOf(launched.providerId)).toBe("not-found");
    expect(listedOthers(scene)).toEqual([]);
    await end(scene, launched);
    expect(scene.model.terminate(String(other), baselineCause)).toBe(false);
    expect(scene.model.hosts.size).toBe(2);
    await scene.pass(1);
    expect(await scene.stateOf(launched.providerId)).toBe("running");
    expect(await listing(scene)).toHaveLength(1);
    expect(listedOthers(scene)).toEqual(["running"]);
    await end(scene, launched);
    expect(scene.model.terminate(String(other), baselineCause)).toBe(true);
    expect(scene.model.hosts.size).toBe(0);
    expect(scene.faults.get("provider.listing-lag")).toBe(2);
  });

  it("lags no longer once faults have stopped", async () => {
    const scene = makeScene("cloud", [lag]);
    await launchOne(scene);
    scene.stopFaults();
    expect(await listing(scene)).toHaveLength(1);
  });
});

it("a listing lacks a machine that its id finds", async () => {
  const scene = makeScene("cloud", [missing]);
  const { providerId } = await launchOne(scene);
  startOther(scene);
  await scene.pass(MINUTE_MS);
  expect(await listing(scene)).toEqual([]);
  expect(listedOthers(scene)).toEqual([]);
  expect(await scene.stateOf(providerId)).toBe("running");
  scene.stopFaults();
  expect(await listing(scene)).toHaveLength(1);
  expect(scene.faults.get("provider.missing-from-listing")).toBe(2);
});

describe("without capacity", () => {
  it("a launch starts nothing, ever, and a later one does once the spell is over", async () => {
    const scene = makeScene("cloud", [noCapacity]);
    await scene.pass(MINUTE_MS);
    await expect(scene.provider.launch(request(1, 1))).rejects.toEqual(code("provider-capacity"));
    expect(startOther(scene)).toBeNull();
    scene.stopFaults();
    await expect(scene.provider.launch(request(1, 1))).rejects.toEqual(code("provider-capacity"));
    await launchOne(scene, 2);
    expect(scene.model.startedCount).toBe(1);
    expect(scene.faults.get("provider.no-capacity")).toBe(1);
  });

  it("the spells end and come again", async () => {
    const scene = makeScene("cloud", [
      { kind: "provider.no-capacity", everyMs: HOUR_MS, forMs: [MINUTE_MS, MINUTE_MS] },
    ]);
    let refusedCount = 0;
    for (let launch = 1; launch <= 400; launch += 1) {
      await scene.pass(MINUTE_MS);
      await scene.provider.launch(request(launch, 1)).catch(() => {
        refusedCount += 1;
      });
    }
    expect(scene.faults.get("provider.no-capacity")).toBeGreaterThan(2);
    expect(refusedCount).toBeGreaterThan(0);
    expect(refusedCount).toBeLessThan(50);
    const spellCount = scene.faults.get("provider.no-capacity");
    scene.stopFaults();
    await scene.pass(100 * HOUR_MS);
    expect(scene.faults.get("provider.no-capacity")).toBe(spellCount);
  });

  it("a launch that started in part is unknown, not refused, and its repetition starts the rest once there is room", async () => {
    const scene = makeScene("cloud", [noCapacity, { kind: "provider.quota", machines: 9 }]);
    await scene.pass(MINUTE_MS);
    const launches = [1, 2, 3, 4, 5, 6, 7, 8];
    const codes: string[] = [];
    for (const launch of launches)
      await scene.provider.launch(request(launch, 4)).catch((error: { code: string }) => codes.push(error.code));
    const begun = launches.filter((_, index) => codes[index] === "provider-unavailable");
    // Two of four machines each have their places; a third has none left under the quota of nine.
    expect(begun).toHaveLength(2);
    const partCount = scene.model.startedCount;
    expect(partCount).toBeGreaterThanOrEqual(2);
    expect(partCount).toBeLessThan(8);
    await expect(scene.provider.launch(request(Number(begun[0]), 4))).rejects.toEqual(code("provider-unavailable"));
    expect(scene.model.startedCount).toBe(partCount);
    scene.stopFaults();
    const first = await scene.provider.launch(request(Number(begun[0]), 4));
    expect(first.map((machine) => machine.machineId)).toEqual(
      [0, 1, 2, 3].map((n) => machineId(100 * Number(begun[0]) + n)),
    );
    expect(await scene.provider.launch(request(Number(begun[0]), 4))).toEqual(first);
  });
});

it("over the quota nothing is started, whoever asks, until a machine ends", async () => {
  const scene = makeScene("cloud", [{ kind: "provider.quota", machines: 3 }]);
  const first = await launchOne(scene, 1);
  expect(startOther(scene)).not.toBeNull();
  await expect(scene.provider.launch(request(2, 2))).rejects.toEqual(code("provider-capacity"));
  await launchOne(scene, 3);
  expect(startOther(scene)).toBeNull();
  await end(scene, first);
  await launchOne(scene, 4);
  expect(scene.model.hosts.size).toBe(3);
  expect(scene.faults.get("provider.quota")).toBe(2);
});

describe("an ending that does not take", () => {
  it("succeeds at the cloud, and the machine stays", async () => {
    const scene = makeScene("cloud", [ignored]);
    const launched = await launchOne(scene);
    const other = String(startOther(scene));
    await scene.pass(MINUTE_MS);
    await end(scene, launched);
    expect(scene.model.terminate(other, baselineCause)).toBe(true);
    expect(scene.model.hosts.size).toBe(2);
    expect(scene.faults.get("provider.terminate-does-not-take")).toBe(2);
    scene.stopFaults();
    await end(scene, launched);
    expect(scene.model.hosts.size).toBe(1);
  });

  it("is an error among processes, which know that some still run", async () => {
    const scene = makeScene("process", [ignored]);
    const launched = await launchOne(scene);
    await expect(end(scene, launched)).rejects.toEqual(code("provider-unavailable"));
    expect(scene.model.terminate(String(startOther(scene)), baselineCause)).toBe(false);
    expect(scene.model.hosts.size).toBe(2);
  });
});

it("clearing a dead machine's folder away needs nothing to be ended", async () => {
  const scene = makeScene("process", [ignored]);
  const launched = await launchOne(scene);
  scene.hostOf(launched.providerId).birth.onGone();
  await end(scene, launched);
  expect(await scene.stateOf(launched.providerId)).toBe("gone");
});

describe("a machine that is taken", () => {
  it.each([
    ["cloud", "gone"],
    ["process", "dead"],
  ] as const)("by a %s is %s, and nothing of ours ended it", async (kind, state) => {
    const scene = makeScene(kind);
    const { providerId } = await launchOne(scene);
    scene.model.reclaim(providerId, "provider.reclaim");
    scene.model.reclaim(providerId, "provider.reclaim");
    expect(scene.hostOf(providerId).endedBy).toEqual({ by: "fault", kind: "provider.reclaim" });
    expect(scene.model.hosts.size).toBe(0);
    await scene.pass(10 * SECOND_MS);
    expect(await scene.stateOf(providerId)).toBe(state);
  });

  it("is one of those that run, now and then, until faults stop", async () => {
    const scene = makeScene("cloud", [{ kind: "provider.reclaim", everyMs: MINUTE_MS }]);
    await scene.provider.launch(request(1, 50));
    await scene.pass(10 * MINUTE_MS);
    const takenCount = 50 - scene.model.hosts.size;
    expect(takenCount).toBeGreaterThan(2);
    expect(scene.faults.get("provider.reclaim")).toBe(takenCount);
    scene.stopFaults();
    await scene.pass(HOUR_MS);
    expect(50 - scene.model.hosts.size).toBe(takenCount);
  });
});

describe("marks that are lost", () => {
  const lost: Fault = { kind: "provider.marks-lost", perMachine: 1, afterMs: [MINUTE_MS, MINUTE_MS] };

  it("leave a machine of the cloud without its name, or without any, and found by its id", async () => {
    const scene = makeScene("cloud", [lost]);
    const launched = await scene.provider.launch(request(1, 20));
    startOther(scene);
    await scene.pass(MINUTE_MS - 1);
    expect(await listing(scene)).toHaveLength(20);
    await scene.pass(1);
    const shown = await listing(scene);
    expect(new Set(shown)).toEqual(new Set(["null null linux running"]));
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.length).toBeLessThan(17);
    expect(listedOthers(scene)).toEqual([]);
    const byId = await scene.provider.list(launched.map(({ providerId }) => providerId));
    expect(byId.map((observed) => [observed.state, observed.machineId])).toEqual(byId.map(() => ["running", null]));
    const [first] = launched;
    await end(scene, { providerId: String(first?.providerId) });
    expect(scene.model.foreignTouchedCount).toBe(0);
    expect(scene.model.hosts.size).toBe(20);
    expect(scene.faults.get("provider.marks-lost")).toBe(21);
  });

  it("are not lost once faults have stopped, nor by a machine that has ended", async () => {
    const scene = makeScene("cloud", [lost]);
    const ended = await launchOne(scene, 1);
    await end(scene, ended);
    await scene.pass(2 * MINUTE_MS);
    expect(scene.faults.has("provider.marks-lost")).toBe(false);
    await launchOne(scene, 2);
    scene.stopFaults();
    await scene.pass(2 * MINUTE_MS);
    expect(scene.faults.has("provider.marks-lost")).toBe(false);
    expect(await listing(scene)).toContain(`${machineId(200)} l-00000002 linux running`);
  });

  it("leave a process machine its folder's name, and nobody knows its pool", async () => {
    const scene = makeScene("process", [lost]);
    await launchOne(scene);
    await scene.pass(MINUTE_MS);
    expect(await listing(scene)).toEqual([`${machineId(100)} null null running`]);
    const other = scene.portOf(OURS, poolName("windows"));
    expect(await listing(scene, other)).toEqual([`${machineId(100)} null null running`]);
  });
});

describe.each(MODELLED_PORTS)("a boot at a %s", (kind) => {
  it("may take long, or never end", async () => {
    const slow = makeScene(kind, [{ kind: "host.slow-boot", perMachine: 1, bootMs: [HOUR_MS, HOUR_MS] }]);
    await launchOne(slow);
    startOther(slow);
    expect(slow.born[0]?.bootMs).toBe(HOUR_MS);
    expect(slow.faults.get("host.slow-boot")).toBe(2);
    const never = makeScene(kind, [{ kind: "host.never-boots", perMachine: 1 }]);
    const { providerId } = await launchOne(never);
    expect(never.born[0]?.bootMs).toBeNull();
    await never.pass(HOUR_MS);
    expect(await never.stateOf(providerId)).toBe(kind === "process" ? "starting" : "running");
    never.stopFaults();
    await launchOne(never, 2);
    expect(never.born[1]?.bootMs).not.toBeNull();
  });

  it("befalls a share of the machines, and the others boot as they would without it", async () => {
    const boots = async (faults: readonly Fault[]) => {
      const scene = makeScene(kind, faults);
      await scene.provider.launch(request(1, 60));
      return scene.born.map(({ bootMs }) => bootMs);
    };
    const usual = await boots([]);
    const some = await boots([{ kind: "host.never-boots", perMachine: 0.3 }]);
    const neverCount = some.filter((bootMs) => bootMs === null).length;
    expect(neverCount).toBeGreaterThan(8);
    expect(neverCount).toBeLessThan(30);
    expect(some.map((bootMs, index) => bootMs ?? usual[index])).toEqual(usual);
  });
});

it("processes know neither lag, nor gaps, nor want of room", async () => {
  const scene = makeScene("process", [lag, missing, noCapacity, { kind: "provider.quota", machines: 0 }]);
  await scene.pass(MINUTE_MS);
  await launchOne(scene);
  expect(startOther(scene)).not.toBeNull();
  expect(await listing(scene)).toHaveLength(1);
  expect([...scene.faults.keys()]).toEqual([]);
});
