import { describe, expect, it } from "vitest";
import { parsePoolName } from "../../../src/domain/ids.ts";
import { DAY_MS } from "../../../src/domain/units.ts";
import { insertLaunch } from "../../../src/store/launches/save.ts";
import { insertMachine } from "../../../src/store/machines/save.ts";
import { forgetPoolSettings } from "../../../src/store/pools/forget.ts";
import { listPoolSettings } from "../../../src/store/pools/list.ts";
import {
  countRemains,
  listConnectionsInUse,
  listPoolsWithRemains,
  listSettingsInUse,
  listSettingsNamed,
} from "../../../src/store/pools/remains.ts";
import { markPoolLeft, savePoolSettings } from "../../../src/store/pools/save.ts";
import { deleteExpired } from "../../../src/store/retention.ts";
import type { Store } from "../../../src/store/store.ts";
import { insertTicket } from "../../../src/store/tickets/save.ts";
import { type OpenStore, useStore } from "../open-store.ts";
import {
  connection,
  machineState,
  NOW_MS,
  otherPool,
  pool,
  sampleLaunch,
  sampleMachine,
  sampleTicket,
} from "../samples.ts";

const NEVER = { beforeMs: NOW_MS - DAY_MS };
const MUCH_LATER = { beforeMs: NOW_MS + DAY_MS };

async function save(store: Store, hash: string, storedAtMs = NOW_MS): Promise<void> {
  await savePoolSettings(store.db, { pool, settingsHash: hash, settings: `{"hash":"${hash}"}`, storedAtMs });
}
async function hashes(store: Store): Promise<readonly string[]> {
  return (await listPoolSettings(store.db)).map(({ settingsHash }) => settingsHash);
}

export function describePoolSettings(open: OpenStore): void {
  describe("settings of pools", () => {
    const store = useStore(open);

    it("the last ones are current, and those before are kept", async () => {
      await save(store(), "one");
      await save(store(), "two", NOW_MS + 1);
      expect(await listPoolSettings(store().db)).toEqual([
        {
          pool,
          settingsHash: "two",
          settings: '{"hash":"two"}',
          isCurrent: true,
          storedAtMs: NOW_MS + 1,
          leftAtMs: null,
        },
        { pool, settingsHash: "one", settings: '{"hash":"one"}', isCurrent: false, storedAtMs: NOW_MS, leftAtMs: null },
      ]);
      await save(store(), "one", NOW_MS + 2);
      expect(await hashes(store())).toEqual(["one", "two"]);
    });

    it("a pool leaves once, and is back when it is configured again", async () => {
      await save(store(), "one");
      await markPoolLeft(store().db, pool, NOW_MS + 1);
      await markPoolLeft(store().db, pool, NOW_MS + 2);
      await markPoolLeft(store().db, otherPool, NOW_MS + 2);
      expect((await listPoolSettings(store().db))[0]?.leftAtMs).toBe(NOW_MS + 1);
      await save(store(), "one", NOW_MS + 3);
      expect((await listPoolSettings(store().db))[0]?.leftAtMs).toBeNull();
    });

    it("are kept while their pool is configured, however long ago they were stored", async () => {
      await save(store(), "one");
      expect(await forgetPoolSettings(store().db, MUCH_LATER)).toBe(0);
    });

    it("of a pool that left are forgotten after long, and not before", async () => {
      await save(store(), "one");
      await markPoolLeft(store().db, pool, NOW_MS);
      expect(await forgetPoolSettings(store().db, NEVER)).toBe(0);
      expect(await forgetPoolSettings(store().db, MUCH_LATER)).toBe(1);
    });

    it("that were replaced are forgotten after long, and not before", async () => {
      await save(store(), "one");
      await save(store(), "two");
      expect(await forgetPoolSettings(store().db, NEVER)).toBe(0);
      expect(await forgetPoolSettings(store().db, MUCH_LATER)).toBe(1);
      expect(await hashes(store())).toEqual(["two"]);
    });

    it.each<readonly [string, (store: Store) => Promise<void>]>([
      ["a machine", ({ db }) => insertMachine(db, sampleMachine(1, { settingsHash: "one" }))],
      ["an open launch", ({ db }) => insertLaunch(db, sampleLaunch(1, { settingsHash: "one", state: "open" }))],
    ])("that something was made from are never forgotten: %s", async (_name, add) => {
      await add(store());
      await save(store(), "one");
      await save(store(), "two");
      expect(await forgetPoolSettings(store().db, MUCH_LATER)).toBe(0);
      expect(await listSettingsInUse(store().db)).toEqual([{ pool, settingsHash: "one" }]);
    });
  });
}

