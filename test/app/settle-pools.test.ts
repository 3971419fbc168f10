import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readStoredPool, writeStoredPool } from "../../src/app/config/stored-pools.ts";
import { missingConnection } from "../../src/app/missing-connection.ts";
import { settlePools } from "../../src/app/settle-pools.ts";
import { adoptStray, adoptUnstarted } from "../../src/domain/adoption.ts";
import { parsePoolName } from "../../src/domain/ids.ts";
import { issuePermit } from "../../src/domain/permit.ts";
import { describeDeparture } from "../../src/http/operators/departed.ts";
import { markRestored } from "../../src/store/facts.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine, saveMachine } from "../../src/store/machines/save.ts";
import { listPoolSettings } from "../../src/store/pools/list.ts";
import { savePoolSettings } from "../../src/store/pools/save.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { connectionName, epoch, heard, jobId, machine, observed, pool, runnerId, ticket } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { connectionConfig, poolConfig, wholeConfig } from "./whole-config.ts";

const NOW_MS = 1_000_000;
const PLACE = "/var/holdfast";
const linux = poolConfig(PLACE);
const next = poolConfig(PLACE, { name: parsePoolName("next"), settingsHash: "settings-next" });

let store: Store;
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
});
afterEach(() => store.close());

const settle = (...pools: readonly ReturnType<typeof poolConfig>[]) =>
  settlePools(store, wholeConfig(PLACE, { pools }), NOW_MS);

describe("a pool's settings in the store", () => {
  it("come back as they went in", () => {
    const whole = poolConfig(PLACE, {
      acceptRepositories: ["acme/widgets"],
      requiredLabels: ["gpu"],
      maxAgeMs: 5,
      mode: "observe",
      rerun: { exceptLabel: "no-rerun" },
      scope: { kind: "enterprise", enterprise: "acme" },
    });
    const row = { pool: whole.policy.name, settings: writeStoredPool(whole) };
    const stored = { ...row, settingsHash: "", isCurrent: true, storedAtMs: 1, leftAtMs: null };
    expect(readStoredPool(stored)).toEqual(whole);
  });

  it("hold the pool's block and nothing of the connection", () => {
    expect(Object.keys(JSON.parse(writeStoredPool(linux)))).toEqual(["shape", "policy", "runner", "provider"]);
  });

  it.each([
    ["no JSON", "{"],
    ["of another shape", JSON.stringify({ ...JSON.parse(writeStoredPool(linux)), shape: 2 })],
    ["without a key", JSON.stringify({ shape: 1, policy: linux.policy, runner: linux.runner })],
    ["a name that is none", writeStoredPool(poolConfig(PLACE, { name: "A B" as never }))],
  ])("that cannot be read are an error that names the pool: %s", (_name, settings) => {
    const row = { pool: linux.policy.name, settingsHash: "", isCurrent: true, storedAtMs: 1, leftAtMs: null };
    const read = () => readStoredPool({ ...row, settings });
    expect(read).toThrow(expect.objectContaining({ code: "pool-unreadable" }));
    expect(read).toThrow(/pool "linux"/);
  });
});

