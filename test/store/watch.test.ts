/** How long the store takes, as it tells whoever watches it. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { SECOND_MS } from "../../src/domain/units.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { recordTelemetry } from "../http/stand-ins.ts";
import { ManualClock } from "./manual-clock.ts";

let clock: ManualClock;
let telemetry: ReturnType<typeof recordTelemetry>;
let store: Store;
beforeEach(async () => {
  clock = new ManualClock();
  telemetry = recordTelemetry();
  store = await openStore("sqlite::memory:", { clock, telemetry });
  telemetry.durationsMs.clear();
});
afterEach(() => store.close());

const told = (operation: string) => telemetry.durationsMs.get(`holdfast_store_seconds operation=${operation}`) ?? [];

it("tells of a transaction from the moment it was asked for, one that waited for another included", async () => {
  const first = inTransaction(store, async () => clock.advance(2 * SECOND_MS));
  const second = inTransaction(store, async () => clock.advance(SECOND_MS));
  await Promise.all([first, second]);
  expect(told("transaction")).toEqual([2 * SECOND_MS, 3 * SECOND_MS]);
});

it("tells of one that was rolled back", async () => {
  const failing = inTransaction(store, async () => {
    clock.advance(SECOND_MS);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(told("transaction")).toEqual([SECOND_MS]);
});

it("tells of each statement, inside a transaction too", async () => {
  const select = (db: Parameters<Parameters<typeof inTransaction>[1]>[0]) =>
    db.selectFrom("store_facts").selectAll().execute();
  await select(store.db);
  expect(told("query")).toHaveLength(1);
  await inTransaction(store, select);
  expect(told("query").length).toBeGreaterThanOrEqual(2);
  expect(told("query").every((durationMs) => durationMs >= 0)).toBe(true);
});