export function describePoolRemains(open: OpenStore): void {
  describe("what is left of a pool", () => {
    const store = useStore(open);
    const none = { machineCount: 0, liveTicketCount: 0, registrationCount: 0, openLaunchCount: 0 };
    const gone = sampleMachine(1, { state: machineState("gone") });
    const spent = { kind: "spent", sinceMs: 1 } as const;

    it.each<readonly [string, (store: Store) => Promise<void>, Partial<typeof none>]>([
      ["a machine", ({ db }) => insertMachine(db, sampleMachine(1)), { machineCount: 1 }],
      ["a machine that is gone: nothing", ({ db }) => insertMachine(db, gone), {}],
      [
        "a ticket that is out",
        async ({ db }) => {
          await insertMachine(db, gone);
          await insertTicket(db, sampleTicket(1, { machineId: gone.id, state: { kind: "running", sinceMs: 1 } }));
        },
        { liveTicketCount: 1 },
      ],
      [
        "a registration that is owed its deletion",
        async ({ db }) => {
          await insertMachine(db, gone);
          await insertTicket(db, sampleTicket(1, { machineId: gone.id, state: spent, registration: "unknown" }));
        },
        { registrationCount: 1 },
      ],
      [
        "a ticket that is over, and its registration gone: nothing",
        async ({ db }) => {
          await insertMachine(db, gone);
          await insertTicket(db, sampleTicket(1, { machineId: gone.id, state: spent, registration: "gone" }));
        },
        {},
      ],
      ["an open launch", ({ db }) => insertLaunch(db, sampleLaunch(1, { state: "open" })), { openLaunchCount: 1 }],
      ["a launch that was answered: nothing", ({ db }) => insertLaunch(db, sampleLaunch(1, { state: "done" })), {}],
    ])("%s", async (_name, add, want) => {
      await add(store());
      await save(store(), "one");
      await markPoolLeft(store().db, pool, NOW_MS);
      const isLeft = Object.keys(want).length > 0;
      expect(await countRemains(store().db, pool)).toEqual({ ...none, ...want });
      expect(await countRemains(store().db, otherPool)).toEqual(none);
      expect(await listPoolsWithRemains(store().db)).toEqual(isLeft ? [pool] : []);
      // Retention takes no settings from what still needs them.
      await deleteExpired(store().db, MUCH_LATER);
      await forgetPoolSettings(store().db, MUCH_LATER);
      expect(await hashes(store())).toEqual(isLeft ? ["one"] : []);
    });

    it("says at which connections a pool has tickets", async () => {
      await insertMachine(store().db, gone);
      await insertTicket(store().db, sampleTicket(1, { machineId: gone.id, state: spent, registration: "present" }));
      expect(await listConnectionsInUse(store().db)).toEqual([{ pool: parsePoolName("linux"), connection }]);
    });
  });
}

export function describeSettingsInUse(open: OpenStore): void {
  describe("settings of pools that are in use", () => {
    const store = useStore(open);

    it("counts all that is known of the pool of what was adopted: by any of them it may have been found", async () => {
      await insertMachine(store().db, sampleMachine(1, { origin: "adopted" }));
      expect(await listSettingsInUse(store().db)).toEqual([]);
      await save(store(), "one");
      await save(store(), "two");
      expect(await listSettingsNamed(store().db, pool)).toEqual([]);
      await savePoolSettings(store().db, { pool: otherPool, settingsHash: "x", settings: "{}", storedAtMs: NOW_MS });
      const inUse = await listSettingsInUse(store().db);
      expect(inUse.toSorted((a, b) => (a.settingsHash < b.settingsHash ? -1 : 1))).toEqual([
        { pool, settingsHash: "one" },
        { pool, settingsHash: "two" },
      ]);
    });

    it("counts those alone by whose places a machine was found, as long as they are known", async () => {
      await save(store(), "one");
      await save(store(), "two");
      const found = { origin: "adopted", settingsHash: "unknown" } as const;
      await insertMachine(store().db, sampleMachine(1, { ...found, foundBySettings: ["two"] }));
      expect(await listSettingsInUse(store().db)).toEqual([{ pool, settingsHash: "two" }]);
      expect(await listSettingsNamed(store().db, pool)).toEqual(["two"]);
      expect(await listSettingsNamed(store().db, otherPool)).toEqual([]);
      await insertMachine(store().db, sampleMachine(2, { ...found, foundBySettings: ["three"] }));
      expect(await listSettingsInUse(store().db)).toHaveLength(2);
      expect(await listSettingsNamed(store().db, pool)).toEqual(["two", "three"]);
    });

    it("counts those of what was restored: its machine was made from them", async () => {
      await insertMachine(store().db, sampleMachine(2, { origin: "restored", settingsHash: "abc" }));
      expect(await listSettingsInUse(store().db)).toEqual([{ pool: parsePoolName("linux"), settingsHash: "abc" }]);
    });
  });
}
