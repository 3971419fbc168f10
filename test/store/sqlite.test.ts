import { open, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { countDeliveriesByState } from "../../src/store/deliveries/list.ts";
import { DeliveryLog } from "../../src/store/deliveries/log.ts";
import { acquireLease, inLease } from "../../src/store/leases.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { ManualClock } from "./manual-clock.ts";
import { openMemory, useFolder, useStore } from "./open-store.ts";
import { pool, sampleDelivery, sampleMachine } from "./samples.ts";

const folder = useFolder();
const file = () => join(folder(), "holdfast.db");
const openFile = () => openStore(`sqlite:${file()}`);

/** Writes a store of some pages, closed. */
async function writeStore(): Promise<void> {
  const store = await openFile();
  await inTransaction(store, async (tx) => {
    for (let number = 0; number < 200; number += 1) await insertMachine(tx, sampleMachine(number));
  });
  await store.close();
}

describe("opening", () => {
  it("keeps what was stored, and counts the openings", async () => {
    const first = await openFile();
    await insertMachine(first.db, sampleMachine(1));
    await first.close();
    const second = await openFile();
    expect(await loadMachine(second.db, sampleMachine(1).id)).toEqual(sampleMachine(1));
    expect([first.generation, second.generation]).toEqual([1, 2]);
    await Promise.all([second.close(), second.close()]);
  });

  it("makes a file that only its owner can read, and takes writes as durable only once the disk has them", async () => {
    const store = await openFile();
    const modes = await Promise.all(["", "-wal"].map((suffix) => stat(`${file()}${suffix}`)));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o600]);
    const pragmas = ["journal_mode", "synchronous", "foreign_keys"];
    const rows = await Promise.all(pragmas.map((pragma) => sql.raw(`pragma ${pragma}`).execute(store.db)));
    expect(rows.map((result) => result.rows[0])).toEqual([
      { journal_mode: "wal" },
      { synchronous: 2 },
      { foreign_keys: 1 },
    ]);
    await store.close();
  });

  it("waits at its close for what is under way", async () => {
    const store = await openFile();
    const { promise, resolve } = Promise.withResolvers<void>();
    const write = inTransaction(store, async (tx) => {
      await promise;
      await insertMachine(tx, sampleMachine(1));
    });
    const closed = store.close();
    resolve();
    await Promise.all([write, closed]);
    const again = await openFile();
    expect(await loadMachine(again.db, sampleMachine(1).id)).not.toBeNull();
    await again.close();
  });

  it("refuses a store that a newer version wrote, and leaves it as it is", async () => {
    await writeStore();
    const raw = new DatabaseSync(file());
    raw.exec("insert into schema_migrations (number, name) values (999, 'future')");
    await expect(openFile()).rejects.toMatchObject({ code: "store-newer" });
    expect(raw.prepare("select generation from store_facts").get()).toEqual({ generation: 1 });
    raw.close();
  });

  it.each<[string, () => Promise<unknown>]>([
    ["is not a database", () => writeFile(file(), "not a database, but long enough to be read as one".repeat(99))],
    ["was cut short", async () => writeStore().then(() => truncate(file(), 6_000))],
    ["has a page that is not one", damagePageOne],
    ["is the database of another program", async () => new DatabaseSync(file()).exec("create table leases (id text)")],
  ])("gives one clear error for a file that %s, and does not change it", async (_name, damage) => {
    await damage();
    const before = await readFile(file());
    await expect(openFile()).rejects.toMatchObject({
      code: "store-unavailable",
      message: expect.stringContaining(file()),
    });
    expect((await readFile(file())).equals(before)).toBe(true);
  });

  it.each([
    ["a folder that does not exist", () => `sqlite:${join(folder(), "none", "holdfast.db")}`],
    ["a folder", () => `sqlite:${folder()}`],
    ["an unknown kind of store", () => "postgres://localhost/holdfast"],
    ["no path", () => "sqlite:"],
  ])("gives one clear error for %s", async (_name, address) => {
    await expect(openStore(address())).rejects.toMatchObject({ code: "store-unavailable" });
  });
});

/** Overwrites the schema behind the header of the first page. */
async function damagePageOne(): Promise<void> {
  await writeStore();
  const handle = await open(file(), "r+");
  await handle.write(Buffer.alloc(3_000, 0xff), 0, 3_000, 100);
  await handle.close();
}

