import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { parseLeaseEpoch } from "../../../src/domain/ids.ts";
import {
  acquireLease,
  inLease,
  type Lease,
  leaseRemainingMs,
  readLease,
  releaseLease,
  renewLease,
} from "../../../src/store/leases.ts";
import { listMachines } from "../../../src/store/machines/list.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import type { Store } from "../../../src/store/store.ts";
import { inTransaction } from "../../../src/store/transaction.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { otherPool, pool, sampleMachine } from "../samples.ts";

const LIFE_MS = 60_000;

async function take(store: Store, holder: string, lifeMs = LIFE_MS): Promise<Lease> {
  const lease = await acquireLease(store.db, pool, holder, lifeMs);
  expect(lease).not.toBeNull();
  return lease!;
}

async function countMachines(store: Store): Promise<number> {
  return (await listMachines(store.db, { includeGone: true, limitCount: 1_000 })).length;
}

export function describeLeases(open: OpenStore): void {
  describe("leases", () => {
    const store = useStore(open);

    it("gives a pool to one holder at a time, pools apart", async () => {
      expect(await take(store(), "a")).toEqual({ pool, holder: "a", epoch: 1 });
      expect(await acquireLease(store().db, pool, "b", LIFE_MS)).toBeNull();
      expect(await acquireLease(store().db, otherPool, "b", LIFE_MS)).toMatchObject({ holder: "b", epoch: 1 });
    });

    it("renews for the same holder under the same epoch", async () => {
      const lease = await take(store(), "a", 1_000);
      expect(await take(store(), "a", LIFE_MS)).toEqual(lease);
      expect(await leaseRemainingMs(store().db, lease)).toBeGreaterThan(50_000);
      expect(await renewLease(store().db, lease, 2 * LIFE_MS)).toBe(true);
      expect(await leaseRemainingMs(store().db, lease)).toBeGreaterThan(110_000);
    });

    it("lets another take over after the expiry, under the next epoch, and the first one knows", async () => {
      const first = await take(store(), "a", 20);
      await sleep(40);
      expect(await leaseRemainingMs(store().db, first)).toBe(0);
      expect(await renewLease(store().db, first, LIFE_MS)).toBe(false);
      const second = await take(store(), "b");
      expect(second.epoch).toBe(2);
      expect(await renewLease(store().db, first, LIFE_MS)).toBe(false);
      expect(await leaseRemainingMs(store().db, first)).toBe(0);
      expect(await acquireLease(store().db, pool, "a", LIFE_MS)).toBeNull();
    });

    it("tells who holds a pool, and lets the holder give it back before the expiry", async () => {
      expect(await readLease(store().db, pool)).toBeNull();
      const first = await take(store(), "a");
      expect(await readLease(store().db, pool)).toEqual(first);
      await releaseLease(store().db, { ...first, holder: "b" });
      expect(await leaseRemainingMs(store().db, first)).toBeGreaterThan(0);
      await releaseLease(store().db, first);
      expect(await leaseRemainingMs(store().db, first)).toBe(0);
      expect(await readLease(store().db, pool)).toEqual(first);
      const second = await take(store(), "b");
      await releaseLease(store().db, first);
      expect(await leaseRemainingMs(store().db, second)).toBeGreaterThan(0);
    });

    it("does not give a former epoch anything when the same holder comes back", async () => {
      const first = await take(store(), "a", 0);
      await take(store(), "b", 0);
      const third = await take(store(), "a");
      expect(third.epoch).toBe(3);
      expect(await leaseRemainingMs(store().db, first)).toBe(0);
      expect(await renewLease(store().db, first, 2 * LIFE_MS)).toBe(false);
      expect(await leaseRemainingMs(store().db, third)).toBeLessThanOrEqual(LIFE_MS);
    });
  });
}

export function describeInLease(open: OpenStore): void {
  describe("inLease", () => {
    const store = useStore(open);

    it("returns what the write returns and keeps what it wrote", async () => {
      const lease = await take(store(), "a");
      expect(await inLease(store(), lease, (tx) => insertMachine(tx, sampleMachine(1)).then(() => 7))).toBe(7);
      expect(await countMachines(store())).toBe(1);
    });

    it.each([
      ["expired", async () => take(store(), "a", 0)],
      ["taken over", async () => (await take(store(), "a", 0)) && { ...(await take(store(), "b")), holder: "a" }],
      ["of another epoch", async () => ({ ...(await take(store(), "a")), epoch: parseLeaseEpoch(9) })],
      ["never taken", async () => ({ pool, holder: "a", epoch: parseLeaseEpoch(1) })],
    ])("refuses a lease that is %s, and writes nothing", async (_name, lose) => {
      const lost = await lose();
      const write = inLease(store(), lost, (tx) => insertMachine(tx, sampleMachine(1)));
      await expect(write).rejects.toMatchObject({ code: "lease-lost" });
      expect(await countMachines(store())).toBe(0);
    });

    it("undoes everything where the write throws, and goes on after", async () => {
      const lease = await take(store(), "a");
      const write = inLease(store(), lease, async (tx) => {
        await insertMachine(tx, sampleMachine(1));
        throw new RangeError("mine");
      });
      await expect(write).rejects.toThrow("mine");
      expect(await countMachines(store())).toBe(0);
      await inLease(store(), lease, (tx) => insertMachine(tx, sampleMachine(1)));
      expect(await countMachines(store())).toBe(1);
    });

    it("runs one after the other, so that none reads what another is about to change", async () => {
      const lease = await take(store(), "a");
      const addOne = () =>
        inLease(store(), lease, async (tx) => {
          const machines = await listMachines(tx, { includeGone: true, limitCount: 100 });
          await Promise.resolve();
          await insertMachine(tx, sampleMachine(machines.length));
        });
      await Promise.all(Array.from({ length: 25 }, addOne));
      expect(await countMachines(store())).toBe(25);
    });

    it("leaves the store to what it started and did not wait for, once it is over", async () => {
      const over = Promise.withResolvers<void>();
      let later: Promise<number> = Promise.resolve(0);
      await inTransaction(store(), async (tx) => {
        later = over.promise.then(() => countMachines(store()));
        await insertMachine(tx, sampleMachine(1));
      });
      over.resolve();
      expect(await later).toBe(1);
    });

    it("refuses what would wait for itself: the store, or another transaction, from inside one", async () => {
      const lease = await take(store(), "a");
      await expect(inLease(store(), lease, () => countMachines(store()))).rejects.toThrow("through the transaction");
      const nested = inTransaction(store(), () => inLease(store(), lease, async () => 1));
      await expect(nested).rejects.toThrow("through the transaction");
      expect(await countMachines(store())).toBe(0);
    });
  });
}
