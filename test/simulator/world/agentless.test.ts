/** A member that was there before anybody looked, and whose agent never came up: the contract keeps it, and it is told. */
import { describe, expect, it, vi } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { findLeftovers, isNothingLeft } from "../../../src/simulator/world/inspections.ts";
import { pool } from "../../domain/builders.ts";
import { Scene } from "./inspections-scene.ts";

/** Some take seconds, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

const ID = "m-agentless0001";

/** Adopted, presumed to hold a ticket, and kept because nobody ever spoke as it. */
async function withMember({
  isEarlier = true,
  isMember = true,
  isRestored = false,
  isDead = true,
  isTold = true,
} = {}) {
  const pools = [pool({ machineCountMax: 4, warmParkedCount: 1, warmRegisteredCount: 1 })];
  const scene = await new Scene({ pools }).begin();
  await scene.pass(5 * MINUTE_MS);
  scene.standStill();
  const host = scene.addMachine();
  if (isDead) host.end({ by: "fault", kind: "host.never-boots" });
  const { provider, faults } = scene.world;
  if (isMember) Object.assign(provider, { earlierIds: new Set(isEarlier ? [host.providerId] : []) });
  if (isRestored) faults.count("controller.restore");
  const copy = (table: string, changes: object) => {
    const row = { ...scene.sql(`select * from ${table} limit 1`)[0], ...changes };
    const places = Object.keys(row).map(() => "?");
    scene.sql(`insert into ${table} (${Object.keys(row)}) values (${places})`, ...Object.values(row));
  };
  copy("machines", { id: ID, provider_id: host.providerId, incarnation: null, state: "engaged" });
  copy("tickets", { id: "t-standin", machine_id: ID, runner_name: "nobody", state: "unknown" });
  const decide = (reason: string) =>
    scene.sql(
      "insert into decisions (subject_kind, subject_id, action, reason, decided_ms, confirmed_ms) values ('machine', ?, 'keep', ?, 1, 1)",
      ID,
      reason,
    );
  decide("no-agent");
  if (!isTold) decide("ticket-out");
  return scene;
}

it.each([
  ["that was there before anybody looked", {}],
  ["of a store that was put back", { isEarlier: false, isRestored: true }],
])("is nobody's fault: one %s", async (_which, of) => {
  const { world } = await withMember(of);
  expect(isNothingLeft(findLeftovers(world))).toBe(true);
});

describe("is left over, and its ticket with it", () => {
  it.each([
    ["it is of no group", { isMember: false, isRestored: true }],
    ["it came when everybody had an agent", { isEarlier: false }],
    ["nobody is told why it is kept", { isTold: false }],
  ])("where %s", async (_why, of) => {
    const { machines, ticketCount } = findLeftovers((await withMember(of)).world);
    expect([machines.length, ticketCount]).toEqual([1, 1]);
  });

  it.each([
    ["somebody spoke as it", "update machines set incarnation = 'spoke' where id = ?"],
    ["its row is closed", "update machines set state = 'gone' where id = ?"],
  ])("where %s", async (_why, change) => {
    const scene = await withMember();
    scene.sql(change, ID);
    const { machines, ticketCount } = findLeftovers(scene.world);
    expect([machines.length, ticketCount]).toEqual([1, 1]);
  });

  it("where it works", async () => {
    const { ticketCount } = findLeftovers((await withMember({ isDead: false })).world);
    expect(ticketCount).toBe(1);
  });
});
