/** Settings that another process launched with since this one started: whether this one looks where they put machines. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeStoredPool } from "../../src/app/config/stored-pools.ts";
import { createPlaceReader } from "../../src/app/known-places.ts";
import { savePoolSettings } from "../../src/store/pools/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { poolConfig } from "./whole-config.ts";

let store: Store;
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
});
afterEach(() => store.close());

const config = poolConfig("/var/holdfast");
const { name, settingsHash } = config.policy;
const save = (hash: string, settings: string) =>
  savePoolSettings(store.db, { pool: name, settingsHash: hash, settings, storedAtMs: 1 });
const reader = (formers = [poolConfig("/srv/former")]) => createPlaceReader(store.db, { config, formers });

it("its own are known", async () => {
  expect(await reader()(settingsHash)).toBe(true);
});

it("others of the same place, or of a former one, are known too", async () => {
  await save("same", writeStoredPool(poolConfig("/var/holdfast")));
  await save("former", writeStoredPool(poolConfig("/srv/former")));
  const isPlaceKnown = reader();
  expect([await isPlaceKnown("same"), await isPlaceKnown("former")]).toEqual([true, true]);
});

it("those of another place are not, nor those that are not stored, or not in a shape that this version reads", async () => {
  await save("elsewhere", writeStoredPool(poolConfig("/mnt/elsewhere")));
  await save("newer", "{}");
  const isPlaceKnown = reader();
  for (const hash of ["elsewhere", "newer", "none"]) expect(await isPlaceKnown(hash)).toBe(false);
});
