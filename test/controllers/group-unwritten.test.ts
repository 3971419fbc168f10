/** Members that are held while the store takes no writes: who is held, and what their records say of it afterwards. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MachineId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import { observed } from "../domain/builders.ts";
import { GroupYard, LIMIT_MS, MEMBER, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import { withoutWrites } from "./unwritten.ts";
import type { Yard } from "./yard.ts";

const COUNT = 40;

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open({ machineCountMax: 2 * COUNT });
  yard = site.yard;
});
afterEach(() => site.close());

const ids = Array.from({ length: COUNT }, (_, index) => parseMachineId(`m-member${String(index).padStart(8, "0")}`));

/** A listing that shows them all wait at once. */
function departAtOnce(machineIds: readonly MachineId[]): void {
  const { memory, clock } = yard.context;
  const nowMs = clock.nowMs();
  for (const id of machineIds)
    memory.observed.set(
      id,
      observed("running", { providerId: parseProviderId(id), membership: WAITS, observedAtMs: nowMs }),
    );
  memory.guards.listing = { isWhole: true, listedCount: machineIds.length, steadySinceMs: nowMs, wholeAtMs: nowMs };
}

describe("a group that ends many members at once", () => {
  it("waits for all of them in one pass while the store can be neither read nor written", async () => {
    departAtOnce(ids);
    await site.withoutStore(async () => {
      expect(await site.hold()).toHaveLength(COUNT);
    });
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(COUNT);
  });

  it("waits for all of them in one pass while the store takes no writes", async () => {
    departAtOnce(ids);
    await withoutWrites(yard, async () => {
      expect(await site.hold()).toHaveLength(COUNT);
    });
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(COUNT);
  });
});

describe("what the store did not take", () => {
  const told = async () => (await site.facts()).filter((fact) => fact.startsWith("its group wants to end it"));

  it("is noted once by the next pass after it, also where nobody is to be held in that", async () => {
    departAtOnce([MEMBER]);
    await withoutWrites(yard, async () => {
      await site.hold();
      yard.clock.advance(TIMEOUT_MS / 4);
      departAtOnce([MEMBER]);
      await site.hold();
    });
    expect(await told()).toEqual([]);
    for (let pass = 0; pass < 3; pass += 1) await site.hold();
    expect(await told()).toHaveLength(1);
  });

  it("is noted of the limit too, which is told meanwhile", async () => {
    departAtOnce([MEMBER]);
    await withoutWrites(yard, async () => {
      await site.hold();
      yard.clock.advance(LIMIT_MS - TIMEOUT_MS);
      departAtOnce([MEMBER]);
      await site.hold();
      await site.hold();
    });
    expect(await site.toldLimits()).toEqual([]);
    await site.hold();
    expect(await site.toldLimits()).toHaveLength(1);
    expect(await told()).toHaveLength(1);
  });
});
