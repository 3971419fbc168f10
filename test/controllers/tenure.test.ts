import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TENURE_PERIOD_MS, Tenure, type TenureOptions } from "../../src/controllers/tenure.ts";
import type { PoolName } from "../../src/domain/ids.ts";
import { CLOCK_STEP_MS } from "../../src/domain/time.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { acquireLease, inLease, leaseRemainingMs, readLease } from "../../src/store/leases.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";

const LINUX = poolName("linux");
const GPU = poolName("gpu");
const HEARD_GAP_MS = 30 * SECOND_MS;

let store: Store;
let clock: ManualClock;
let telemetry: ReturnType<typeof recordTelemetry>;
let acquired: PoolName[];
let lost: PoolName[];
/** What the world says: tests change it. */
let world: { isAnswering: boolean; isBehind: boolean; deadHolders: string[]; told: (readonly PoolName[])[] };

beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  clock = new ManualClock();
  clock.advance(1_000 * HOUR_MS);
  telemetry = recordTelemetry();
  acquired = [];
  lost = [];
  world = { isAnswering: true, isBehind: false, deadHolders: [], told: [] };
});
afterEach(() => store.close());

function tenureOf(holder: string, changes: Partial<TenureOptions> = {}): Tenure {
  return new Tenure({
    store,
    clock,
    telemetry,
    pools: [LINUX],
    holder,
    mayTake: () => true,
    isHolderDead: (name) => world.deadHolders.includes(name),
    probe: async () => world.isAnswering,
    isBehind: () => world.isBehind,
    onAcquired: (pool) => acquired.push(pool),
    onLost: (pool) => lost.push(pool),
    exchangeHeard: async (pools) => void world.told.push(pools),
    ...changes,
  });
}

/** Lets every lease be over, by the database's clock and not by ours. */
async function expireLeases(): Promise<void> {
  await store.db.updateTable("leases").set({ expires_ms: 1 }).execute();
}

describe("how long nobody else can have a pool", () => {
  it("is counted from before the store was asked, by the monotonic clock", async () => {
    const tenure = tenureOf("a");
    expect(tenure.leftMs(LINUX)).toBe(0);
    await tenure.run();
    expect(tenure.leftMs(LINUX)).toBe(45 * SECOND_MS);
    clock.advance(10 * SECOND_MS);
    expect(tenure.leftMs(LINUX)).toBe(35 * SECOND_MS);
    await tenure.run();
    expect(tenure.leftMs(LINUX)).toBe(45 * SECOND_MS);
  });

  it("is nothing once the wall clock was set, until the store was asked again: a lease ends by that clock", async () => {
    const tenure = tenureOf("a");
    await tenure.run();
    clock.step(MINUTE_MS);
    expect(tenure.leftMs(LINUX)).toBe(0);
    await tenure.run();
    expect(tenure.leftMs(LINUX)).toBe(45 * SECOND_MS);
  });

  it("runs out where the store takes no renewal, though the lease is not known to be lost", async () => {
    const tenure = tenureOf("a");
    await tenure.run();
    await store.close();
    clock.advance(44 * SECOND_MS);
    await tenure.run();
    expect(tenure.lease(LINUX)).not.toBeNull();
    expect(tenure.leftMs(LINUX)).toBe(SECOND_MS);
    clock.advance(2 * SECOND_MS);
    expect(tenure.leftMs(LINUX)).toBe(0);
    store = await openStore("sqlite::memory:");
  });

  it("is over where another has it", async () => {
    const tenure = tenureOf("a");
    await tenure.run();
    await expireLeases();
    await acquireLease(store.db, LINUX, "another", HOUR_MS);
    await tenure.run();
    expect(tenure.leftMs(LINUX)).toBe(0);
  });
});

