/** Members that are held, and that a listing does not show so: readings lag, and only their hooks know. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DENIALS_MAX } from "../../src/controllers/hold-members/held-up.ts";
import type { Membership } from "../../src/domain/membership.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { GroupYard, LIMIT_MS, MEMBER, SERVING, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

const ASIDE: Membership = { place: "aside", departure: "none" };
const UNDER_WAY: Membership = { place: "serving", departure: "under-way" };

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

/** With a job, and held by the last listing's word. */
async function held(): Promise<void> {
  await site.withJob();
  site.show(WAITS);
  await yard.pass();
  expect(await site.hold()).toEqual([MEMBER]);
}

/** A whole listing that shows it like that now, or leaves it out. */
async function listed(membership: Membership | null | undefined): Promise<void> {
  site.show(membership ?? null);
  await yard.pass();
  if (membership === undefined) yard.context.memory.observed.delete(MEMBER);
}

async function callsIn(durationMs: number, membership: Membership | undefined = SERVING): Promise<number> {
  let count = 0;
  for (let passedMs = 0; passedMs < durationMs; passedMs += 5 * SECOND_MS) {
    yard.clock.advance(5 * SECOND_MS);
    await listed(membership);
    count += (await site.hold()).length;
  }
  return count;
}

describe("a member that is held", () => {
  it.each<[string, Membership | null | undefined]>([
    ["shows in service, as it was two minutes ago", SERVING],
    ["shows aside, because the group leaves it out", ASIDE],
    ["shows on its way out, as before its hook waited", UNDER_WAY],
    ["shows without a group", null],
    ["leaves out", undefined],
  ])("is held on where a fresh listing %s", async (_how, membership) => {
    await held();
    yard.clock.advance(MINUTE_MS);
    await listed(membership);
    expect(await site.hold()).toEqual([MEMBER]);
    expect(site.group.lastOf.get(MEMBER)).toEqual(WAITS);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(1);
    expect(await site.hold()).toEqual([]);
    yard.clock.advance(MINUTE_MS);
    await listed(membership);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("takes a call each half minute while a reading hides it, and each quarter of the timeout after that", async () => {
    await held();
    expect(await callsIn(2 * MINUTE_MS)).toBe(4);
    expect(await callsIn(TIMEOUT_MS / 4, WAITS)).toBe(1);
  });

  it("is held by a store that cannot be read all the same", async () => {
    await held();
    yard.clock.advance(MINUTE_MS);
    await listed(SERVING);
    await site.withoutStore(async () => {
      expect(await site.hold()).toEqual([MEMBER]);
    });
  });

  it("has the limit that it had, whatever a reading that hides it makes of its beginning", async () => {
    await held();
    const limitMs = site.group.sinceMs + LIMIT_MS;
    site.group.sinceMs += HOUR_MS;
    yard.clock.advance(MINUTE_MS);
    await listed(SERVING);
    await site.hold();
    expect(yard.context.memory.holds.get(MEMBER)?.hold.untilMs).toBe(limitMs);
  });
});

describe("a member that is held, and shown at a hook where it waited before that", () => {
  const COMING: Membership = { place: "coming", departure: "none" };

  beforeEach(async () => {
    await held();
    yard.clock.advance(MINUTE_MS);
    await listed({ ...COMING, isPaused: true });
  });

  it("is held on by the hooks of its end, without a new wait of which its record would tell", async () => {
    expect(await site.hold()).toEqual([MEMBER]);
    expect(yard.context.memory.holds.get(MEMBER)?.membership).toEqual(WAITS);
    yard.clock.advance(MINUTE_MS);
    await listed(SERVING);
    await site.hold();
    expect(site.group.lastOf.get(MEMBER)).toEqual(WAITS);
    expect((await site.facts()).filter((fact) => fact.includes("is made to wait"))).toHaveLength(1);
  });

  it("takes a call each half minute, as one that no reading shows", async () => {
    expect(await callsIn(2 * MINUTE_MS, COMING)).toBe(4);
  });

  it("is held without a row too", async () => {
    await yard.store.db.deleteFrom("tickets").where("machine_id", "=", MEMBER).execute();
    await yard.store.db.deleteFrom("machines").where("id", "=", MEMBER).execute();
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is not let go before its hooks have denied it as often as any that its group wants to end", async () => {
    await site.hold();
    site.group.isWaiting = false;
    expect(await callsIn(MINUTE_MS)).toBe(DENIALS_MAX);
    expect(yard.context.memory.holds.size).toBe(0);
  });

  it("is held by what the readings show once its hooks have denied it so often", async () => {
    site.group.isWaiting = false;
    for (let denial = 0; denial < DENIALS_MAX; denial += 1) await site.hold();
    site.group.isWaiting = true;
    expect(await site.hold()).toEqual([MEMBER]);
    expect(yard.context.memory.holds.get(MEMBER)?.membership).toMatchObject(COMING);
  });

  it("has the limit that it had where a reading shows it short of the hook that it waits at", async () => {
    yard.context.memory.holds.clear();
    await site.hold();
    const limitMs = site.group.sinceMs + LIMIT_MS;
    site.group.sinceMs += HOUR_MS;
    yard.clock.advance(TIMEOUT_MS / 4);
    await listed(COMING);
    expect(await site.hold()).toEqual([MEMBER]);
    expect(yard.context.memory.holds.get(MEMBER)?.hold.untilMs).toBe(limitMs);
  });
});

describe("a member that is back in service", () => {
  it("is forgotten after a few answers of its hooks, and takes no call after that", async () => {
    await held();
    site.group.isWaiting = false;
    expect(await callsIn(MINUTE_MS)).toBe(DENIALS_MAX);
    expect(yard.context.memory.holds.size).toBe(0);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(0);
    expect(await callsIn(HOUR_MS / 4)).toBe(0);
  });

  it("is forgotten at the first answer where its group never wanted to end it", async () => {
    await site.withJob();
    site.show({ place: "coming", departure: "none" });
    await yard.pass();
    await site.hold();
    site.group.isWaiting = false;
    expect(await callsIn(MINUTE_MS)).toBe(1);
    expect(yard.context.memory.holds.size).toBe(0);
  });
});

it("is known as held until it is gone where its group goes on, and takes no call for that", async () => {
  await held();
  site.group.isWaiting = false;
  expect(await callsIn(MINUTE_MS, UNDER_WAY)).toBe(DENIALS_MAX);
  expect(await callsIn(MINUTE_MS, UNDER_WAY)).toBe(0);
  expect(yard.context.memory.holds.size).toBe(1);
});