describe("which pools run", () => {
  it("those of the configuration, each start writing down what they are configured with", async () => {
    expect(await settle(linux, next)).toEqual([
      { config: linux, formers: [], isDeparted: false, isUnconnected: false },
      { config: next, formers: [], isDeparted: false, isUnconnected: false },
    ]);
    const stored = await listPoolSettings(store.db);
    expect(stored.map((row) => readStoredPool(row))).toEqual([linux, next]);
  });

  it("one that left and of which nothing is there is no pool any more", async () => {
    await settle(linux, next);
    expect(await settle(next)).toHaveLength(1);
    expect((await listPoolSettings(store.db)).map(({ pool: name, leftAtMs }) => [name, leftAtMs])).toEqual([
      ["linux", NOW_MS],
      ["next", null],
    ]);
  });

  it.each<readonly [string, () => Promise<void>]>([
    ["a machine", () => insertMachine(store.db, machine())],
    [
      "a registration",
      async () => {
        await insertMachine(store.db, machine({ state: "gone" }));
        await insertTicket(store.db, ticket({ state: "spent" }));
      },
    ],
    ["an open launch", () => insertLaunch(store.db, sampleLaunch(1, { settingsHash: "settings-1", state: "open" }))],
  ])("one that left runs on from its last settings while anything is there: %s", async (_name, add) => {
    await settle(linux);
    await add();
    const policy = { ...linux.policy, mode: "departed" };
    const departed = { config: { ...linux, policy }, formers: [], isDeparted: true, isUnconnected: false };
    expect((await settle(next))[1]).toEqual(departed);
    expect((await settle(next))[1]).toEqual(departed);
  });

  it("one that comes back is a pool like any other", async () => {
    await settle(linux);
    await insertMachine(store.db, machine());
    await settle(next);
    expect(await settle(linux)).toEqual([{ config: linux, formers: [], isDeparted: false, isUnconnected: false }]);
    expect((await listPoolSettings(store.db))[0]?.leftAtMs).toBeNull();
  });

  it("one that only observed goes on observing", async () => {
    await settle(poolConfig(PLACE, { mode: "observe" }));
    await insertMachine(store.db, machine());
    expect((await settle(next))[1]?.config.policy.mode).toBe("observe");
  });

  it("says where the connection left as well", async () => {
    await settle(linux);
    await insertMachine(store.db, machine());
    const config = wholeConfig(PLACE, {
      pools: [poolConfig(PLACE, { ...next.policy, connection: connectionName("ghes") })],
      connections: [connectionConfig("ghes")],
    });
    expect((await settlePools(store, config, NOW_MS))[1]?.isUnconnected).toBe(true);
  });

  it.each<readonly [string, () => Promise<void>]>([
    ["no settings are stored", async () => undefined],
    [
      "a shape that is not known",
      () =>
        savePoolSettings(store.db, {
          pool: linux.policy.name,
          settingsHash: "settings-1",
          settings: "{}",
          storedAtMs: 1,
        }),
    ],
  ])("one that left and cannot be read is an error that names it: %s", async (_name, prepare) => {
    await prepare();
    await insertMachine(store.db, machine());
    await expect(settle(next)).rejects.toMatchObject({
      code: "pool-unreadable",
      message: expect.stringContaining('"linux"'),
    });
    // Nothing was written: the next start with the right configuration finds all as it was.
    expect((await listPoolSettings(store.db)).map(({ pool: name }) => name)).not.toContain("next");
  });
});

describe("a pool whose settings changed", () => {
  const moved = poolConfig(PLACE, { settingsHash: "settings-2" }, "elsewhere");

  it("keeps those that machines were made from, as long as they are there", async () => {
    await settle(linux);
    const made = machine();
    await insertMachine(store.db, made);
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
    const gone = machine({ state: "gone", version: made.version + 1 });
    await saveMachine(store.db, gone, made.version);
    expect((await settle(moved))[0]?.formers).toEqual([]);
  });

  it("keeps them when it leaves after that", async () => {
    await settle(linux);
    await insertMachine(store.db, machine());
    await settle(moved);
    const departed = (await settle(next))[1];
    expect(departed?.config.provider).toEqual(moved.provider);
    expect(departed?.formers).toEqual([linux]);
  });

  it("refuses to guess where machines are whose settings nobody knows", async () => {
    await insertMachine(store.db, machine({ settingsHash: "settings-0" }));
    await expect(settle(linux)).rejects.toMatchObject({ code: "pool-unreadable" });
  });

  it("looks for what was adopted where it was found", async () => {
    await insertMachine(store.db, machine({ settingsHash: "whatever", origin: "adopted" }));
    expect((await settle(linux))[0]?.formers).toEqual([]);
  });

  it("goes on looking there where the pool has moved since: nobody else would ever end it", async () => {
    await settle(linux);
    await insertMachine(store.db, machine({ settingsHash: "unknown", origin: "adopted" }));
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
  });

  it("looks for what was adopted there alone where it was found, whatever the pool had before", async () => {
    await settle(linux);
    await settle(moved);
    const stray = { ...observed("running"), machineId: machine().id };
    const adopted = adoptStray(stray, moved.policy, NOW_MS);
    await insertMachine(store.db, adopted.machine);
    expect((await settle(moved))[0]?.formers).toEqual([]);
    expect((await settle(poolConfig(PLACE, { settingsHash: "settings-3" }, "again")))[0]?.formers).toEqual([moved]);
  });

  it("looks for what was adopted in each place that showed it", async () => {
    await settle(linux);
    await settle(moved);
    const shownBySettings = ["settings-1", "settings-2"];
    const stray = { ...observed("running"), machineId: machine().id, shownBySettings };
    await insertMachine(store.db, adoptStray(stray, moved.policy, NOW_MS).machine);
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
  });

  it("keeps those of a machine whose row was restored: its folder is where they say", async () => {
    await settle(linux);
    await insertMachine(store.db, machine({ origin: "restored" }));
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
  });

  it("looks in all of them for what was found before it ever ran", async () => {
    await settle(linux);
    const stray = { ...observed("starting"), machineId: machine().id, hasNeverRun: true };
    await insertMachine(store.db, adoptUnstarted(stray, linux.policy, NOW_MS));
    expect((await settle(linux))[0]?.formers).toEqual([]);
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
  });

  it("looks in all of them for what was found, and is in a store that was restored since", async () => {
    await settle(linux);
    const stray = { ...observed("running"), machineId: machine().id };
    const adopted = adoptStray(stray, linux.policy, NOW_MS);
    await insertMachine(store.db, adopted.machine);
    await insertTicket(store.db, adopted.standIn);
    await inTransaction(store, (tx) => markRestored(tx, store.generation, NOW_MS));
    expect((await settle(linux))[0]?.formers).toEqual([]);
    expect((await settle(moved))[0]?.formers).toEqual([linux]);
  });

  it("starts while a stand-in is out, which is registered nowhere", async () => {
    await settle(linux);
    const stray = { ...observed("running"), machineId: machine().id };
    const adopted = adoptStray(stray, linux.policy, NOW_MS);
    await insertMachine(store.db, adopted.machine);
    await insertTicket(store.db, adopted.standIn);
    expect(await settle(linux)).toHaveLength(1);
  });

  it("does not change its connection while it has tickets at the old one", async () => {
    await settle(linux);
    await insertMachine(store.db, machine({ state: "gone" }));
    await insertTicket(store.db, ticket({ state: "spent", registration: "present" }));
    const connections = [connectionConfig("main"), connectionConfig("ghes")];
    const pools = [poolConfig(PLACE, { connection: connectionName("ghes") })];
    await expect(settlePools(store, wholeConfig(PLACE, { pools, connections }), NOW_MS)).rejects.toMatchObject({
      code: "config-invalid",
      message: expect.stringContaining("give the pool another name"),
    });
  });
});

