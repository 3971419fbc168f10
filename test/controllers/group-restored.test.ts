/** A group's listing tells that the store is a backup: its members carry no launch, but the mark of the row that they had. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import type { Membership } from "../../src/domain/membership.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { markRestored } from "../../src/store/facts.ts";
import { insertMachine, saveMachine } from "../../src/store/machines/save.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { machine } from "../domain/builders.ts";
import { GroupYard, MEMBER, SERVING } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

const COUNTED = "holdfast_stores_restored_total";
/** Of a row that the backup has: it boots, and took a ticket later. */
const KEPT = parseMachineId("m-kept00000000001");
const RESERVE: Membership = { place: "reserve", departure: "none" };

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

async function inBackup(): Promise<void> {
  const state = { kind: "provisioning", providerId: parseProviderId(KEPT), sinceMs: yard.clock.nowMs() } as const;
  await insertMachine(yard.store.db, machine({ id: KEPT, state }));
  yard.provider.machines.set(KEPT, { state: "running", machineId: KEPT });
  site.show(SERVING, KEPT);
}

/** The group shows a member that had a row in a later store. */
async function comesKnown(membership: Membership, isNew = false): Promise<void> {
  yard.provider.machines.set(MEMBER, { state: "running", machineId: MEMBER });
  site.show(membership, MEMBER, isNew);
  yard.provider.remarks.set(MEMBER, { ...yard.provider.remarks.get(MEMBER), hadRow: true });
  await yard.pass();
}

describe("a store of a group", () => {
  it("is known to be a backup by a member whose row it has not: whose agent was never heard may run a job", async () => {
    await inBackup();
    await comesKnown(SERVING);
    expect(site.counted(COUNTED)).toBe(1);
    yard.clock.advance(2 * HOUR_MS);
    await yard.pass();
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    expect(await site.machine(KEPT)).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
  });

  it("is known by one that came out of the reserve since, which is no newcomer", async () => {
    await comesKnown(SERVING, true);
    expect(site.counted(COUNTED)).toBe(1);
    expect(await site.machine()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
  });

  it("is known by one that is back in the reserve, which is held there: it may have gone with its job", async () => {
    await comesKnown(RESERVE);
    expect(site.counted(COUNTED)).toBe(1);
    expect(await site.hold()).toEqual([MEMBER]);
    expect(site.proofs()).toEqual([]);
  });

  it("is no backup for a member that never had a row", async () => {
    await site.comes(SERVING, false);
    expect(site.counted("holdfast_strays_adopted_total")).toBe(1);
    expect(site.counted(COUNTED)).toBe(0);
  });
});

describe("the mark of a row", () => {
  it("is wished for once there is a row, so that it never says too much", async () => {
    await site.comes(RESERVE);
    expect([...site.group.noted]).toEqual([]);
    site.show(SERVING, MEMBER, true);
    await yard.pass();
    expect([...site.group.noted]).toEqual([MEMBER]);
  });

  it("is wished for nowhere by a pool that only observes", async () => {
    Object.assign(yard.context, { pool: { ...yard.context.pool, mode: "observe" } });
    await site.comes();
    expect([...site.group.noted]).toEqual([]);
  });
});

describe("a member of an image without an agent, whose store is found to be a backup", () => {
  it.each(["booting", "retiring"] as const)("goes like any, though it was %s: it is no stranger", async (place) => {
    await site.comes();
    yard.clock.advance(MINUTE_MS);
    await site.otherWithAgent();
    if (place === "retiring") {
      const row = await site.machine();
      if (row === undefined) throw new Error("the member has a row");
      await saveMachine(yard.store.db, { ...row, isAgentSeen: true, version: row.version + 1 }, row.version);
      yard.clock.advance(yard.context.pool.deadlines.bootMs + MINUTE_MS);
      await yard.pass();
    }
    await inTransaction(yard.store, (tx) => markRestored(tx, yard.context.store.generation, yard.clock.nowMs()));
    for (let hour = 0; hour < 8; hour += 1 / 5) {
      yard.clock.advance(12 * MINUTE_MS);
      await yard.pass();
    }
    expect((await site.machine())?.state.kind).toBe("gone");
  });
});
