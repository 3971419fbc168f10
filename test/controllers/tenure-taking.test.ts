/** Which pools a process takes, of those that nobody has. */
import { expect, it, onTestFinished } from "vitest";
import { Tenure } from "../../src/controllers/tenure.ts";
import type { PoolName } from "../../src/domain/ids.ts";
import { HOUR_MS } from "../../src/domain/units.ts";
import { acquireLease, readLease } from "../../src/store/leases.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { poolName } from "../domain/builders.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "../store/manual-clock.ts";

const OURS = poolName("ours");
const OTHER = poolName("other");

async function useStore(): Promise<Store> {
  const store = await openStore("sqlite::memory:");
  onTestFinished(() => store.close());
  return store;
}

function tenureOf(store: Store, mayTake: (pool: PoolName) => boolean): Tenure {
  return new Tenure({
    store,
    clock: new ManualClock(),
    telemetry: recordTelemetry(),
    pools: [OURS, OTHER],
    holder: "this",
    mayTake,
    isHolderDead: () => false,
    probe: async () => true,
    isBehind: () => false,
    onAcquired: () => {},
    onLost: () => {},
    exchangeHeard: async () => {},
  });
}

it("a process that is about to end keeps the pools that it holds, and takes none that another gives back", async () => {
  const store = await useStore();
  await acquireLease(store.db, OTHER, "another", HOUR_MS);
  const tenure = tenureOf(store, () => true);
  await tenure.run();
  tenure.stopTaking();
  await store.db.updateTable("leases").set({ expires_ms: 1 }).execute();
  await tenure.run();
  const [ours, given] = [await readLease(store.db, OURS), await readLease(store.db, OTHER)];
  expect([ours?.holder, given?.holder]).toEqual(["this", "another"]);
  const rows = await store.db.selectFrom("leases").select(["pool", "expires_ms"]).execute();
  expect(rows.filter(({ expires_ms }) => expires_ms > 1).map(({ pool }) => pool)).toEqual([OURS]);
});

it("a pool is not taken before it may be, and kept once it is had", async () => {
  const store = await useStore();
  const open = new Set([OURS]);
  const tenure = tenureOf(store, (pool) => open.has(pool));
  const held = () => [OURS, OTHER].filter((pool) => tenure.lease(pool) !== null);
  await tenure.run();
  expect(held()).toEqual([OURS]);
  expect(await readLease(store.db, OTHER)).toBeNull();
  open.add(OTHER);
  await tenure.run();
  expect(held()).toEqual([OURS, OTHER]);
  open.clear();
  await tenure.run();
  expect(held()).toEqual([OURS, OTHER]);
});
