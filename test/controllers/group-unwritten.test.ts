/** Members that are held while the store takes no writes: who is held, and what their records say of it afterwards. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { type MachineId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { observed } from "../domain/builders.ts";
import { GroupYard, LIMIT_MS, MEMBER, SERVING, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import { withoutWrites } from "./unwritten.ts";
import type { Yard } from "./yard.ts";

const COUNT = 40;
/** So the record says it of one that its group wants to end. */
const WANTED_ENDED = "which wants to end it and waits for our word";

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

describe("a listing that shows many members depart at once, while the store takes no writes", () => {
  beforeEach(async () => {
    for (const id of ids) {
      yard.provider.machines.set(id, { state: "running", machineId: id });
      site.show(SERVING, id);
    }
    await yard.pass();
  });

  const depart = async () => {
    for (const id of ids) site.show(WAITS, id);
    await expect(observe(yard.context)).rejects.toMatchObject({ code: "store-unavailable" });
  };

  it("is known whole at once, and its group waits for all of them", async () => {
    await withoutWrites(yard, async () => {
      await depart();
      expect(await site.hold()).toHaveLength(COUNT);
    });
  });

  it("wakes who holds them before anything of it is noted", async () => {
    const woken: string[] = [];
    yard.context.wake.controller = (name) => void woken.push(name);
    await withoutWrites(yard, depart);
    expect(woken).toEqual(["hold-members"]);
  });

  it("is noted by the first listing after that, once, though that shows nothing new", async () => {
    await withoutWrites(yard, async () => {
      await depart();
      await depart();
    });
    for (let pass = 0; pass < 3; pass += 1) await observe(yard.context);
    const told = async (id: MachineId) =>
      (await listEvidence(yard.store.db, machineSubject(id), 100)).filter(({ fact }) => fact.endsWith(WANTED_ENDED));
    for (const id of ids) expect(await told(id)).toHaveLength(1);
    expect(yard.context.memory.unnoted.size).toBe(0);
  });

  it("adopts nobody, and tells nobody that the fleet is known, as long as it cannot be noted", async () => {
    yard.context.memory.isFleetListed = false;
    yard.provider.machines.set(MEMBER, { state: "running", machineId: MEMBER });
    site.show(SERVING);
    await withoutWrites(yard, async () => {
      await depart();
      await depart();
      expect(yard.context.memory.isFleetListed).toBe(false);
    });
    await observe(yard.context);
    expect(yard.context.memory.isFleetListed).toBe(true);
    expect((await site.machine())?.origin).toBe("adopted");
  });

  it("leaves no more to be noted of a machine than its last few places, and nothing of one that is shown no more", async () => {
    await withoutWrites(yard, async () => {
      for (let look = 0; look < 5; look += 1) {
        for (const membership of [WAITS, SERVING]) {
          for (const id of ids) site.show(membership, id);
          await observe(yard.context).catch(() => undefined);
        }
      }
      expect([...yard.context.memory.unnoted.values()].map((facts) => facts.length)).toEqual(ids.map(() => 4));
      await yard.store.db.deleteFrom("tickets").execute();
      await yard.store.db.deleteFrom("machines").execute();
      yard.provider.machines.clear();
      await observe(yard.context);
      expect(yard.context.memory.unnoted.size).toBe(0);
    });
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