describe("the lease of a pool", () => {
  it("is had after the first pass, renewed by the next under its epoch, and told once", async () => {
    const tenure = tenureOf("a");
    expect(tenure.lease(LINUX)).toBeNull();
    await tenure.run();
    const lease = tenure.lease(LINUX);
    expect(lease).toEqual({ pool: LINUX, holder: "a", epoch: 1 });
    await store.db.updateTable("leases").set({ expires_ms: 4_000_000_000_000 }).execute();
    await tenure.run();
    expect(tenure.lease(LINUX)).toEqual(lease);
    expect(acquired).toEqual([LINUX]);
    const remainingMs = lease === null ? 0 : await leaseRemainingMs(store.db, lease);
    expect(remainingMs).toBeGreaterThan(40 * SECOND_MS);
    expect(remainingMs).toBeLessThanOrEqual(45 * SECOND_MS);
  });

  it("lasts for several passes that fail", () => {
    expect(45 * SECOND_MS).toBeGreaterThan(3 * TENURE_PERIOD_MS);
  });

  it("is held for each pool apart", async () => {
    await acquireLease(store.db, GPU, "another", HOUR_MS);
    const tenure = tenureOf("a", { pools: [GPU, LINUX] });
    await tenure.run();
    expect([tenure.lease(GPU), tenure.lease(LINUX)?.epoch]).toEqual([null, 1]);
    expect(acquired).toEqual([LINUX]);
  });

  it("is not taken from a holder that lives and renews, however long that goes", async () => {
    const [first, second] = [tenureOf("a"), tenureOf("b")];
    for (let count = 0; count < 5; count += 1) {
      await first.run();
      await second.run();
      clock.advance(HOUR_MS);
    }
    expect([first.lease(LINUX)?.epoch, second.lease(LINUX)]).toEqual([1, null]);
    expect(acquired).toEqual([LINUX]);
  });

  it("is taken over once it has expired, under the next epoch, and its first holder gives it up", async () => {
    const [first, second] = [tenureOf("a"), tenureOf("b")];
    await first.run();
    await expireLeases();
    const before = first.lease(LINUX);
    await second.run();
    expect(second.lease(LINUX)).toEqual({ pool: LINUX, holder: "b", epoch: 2 });
    if (before === null) throw new Error("it was held");
    await expect(inLease(store, before, async () => 1)).rejects.toMatchObject({ code: "lease-lost" });
    expect(lost).toEqual([]);
    await first.run();
    await first.run();
    expect(first.lease(LINUX)).toBeNull();
    expect(acquired).toEqual([LINUX, LINUX]);
    expect(lost).toEqual([LINUX]);
  });

  it("is told anew to a holder that lost it and has it again: its passes were idle meanwhile", async () => {
    const [first, second] = [tenureOf("a"), tenureOf("b")];
    await first.run();
    await expireLeases();
    await second.run();
    await first.run();
    await second.release();
    await first.run();
    expect(first.lease(LINUX)).toEqual({ pool: LINUX, holder: "a", epoch: 3 });
    expect(acquired).toEqual([LINUX, LINUX, LINUX]);
  });

  it("is taken over before its time where its holder is known to be dead", async () => {
    await tenureOf("a").run();
    const second = tenureOf("b");
    await second.run();
    expect(second.lease(LINUX)).toBeNull();
    world.deadHolders.push("a");
    await second.run();
    expect(second.lease(LINUX)).toEqual({ pool: LINUX, holder: "b", epoch: 2 });
  });

  it("is never given up by a holder that somebody would call dead", async () => {
    const tenure = tenureOf("a", { isHolderDead: () => true });
    await tenure.run();
    await tenure.run();
    expect(tenure.lease(LINUX)?.epoch).toBe(1);
    await expireLeases();
    await tenure.run();
    expect(tenure.lease(LINUX)?.epoch).toBe(1);
  });

  it("goes to one alone where two ask for a dead holder's at once", async () => {
    await tenureOf("a").run();
    world.deadHolders.push("a");
    const others = [tenureOf("b"), tenureOf("c"), tenureOf("d")];
    await Promise.all(others.map((tenure) => tenure.run()));
    expect(others.filter((tenure) => tenure.lease(LINUX) !== null)).toHaveLength(1);
  });

  it("is given back by a release, so that the next holder need not wait", async () => {
    const first = tenureOf("a", { pools: [LINUX, GPU] });
    await first.run();
    await first.release();
    expect([first.lease(LINUX), first.lease(GPU)]).toEqual([null, null]);
    const second = tenureOf("b", { pools: [LINUX, GPU] });
    await second.run();
    expect([second.lease(LINUX)?.epoch, second.lease(GPU)?.epoch]).toEqual([2, 2]);
    await first.release();
    expect((await readLease(store.db, LINUX))?.holder).toBe("b");
    expect(second.lease(LINUX)).not.toBeNull();
  });
});