describe("a connection that is not in the configuration", () => {
  const github = missingConnection(connectionName("main"), { nowMs: () => NOW_MS });
  const scope = { kind: "organization", organization: "acme" } as const;
  const refused = { code: "github-not-connected", message: expect.stringContaining('connection "main"') };

  it("does nothing, and says so", async () => {
    const over = ticket({ state: "spent", runnerId: runnerId(42) });
    const decision = issuePermit({ kind: "delete-registration", ticket: over, epoch: epoch(), time: heard() });
    if (decision.kind === "refused") throw new Error("a ticket that is over is permitted");
    await expect(github.deleteRunner(decision.permit)).rejects.toMatchObject(refused);
    const request = { scope, runnerName: "x", labels: [], runnerGroup: "Default" };
    await expect(github.mintTicket(request)).rejects.toMatchObject(refused);
    await expect(github.listRunners(scope)).rejects.toMatchObject(refused);
    await expect(github.listOpenJobs("acme/widgets")).rejects.toMatchObject(refused);
    await expect(github.listRepositories(null)).rejects.toMatchObject(refused);
  });

  it("knows nothing, which is no absence", async () => {
    const unknown = { kind: "unknown", code: "github-not-connected", observedAtMs: NOW_MS };
    expect(await github.findRunner(scope, "x")).toEqual(unknown);
    expect(await github.getJob("acme/widgets", jobId())).toEqual(unknown);
    expect(await github.readDeprecation(scope, "2.300.0")).toEqual(unknown);
  });
});

describe("what is told of a pool that left", () => {
  const none = { machineCount: 0, liveTicketCount: 0, registrationCount: 0, openLaunchCount: 0 };
  const departed = (mode: "departed" | "observe", isUnconnected: boolean, remains: Partial<typeof none> | null) =>
    describeDeparture({ policy: pool({ mode }), isUnconnected, remains: remains && { ...none, ...remains } });

  it.each<readonly [string, readonly string[], readonly RegExp[]]>([
    ["it drains", departed("departed", false, { machineCount: 3, registrationCount: 1 }), []],
    ["before anything was counted", departed("departed", true, null), [/put connection main back/]],
    ["without its connection", departed("departed", true, { registrationCount: 1 }), [/put connection main back/]],
    ["with a ticket that is out", departed("departed", true, { liveTicketCount: 1 }), [/put connection main back/]],
    ["and nothing owed to GitHub", departed("departed", true, { machineCount: 1 }), []],
    ["it observed", departed("observe", false, { machineCount: 1 }), [/put it back with `mode: run`/]],
  ])("%s", (_name, told, want) => {
    expect(told).toHaveLength(want.length);
    for (const [index, pattern] of want.entries()) expect(told[index]).toMatch(pattern);
  });
});
