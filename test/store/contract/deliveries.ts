import { describe, expect, it } from "vitest";
import { parseConnectionName } from "../../../src/domain/ids.ts";
import { finishDelivery, quarantineDelivery } from "../../../src/store/deliveries/finish.ts";
import {
  countDeliveriesByState,
  listDeliveries,
  listKnownDeliveries,
  listPendingDeliveries,
  loadDelivery,
} from "../../../src/store/deliveries/list.ts";
import { DeliveryLog, WAITING_BYTES_MAX } from "../../../src/store/deliveries/log.ts";
import { findDeliveries, releaseDelivery } from "../../../src/store/deliveries/quarantine.ts";
import { recordPending, recordQuarantined } from "../../../src/store/deliveries/record.ts";
import type { Store } from "../../../src/store/store.ts";
import { ManualClock } from "../manual-clock.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import { connection, NOW_MS, sampleDelivery } from "../samples.ts";

async function record(store: Store, ...numbers: readonly number[]): Promise<void> {
  const log = new DeliveryLog(store, new ManualClock());
  const recorded = numbers.map((number) => log.record(sampleDelivery(number)));
  await log.close();
  await Promise.all(recorded);
}

const ids = (deliveries: readonly { readonly id: string }[]) => deliveries.map(({ id }) => id);

export function describeDeliveries(open: OpenStore): void {
  describe("deliveries", () => {
    const store = useStore(open);

    it("keeps every byte of a body", async () => {
      const body = Uint8Array.from({ length: 256 }, (_, index) => index);
      await recordQuarantined(store().db, sampleDelivery(1, { body }), "not JSON");
      const loaded = await loadDelivery(store().db, connection, sampleDelivery(1).id);
      expect(loaded).toMatchObject({ state: "quarantined", error: "not JSON", event: "workflow_job" });
      expect([...(loaded?.body ?? [])]).toEqual([...body]);
    });

    it("lists the pending oldest first, all newest first", async () => {
      await record(store(), 3, 1, 2);
      await finishDelivery(store().db, connection, sampleDelivery(1).id, "applied", NOW_MS);
      expect(ids(await listPendingDeliveries(store().db, 10))).toEqual(["delivery-2", "delivery-3"]);
      expect(ids(await listPendingDeliveries(store().db, 1))).toEqual(["delivery-2"]);
      expect(ids(await listDeliveries(store().db, { limitCount: 2 }))).toEqual(["delivery-3", "delivery-2"]);
      expect(ids(await listDeliveries(store().db, { state: "applied", limitCount: 9 }))).toEqual(["delivery-1"]);
      expect(await countDeliveriesByState(store().db)).toEqual({ pending: 2, applied: 1 });
    });

    it("takes one that was fetched like one that came, once, and knows which are here in whatever state", async () => {
      await recordPending(store().db, sampleDelivery(1));
      await finishDelivery(store().db, connection, sampleDelivery(1).id, "applied", NOW_MS);
      await recordPending(store().db, sampleDelivery(1));
      await recordPending(store().db, sampleDelivery(2));
      expect(await countDeliveriesByState(store().db)).toEqual({ pending: 1, applied: 1 });
      const asked = [1, 2, 3].map((number) => sampleDelivery(number).id);
      expect([...(await listKnownDeliveries(store().db, connection, asked))].sort()).toEqual(asked.slice(0, 2));
      expect((await listKnownDeliveries(store().db, parseConnectionName("ghes"), asked)).size).toBe(0);
    });

    it("quarantines the pending only, and a quarantined one can still be applied", async () => {
      await record(store(), 1, 2);
      const [one, two] = [sampleDelivery(1).id, sampleDelivery(2).id];
      await finishDelivery(store().db, connection, one, "ignored", NOW_MS);
      await quarantineDelivery(store().db, connection, one, "late", NOW_MS);
      await quarantineDelivery(store().db, connection, two, "broken", NOW_MS);
      expect(await loadDelivery(store().db, connection, one)).toMatchObject({ state: "ignored", error: null });
      expect(await loadDelivery(store().db, connection, two)).toMatchObject({ state: "quarantined", error: "broken" });
      await finishDelivery(store().db, connection, two, "applied", NOW_MS);
      await finishDelivery(store().db, connection, two, "ignored", NOW_MS);
      expect(await loadDelivery(store().db, connection, two)).toMatchObject({ state: "applied", error: null });
    });

    it("leaves a delivery that is there as it is when it comes again quarantined", async () => {
      await record(store(), 1);
      await recordQuarantined(store().db, sampleDelivery(1), "again");
      expect(await loadDelivery(store().db, connection, sampleDelivery(1).id)).toMatchObject({ state: "pending" });
      expect(await loadDelivery(store().db, connection, sampleDelivery(2).id)).toBeNull();
    });
  });
}

