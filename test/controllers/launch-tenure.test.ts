/** Under what a launch is drafted and made: the lease, the pool's other launches of late, and a clock that may be set. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type LaunchId, parseLeaseEpoch } from "../../src/domain/ids.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { LaunchOrders } from "../../src/ports/provider.ts";
import { listOpenLaunches, loadLaunch } from "../../src/store/launches/load.ts";
import { insertLaunch, saveLaunch } from "../../src/store/launches/save.ts";
import type { Lease } from "../../src/store/leases.ts";
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

const takenAgain = (): Lease => {
  const lease = yard.lease as Lease;
  return { ...lease, epoch: parseLeaseEpoch(lease.epoch + 1) };
};

const states = async () => (await yard.machines()).map(({ state }) => state.kind);

describe("a launch", () => {
  it("is drafted and made with the pool's others of late in mind, under the lease", async () => {
    cloud.losesAnswer = true;
    await yard.queue(1);
    await yard.pass();
    const first = { launchId: cloud.asked[0]?.launchId as LaunchId, order: "order 1" };
    expect((await loadLaunch(yard.store.db, first.launchId))?.answeredAtMs).toBeNull();
    yard.clock.advance(5 * MINUTE_MS);
    cloud.losesAnswer = false;
    await yard.pass();
    expect((await loadLaunch(yard.store.db, first.launchId))?.answeredAtMs).toBe(yard.clock.nowMs());
    cloud.tenures.length = 0;
    yard.clock.advance(SECOND_MS);
    await yard.queue(2);
    await yard.pass();
    expect(cloud.tenures.map((tenure) => tenure?.others)).toEqual([[first], [first]]);
    expect(cloud.tenures[0]).toMatchObject({ epoch: yard.lease?.epoch });
    expect(cloud.tenures[0]?.leftMs()).toBe(yard.context.leaseLeftMs());
  });

  it("is made without those that were answered long ago", async () => {
    await yard.queue(1);
    await yard.pass();
    yard.clock.advance(6 * MINUTE_MS);
    await yard.queue(2);
    await yard.pass();
    expect(cloud.tenures.at(-1)?.others).toEqual([]);
  });

  it("is neither drafted nor made where the pool was lost over the one before", async () => {
    await yard.queue(1);
    await assign(yard.context);
    yard.context.memory.launch.gathersUntilMonotonicMs = null;
    await insertLaunch(
      yard.store.db,
      sampleLaunch(9, { pool: yard.context.pool.name, machineIds: [], createdAtMs: 0, nextAttemptAtMs: 0 }),
    );
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      yard.lease = null;
      return launch(request, tenure);
    };
    await launchMachines(yard.context);
    expect(cloud.asked).toHaveLength(1);
    expect(cloud.drafts).toHaveLength(1);
  });

  it.each(["lost", "lost and taken again"])("is not made where the pool was %s over its draft", async (fate) => {
    const orders = yard.context.abilities?.orders as LaunchOrders;
    const { draft } = orders;
    orders.draft = async (request, tenure) => {
      yard.lease = fate === "lost" ? null : takenAgain();
      return draft(request, tenure);
    };
    await yard.queue(1);
    await assign(yard.context);
    await launchMachines(yard.context);
    expect(cloud.drafts).toHaveLength(1);
    expect(cloud.asked).toEqual([]);
    expect(await listOpenLaunches(yard.store.db, yard.context.pool.name)).toMatchObject([{ order: null }]);
  });

  it("has no time left while the pool is lost, nor once it was taken again", async () => {
    const lease = yard.lease as Lease;
    const seen: (readonly [number, number] | undefined)[] = [];
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      const again = takenAgain();
      for (const held of [again, null, lease]) {
        yard.lease = held;
        seen.push(tenure && [tenure.epoch, tenure.leftMs()]);
      }
      return launch(request, tenure);
    };
    await yard.queue(1);
    await assign(yard.context);
    await launchMachines(yard.context);
    expect(seen).toEqual([
      [lease.epoch, 0],
      [lease.epoch, 0],
      [lease.epoch, yard.context.leaseLeftMs()],
    ]);
  });

  it.each([
    ["answered", null],
    ["refused", new ProviderError("provider-quota", "a quota of 0")],
  ])("changes nothing where somebody else has changed it before it was %s", async (_what, refusal) => {
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      const row = await loadLaunch(yard.store.db, request.launchId);
      if (row !== null) await saveLaunch(yard.store.db, { ...row, error: "somebody else's" }, row.version);
      return launch(request, tenure);
    };
    cloud.refusal = refusal;
    await yard.queue(1);
    await assign(yard.context);
    await launchMachines(yard.context);
    expect(cloud.asked).toHaveLength(1);
    expect(await states()).toEqual(["planned"]);
    expect(await listOpenLaunches(yard.store.db, yard.context.pool.name)).toMatchObject([{ error: "somebody else's" }]);
    yard.provider.launch = launch;
    cloud.refusal = null;
    yard.clock.advance(MINUTE_MS);
    await launchMachines(yard.context);
    expect(await states()).toEqual(["provisioning"]);
  });

  it("is answered under no other lease than the one that it was made under", async () => {
    const { launch } = yard.provider;
    yard.provider.launch = async (request, tenure) => {
      const launched = await launch(request, tenure);
      yard.lease = takenAgain();
      return launched;
    };
    await yard.queue(1);
    await assign(yard.context);
    await launchMachines(yard.context);
    expect(await states()).toEqual(["planned"]);
  });

  it("is neither drafted nor made once the pool is lost", async () => {
    await yard.queue(1);
    await assign(yard.context);
    yard.lease = null;
    await launchMachines(yard.context);
    expect(cloud.tenures).toEqual([]);
  });

  it.each([
    ["it failed", true],
    ["it was written", false],
  ])("is made though the clock was set back after %s: no pause is as long as that", async (_what, fails) => {
    cloud.losesAnswer = fails;
    await yard.queue(1);
    if (fails) await yard.pass();
    else await assign(yard.context);
    yard.clock.step(-2 * HOUR_MS);
    yard.clock.advance(3 * MINUTE_MS);
    cloud.losesAnswer = false;
    await launchMachines(yard.context);
    expect(cloud.asked).toHaveLength(fails ? 2 : 1);
    expect(await states()).toEqual(["provisioning"]);
  });
});