describe("two openings of one file", () => {
  it("see each other's writes, and only the holder of the lease writes for a pool", async () => {
    const [one, two] = [await openFile(), await openFile()];
    const first = await acquireLease(one.db, pool, "one", 0);
    await inLease(two, (await acquireLease(two.db, pool, "two", 60_000))!, (tx) => insertMachine(tx, sampleMachine(1)));
    expect(await loadMachine(one.db, sampleMachine(1).id)).not.toBeNull();
    const late = inLease(one, first!, (tx) => insertMachine(tx, sampleMachine(2)));
    await expect(late).rejects.toMatchObject({ code: "lease-lost" });
    await Promise.all([one.close(), two.close()]);
  });

  it("do not write between what the other reads and what it writes in one transaction", async () => {
    const store = await openFile();
    const other = new DatabaseSync(file(), { timeout: 1 });
    await inTransaction(store, async (tx) => {
      await loadMachine(tx, sampleMachine(1).id);
      expect(() => other.exec("update store_facts set generation = 9")).toThrow("locked");
      await insertMachine(tx, sampleMachine(1));
    });
    other.exec("update store_facts set generation = 9");
    other.close();
    await store.close();
  });

  it("fail with one clear error while the other holds the file too long", async () => {
    const store = await openFile();
    const other = new DatabaseSync(file());
    await sql`pragma busy_timeout = 1`.execute(store.db);
    other.exec("begin immediate");
    await expect(insertMachine(store.db, sampleMachine(1))).rejects.toMatchObject({ code: "store-unavailable" });
    const transaction = inTransaction(store, (tx) => insertMachine(tx, sampleMachine(1)));
    await expect(transaction).rejects.toMatchObject({ code: "store-unavailable" });
    other.exec("rollback");
    other.close();
    await insertMachine(store.db, sampleMachine(1));
    await store.close();
  });
});

it("waits for a lock that is not given back only once: a wait stops all else in the process", async () => {
  const store = await openFile();
  const other = new DatabaseSync(file());
  const timeout = async () => (await sql<{ timeout: number }>`pragma busy_timeout`.execute(store.db)).rows[0]?.timeout;
  expect(await timeout()).toBe(5_000);
  await sql`pragma busy_timeout = 1`.execute(store.db);
  other.exec("begin immediate");
  await expect(insertMachine(store.db, sampleMachine(1))).rejects.toMatchObject({ code: "store-unavailable" });
  expect(await timeout()).toBe(50);
  expect(await loadMachine(store.db, sampleMachine(1).id)).toBeNull();
  expect(await timeout()).toBe(50);
  other.exec("rollback");
  other.close();
  await insertMachine(store.db, sampleMachine(1));
  expect(await timeout()).toBe(5_000);
  await store.close();
});

describe("a full disk", () => {
  const store = useStore(openMemory);

  it("rejects a write, and takes it again when there is room", async () => {
    const large = { ...sampleMachine(1), settingsHash: "x".repeat(1_000_000) };
    await limitPages(store(), 60);
    const alone = insertMachine(store().db, large);
    await expect(alone).rejects.toMatchObject({ code: "store-unavailable" });
    const inside = inTransaction(store(), async (tx) => {
      await insertMachine(tx, sampleMachine(2));
      await insertMachine(tx, large);
    });
    await expect(inside).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await loadMachine(store().db, sampleMachine(2).id)).toBeNull();
    await limitPages(store(), 100_000);
    await insertMachine(store().db, large);
  });

  it("rejects every delivery of a group that does not fit, and stores none of them", async () => {
    await limitPages(store(), 60);
    const log = new DeliveryLog(store(), new ManualClock());
    const large = sampleDelivery(2, { body: new Uint8Array(1_000_000) });
    const results = Promise.allSettled([log.record(sampleDelivery(1)), log.record(large)]);
    await log.close();
    for (const result of await results)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "store-unavailable" } });
    expect(await countDeliveriesByState(store().db)).toEqual({});
  });
});

/** SQLite's own way to be out of room; never below what is used already. */
async function limitPages(store: Store, count: number): Promise<void> {
  await sql.raw(`pragma max_page_count = ${count}`).execute(store.db);
}