export function describeDeliveryLog(open: OpenStore): void {
  describe("the delivery log", () => {
    const store = useStore(open);

    it("waits for more until the time is up, and commits all together", async () => {
      const clock = new ManualClock();
      const log = new DeliveryLog(store(), clock, { batchMs: 5 });
      const recorded = Promise.all([log.record(sampleDelivery(1)), log.record(sampleDelivery(2))]);
      clock.advance(4);
      expect(await countDeliveriesByState(store().db)).toEqual({});
      clock.advance(1);
      expect(await recorded).toEqual(["stored", "stored"]);
      expect(await countDeliveriesByState(store().db)).toEqual({ pending: 2 });
    });

    it("does not wait once a group is full, and goes on with the rest", async () => {
      const clock = new ManualClock();
      const log = new DeliveryLog(store(), clock, { batchMax: 3 });
      const recorded = [1, 2, 3, 4].map((number) => log.record(sampleDelivery(number)));
      await Promise.all(recorded.slice(0, 3));
      expect(await countDeliveriesByState(store().db)).toEqual({ pending: 3 });
      expect(clock.sleeperCount).toBe(1);
      clock.advance(5);
      expect(await recorded[3]).toBe("stored");
    });

    it("says so of an id that was seen, in the same group or before, by connection", async () => {
      const clock = new ManualClock();
      const log = new DeliveryLog(store(), clock, { batchMax: 3 });
      const other = sampleDelivery(1, { connection: parseConnectionName("ghes") });
      const first = [sampleDelivery(1), sampleDelivery(1), other].map((delivery) => log.record(delivery));
      expect(await Promise.all(first)).toEqual(["stored", "seen", "stored"]);
      const again = log.record(sampleDelivery(1));
      await log.close();
      expect(await again).toBe("seen");
    });
  });
}

export function describeDeliveryLogLimits(open: OpenStore): void {
  describe("the limits of the delivery log", () => {
    const store = useStore(open);

    it("writes what waits when it is closed, and takes no more", async () => {
      const log = new DeliveryLog(store(), new ManualClock());
      const recorded = log.record(sampleDelivery(1));
      await Promise.all([log.close(), log.close()]);
      expect(await recorded).toBe("stored");
      await expect(log.record(sampleDelivery(2))).rejects.toMatchObject({ code: "store-unavailable" });
    });

    it("refuses more than may wait, by bytes, but takes one of any size", async () => {
      const clock = new ManualClock();
      const log = new DeliveryLog(store(), clock);
      const large = log.record(sampleDelivery(1, { body: new Uint8Array(WAITING_BYTES_MAX + 1) }));
      await expect(log.record(sampleDelivery(2))).rejects.toMatchObject({ code: "store-unavailable" });
      clock.advance(5);
      expect(await large).toBe("stored");
      const next = [3, 4].map((number) => log.record(sampleDelivery(number)));
      await log.close();
      expect(await Promise.all(next)).toEqual(["stored", "stored"]);
    });

    it("rejects all of a group whose commit fails, and goes on with the next", async () => {
      const clock = new ManualClock();
      const log = new DeliveryLog(store(), clock);
      // A time that is not a number is refused by every dialect.
      const recorded = [log.record(sampleDelivery(1)), log.record(sampleDelivery(2, { receivedAtMs: Number.NaN }))];
      const settled = Promise.allSettled(recorded);
      clock.advance(5);
      for (const result of await settled)
        expect(result).toMatchObject({ status: "rejected", reason: { code: "store-unavailable" } });
      expect(await countDeliveriesByState(store().db)).toEqual({});
      const next = log.record(sampleDelivery(3));
      await log.close();
      expect(await next).toBe("stored");
    });
  });
}

export function describeQuarantine(open: OpenStore): void {
  describe("deliveries that could not be handled", () => {
    const store = useStore(open);

    it.each([
      ["pending", { state: "pending", error: null }],
      ["ignored", { state: "ignored", error: "broken" }],
    ] as const)("releases a quarantined one to be %s, once, and no other", async (to, expected) => {
      await record(store(), 1, 2);
      const [one, two] = [sampleDelivery(1), sampleDelivery(2)];
      await quarantineDelivery(store().db, connection, one.id, "broken", NOW_MS);
      expect(await releaseDelivery(store().db, { ...one, connection: parseConnectionName("ghes") }, to, NOW_MS)).toBe(
        false,
      );
      expect(await releaseDelivery(store().db, one, to, NOW_MS)).toBe(true);
      expect(await releaseDelivery(store().db, one, to, NOW_MS)).toBe(false);
      expect(await loadDelivery(store().db, connection, one.id)).toMatchObject(expected);
      expect(await releaseDelivery(store().db, two, "ignored", NOW_MS)).toBe(false);
      expect(await loadDelivery(store().db, connection, two.id)).toMatchObject({ state: "pending" });
    });

    it("finds those of every connection that was told of an event", async () => {
      const ghes = parseConnectionName("ghes");
      for (const told of [connection, ghes]) await recordPending(store().db, sampleDelivery(1, { connection: told }));
      const found = await findDeliveries(store().db, sampleDelivery(1).id);
      expect(found.map((one) => one.connection)).toEqual([connection, ghes].sort());
      expect(await findDeliveries(store().db, sampleDelivery(2).id)).toEqual([]);
    });
  });
}
