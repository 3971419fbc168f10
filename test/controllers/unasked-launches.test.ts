/** Launches that were written and not asked for yet, and those of settings that are not the pool's any more. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinProviders, type SettledPlace } from "../../src/app/joined-provider.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import type { LaunchId } from "../../src/domain/ids.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertDrain } from "../../src/store/drains.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadLaunch } from "../../src/store/launches/load.ts";
import type { LaunchRow } from "../../src/store/launches/row.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { poolSubject } from "../../src/store/subjects.ts";
import { machineId, machine as machineOf } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { type Cloud, openCloud } from "./cloud.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let cloud: Cloud;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 8 });
  cloud = openCloud(yard);
});
afterEach(() => yard.close());

async function write(number: number, count: number, changes: Partial<LaunchRow> = {}): Promise<LaunchId> {
  const machineIds = Array.from({ length: count }, (_, at) => machineId(100 * number + at));
  const { settingsHash } = yard.context.pool;
  const launch = sampleLaunch(number, { settingsHash, machineIds, nextAttemptAtMs: 0, ...changes });
  for (const id of machineIds) await insertPlanned({ id, settingsHash: launch.settingsHash });
  await insertLaunch(yard.store.db, launch);
  return launch.id;
}

async function insertPlanned(row: Partial<Machine>): Promise<void> {
  await insertMachine(yard.store.db, machineOf({ state: { kind: "planned", sinceMs: 0 }, ...row }));
}

const states = async () => (await yard.machines()).map(({ state }) => state.kind);
const setPool = (changes: object) => Object.assign(yard.context, { pool: { ...yard.context.pool, ...changes } });

describe("a launch that nobody asked for yet", () => {
  it("is made", async () => {
    await write(1, 2);
    await launchMachines(yard.context);
    expect(cloud.asked).toHaveLength(1);
  });

  it.each([
    ["its pool has left the configuration", async () => void setPool({ mode: "departed" })],
    ["everything is being taken down", async () => takeDown()],
    ["its pool is drained", async () => drain()],
    ["`machines.max` was lowered", async () => void setPool({ machineCountMax: 1 })],
    ["its pool's settings have changed", async () => void setPool({ settingsHash: "new" })],
  ])("is called off where %s", async (_why, change) => {
    const id = await write(1, 2);
    await change();
    await launchMachines(yard.context);
    expect(cloud.drafts).toEqual([]);
    expect(await states()).toEqual(["gone", "gone"]);
    expect((await loadLaunch(yard.store.db, id))?.state).toBe("refused");
    const [told] = await listEvidence(yard.store.db, poolSubject(yard.context.pool.name), 1);
    expect(told?.fact).toContain(`launch ${id} was not made: `);
  });

  it("is made where its store was restored: it may have been asked for since the backup", async () => {
    yard.isShuttingDown = true;
    const id = await write(1, 0, { machineIds: [machineId(1)] });
    await insertPlanned({ id: machineId(1), origin: "restored" });
    await launchMachines(yard.context);
    expect(cloud.asked.map(({ launchId }) => launchId)).toEqual([id]);
  });

  it("is made where its kind drafts none: it may have been asked for already", async () => {
    Object.assign(yard.context.abilities?.orders ?? {}, { draftsFor: () => false, draft: async () => null });
    yard.isShuttingDown = true;
    await write(1, 1);
    await launchMachines(yard.context);
    expect(cloud.asked).toHaveLength(1);
  });
});

function takeDown(): void {
  yard.isShuttingDown = true;
}

async function drain(): Promise<void> {
  const { name } = yard.context.pool;
  await insertDrain(yard.store.db, { kind: "pool", id: name }, { operator: "alice", reason: "a test", atMs: 0 });
}

it("a launch that was asked for is repeated, whatever became of its pool", async () => {
  await write(1, 2, { order: "order" });
  setPool({ mode: "departed", machineCountMax: 0 });
  await launchMachines(yard.context);
  expect(cloud.asked).toHaveLength(1);
});

describe("launches of former settings that fail", () => {
  const unavailable = new ProviderError("provider-unavailable", "starting machines in the former region");

  beforeEach(async () => {
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      if (request.settingsHash === "former") throw unavailable;
      return launch(request, tenure);
    };
    for (const number of [1, 2, 3]) await write(number, 1, { settingsHash: "former", order: "order" });
  });

  it("are waited for no longer than two minutes", async () => {
    await yard.queue(1);
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(cloud.asked).toEqual([]);
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(cloud.asked.map(({ settingsHash }) => settingsHash)).toEqual([yard.context.pool.settingsHash]);
  });

  it("are tried after those of today, one in a pass", async () => {
    await write(7, 1, { order: "order" });
    const tried: string[] = [];
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      tried.push(request.settingsHash);
      return launch(request, tenure);
    };
    await launchMachines(yard.context);
    expect(tried).toEqual([yard.context.pool.settingsHash, "former"]);
  });

  it("keep no other from being made", async () => {
    await yard.queue(1);
    for (let minute = 0; minute < 10; minute += 1) {
      await launchMachines(yard.context);
      yard.clock.advance(MINUTE_MS);
    }
    await yard.pass();
    expect(cloud.asked.map(({ settingsHash }) => settingsHash)).toEqual([yard.context.pool.settingsHash]);
    expect(yard.context.memory.launch.failureCount).toBe(0);
  });

  it("end no pause of the others where they succeed", async () => {
    cloud.refusal = new ProviderError("provider-quota", "the quota is used up", { retryAfterMs: 10 * MINUTE_MS });
    await yard.queue(1);
    await yard.pass();
    const { untilMonotonicMs } = yard.context.memory.launch;
    cloud.refusal = null;
    setPool({ settingsHash: "of today" });
    await write(9, 1, { settingsHash: "another", order: "order" });
    await launchMachines(yard.context);
    expect(cloud.asked.some(({ settingsHash }) => settingsHash === "another")).toBe(true);
    expect(yard.context.memory.launch.untilMonotonicMs).toBe(untilMonotonicMs);
  });
});

it("none that fails again and again is before all others each time", async () => {
  const first = await write(1, 1, { order: "order" });
  const second = await write(2, 1, { order: "order" });
  const tried: LaunchId[] = [];
  yard.provider.launch = async ({ launchId }) => {
    tried.push(launchId);
    throw new ProviderError("provider-unavailable", "starting machines");
  };
  for (let minute = 0; minute < 30; minute += 1) {
    await launchMachines(yard.context);
    yard.clock.advance(MINUTE_MS);
  }
  const countOf = (id: LaunchId) => tried.filter((one) => one === id).length;
  expect(Math.abs(countOf(first) - countOf(second))).toBeLessThanOrEqual(1);
});

describe("launches of a place that cannot be read", () => {
  /** One of the two places: all machines are where the pool is now. */
  function placeOf(name: "former" | "current"): SettledPlace {
    const { provider } = yard;
    return {
      names: () => name === "current",
      idKind: "pod",
      isExclusive: true,
      settingsHash: name === "current" ? yard.context.pool.settingsHash : name,
      location: name,
      provider: {
        launch: (request, tenure) => provider.launch(request, tenure),
        list: async (which) => {
          if (name === "former") throw new ProviderError("provider-unavailable", "listing the former namespace");
          return provider.list(which);
        },
        terminate: (permit) => provider.terminate(permit),
        readRunnerVersion: () => provider.readRunnerVersion(),
        check: () => provider.check(),
      },
    };
  }

  beforeEach(() => {
    yard.context.memory.isFleetListed = false;
    Object.assign(yard.context, { provider: joinProviders(placeOf("current"), [placeOf("former")]) });
  });

  it.each([0, 3])("bring no job its machine: others are started (tried %i times)", async (attemptCount) => {
    await write(1, 2, { settingsHash: "former", order: "order", attemptCount });
    await yard.queue(1);
    await yard.pass();
    await yard.pass();
    expect(cloud.asked.map(({ settingsHash }) => settingsHash)).toEqual([yard.context.pool.settingsHash]);
  });

  it("are called off where nobody asked for them yet", async () => {
    await write(1, 2, { settingsHash: "former" });
    await yard.pass();
    await yard.pass();
    expect(await states()).toEqual(["gone", "gone"]);
  });
});

it("a draft that is refused says nothing of how many machines there are", async () => {
  const { orders } = yard.context.abilities ?? {};
  if (orders == null) throw new Error("the cloud drafts");
  orders.draft = async () => {
    throw new ProviderError("provider-capacity", "the group is about another launch", { retryAfterMs: 5_000 });
  };
  const { launchSizeMax } = yard.context.memory;
  await write(1, 4);
  await launchMachines(yard.context);
  expect(await states()).toEqual(["gone", "gone", "gone", "gone"]);
  expect(yard.context.memory.launchSizeMax).toBe(launchSizeMax);
});