describe("heard time", () => {
  it("begins with the process", async () => {
    const startMs = clock.nowMs();
    const tenure = tenureOf("a");
    expect(tenure.heardSinceMs()).toBe(startMs);
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(startMs);
  });

  it("goes on over passes that are at most 30 s apart, and begins anew after a longer gap", async () => {
    const startMs = clock.nowMs();
    const tenure = tenureOf("a");
    for (let count = 0; count < 10; count += 1) {
      clock.advance(HEARD_GAP_MS);
      await tenure.run();
    }
    expect(tenure.heardSinceMs()).toBe(startMs);
    clock.advance(HEARD_GAP_MS + 1);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    const anewMs = clock.nowMs();
    clock.advance(HEARD_GAP_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(anewMs);
  });

  it("begins anew with each pass on which our own agents' API does not answer", async () => {
    const tenure = tenureOf("a");
    world.isAnswering = false;
    for (let count = 0; count < 3; count += 1) {
      clock.advance(TENURE_PERIOD_MS);
      await tenure.run();
      expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    }
    const lastMs = clock.nowMs();
    world.isAnswering = true;
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(lastMs);
  });

  it("begins anew while agents wait for longer than they do, told at once, and with the pass that sees it", async () => {
    const tenure = tenureOf("a");
    await tenure.run();
    clock.advance(TENURE_PERIOD_MS);
    world.isBehind = true;
    expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    await tenure.run();
    const lastMs = clock.nowMs();
    world.isBehind = false;
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(lastMs);
  });

  it("begins anew with each pass on which replicas could not exchange what they hear, which is told and not thrown", async () => {
    let heardCount = 0;
    const exchangeHeard = async () => {
      heardCount += 1;
      if (heardCount <= 2) throw new Error("the store is away");
    };
    const tenure = tenureOf("a", { exchangeHeard });
    for (let count = 0; count < 2; count += 1) {
      clock.advance(TENURE_PERIOD_MS);
      await tenure.run();
      expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    }
    const lastMs = clock.nowMs();
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect([tenure.heardSinceMs(), heardCount, telemetry.errors.length]).toEqual([lastMs, 3, 2]);
    expect(tenure.lease(LINUX)?.epoch).toBe(1);
  });

  it("begins anew where a pool is taken over: who held it told nobody whom it heard", async () => {
    const [first, second] = [tenureOf("a"), tenureOf("b")];
    await first.run();
    await second.run();
    clock.advance(TENURE_PERIOD_MS);
    await second.run();
    expect(second.heardSinceMs()).toBe(clock.nowMs() - TENURE_PERIOD_MS);
    await expireLeases();
    clock.advance(TENURE_PERIOD_MS);
    await second.run();
    expect([second.lease(LINUX)?.epoch, second.heardSinceMs()]).toEqual([2, clock.nowMs()]);
    const sinceMs = clock.nowMs();
    clock.advance(TENURE_PERIOD_MS);
    await second.run();
    expect(second.heardSinceMs()).toBe(sinceMs);
  });

  it("has begun anew by the moment in which anybody may act on a pool that was taken over", async () => {
    await tenureOf("a").run();
    const seen: number[] = [];
    const second: Tenure = tenureOf("b", { onAcquired: () => seen.push(second.heardSinceMs()) });
    await second.run();
    await expireLeases();
    clock.advance(TENURE_PERIOD_MS);
    await second.run();
    expect(seen).toEqual([clock.nowMs()]);
  });

  it("tells of what was heard here those alone who may hold its pool", async () => {
    await tenureOf("a", { pools: [LINUX] }).run();
    world.told.length = 0;
    const second = tenureOf("b", { pools: [LINUX, GPU] });
    await second.run();
    expect(world.told).toEqual([[LINUX]]);
  });

  it("is not kept by the lease alone: a probe that fails does not cost it", async () => {
    world.isAnswering = false;
    const tenure = tenureOf("a");
    await tenure.run();
    expect(tenure.lease(LINUX)?.epoch).toBe(1);
  });

  it("begins anew where the store takes no write of any of the pools, which is told and not thrown", async () => {
    const tenure = tenureOf("a", { pools: [GPU, LINUX] });
    const startMs = clock.nowMs();
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(startMs);
    await sql`pragma query_only = on`.execute(store.db);
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    expect(telemetry.errors).toMatchObject([
      { error: { code: "store-unavailable" }, fields: { pool: GPU } },
      { error: { code: "store-unavailable" }, fields: { pool: LINUX } },
    ]);
    const lastMs = clock.nowMs();
    await sql`pragma query_only = off`.execute(store.db);
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(lastMs);
    expect(acquired).toEqual([GPU, LINUX]);
  });

  it("does not end by a store that cannot even be read", async () => {
    const closed = await openStore("sqlite::memory:");
    await closed.close();
    const tenure = tenureOf("a", { store: closed });
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect([tenure.lease(LINUX), tenure.heardSinceMs()]).toEqual([null, clock.nowMs()]);
    expect(telemetry.errors).toHaveLength(1);
  });

  it.each([
    ["forward by an hour", HOUR_MS],
    ["back by an hour", -HOUR_MS],
    ["forward by more than any drift", CLOCK_STEP_MS + 1],
    ["back by more than any drift", -CLOCK_STEP_MS - 1],
  ])("begins anew where the wall clock was set %s, and says so before the next pass", async (_name, byMs) => {
    const tenure = tenureOf("a");
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    clock.step(byMs);
    expect(tenure.heardSinceMs()).toBe(clock.nowMs());
    await tenure.run();
    const anewMs = clock.nowMs();
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(anewMs);
  });

  it("goes on over a clock that is slewed", async () => {
    const startMs = clock.nowMs();
    const tenure = tenureOf("a");
    for (let count = 0; count < 10; count += 1) {
      clock.advance(TENURE_PERIOD_MS);
      clock.step(SECOND_MS);
      await tenure.run();
    }
    expect(tenure.heardSinceMs()).toBe(startMs);
  });

  it("goes on while another holds the pool: agents are heard all the same", async () => {
    await acquireLease(store.db, LINUX, "another", HOUR_MS);
    const startMs = clock.nowMs();
    const tenure = tenureOf("a");
    clock.advance(TENURE_PERIOD_MS);
    await tenure.run();
    expect(tenure.heardSinceMs()).toBe(startMs);
  });
});
