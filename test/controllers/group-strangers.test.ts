/**
 * Machines of a group that have no agent of ours, that left it, or that never were its own: who may be ended, and what
 * waits for them.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../src/domain/units.ts";
import { GroupYard, MEMBER, SERVING, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;

beforeEach(async () => {
  site = await GroupYard.open();
  yard = site.yard;
});
afterEach(() => site.close());

describe("a machine without an agent of ours", () => {
  it("that was there before us is never ended: what runs there may be somebody else's", async () => {
    await site.comes(SERVING, false);
    yard.clock.advance(10 * HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual([]);
    expect(await site.reason()).toBe("no-agent");
  });

  it("that came when others had one is ended after all once nobody could tell for long: its row was lost", async () => {
    await site.otherWithAgent();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    await site.comes(SERVING, false);
    yard.clock.advance(yard.context.pool.deadlines.unknownMs);
    await yard.pass();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual(["forced"]);
  });

  it("that came since is kept past its boot deadline while no agent was ever heard in the group", async () => {
    await site.comes();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual([]);
    expect(await site.reason()).toBe("no-agent");
  });

  it("that came since ends by its boot deadline where others have one", async () => {
    await site.comes();
    await site.otherWithAgent();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(yard.provider.terminated.map(({ machineId, proof }) => [machineId, proof])).toContainEqual([
      MEMBER,
      "never-engaged",
    ]);
  });

  it("that came since and long before the first that has one is kept: its image may have none", async () => {
    await site.comes();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    await site.otherWithAgent();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual([]);
    expect(await site.reason()).toBe("no-agent");
  });

  it.each([
    ["that came since", true],
    ["that was there before us", false],
  ])(
    "%s and works for somebody else is held, however long it had been there when its group wanted it",
    async (_what, isNew) => {
      await site.comes(SERVING, isNew);
      yard.clock.advance(10 * HOUR_MS);
      await yard.pass();
      site.show(WAITS);
      await yard.pass();
      yard.clock.advance(yard.context.pool.deadlines.unknownMs - 1);
      await yard.pass();
      expect(site.proofs()).toEqual([]);
      expect(await site.hold()).toEqual([MEMBER]);
      yard.clock.advance(1);
      await yard.pass();
      expect(site.proofs()).toHaveLength(1);
    },
  );

  it("that a person took out of the group is left to that person", async () => {
    await site.comes();
    yard.clock.advance(HOUR_MS);
    site.show(null);
    await yard.pass();
    expect(site.proofs()).toEqual([]);
    expect(await site.reason()).toBe("no-agent");
  });

  it("that its group wants to end is held for no longer than anybody is unknown", async () => {
    await site.comes(SERVING, false);
    site.show(WAITS);
    await yard.pass();
    yard.clock.advance(yard.context.pool.deadlines.unknownMs + HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual(["forced"]);
  });
});

describe("a machine that is no member any more", () => {
  it("is given nothing, and ends once it is idle", async () => {
    const agent = await site.parked();
    site.show(null);
    await yard.queue();
    await yard.pass();
    expect(await site.machine()).toMatchObject({ state: { kind: "retiring", reason: "group-ends-it" } });
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(site.proofs()).toEqual(["parked"]);
  });

  it("ends where it never came into service", async () => {
    const agent = await site.comes({ place: "coming", departure: "none" });
    site.show(null);
    await yard.pass();
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect(await site.machine()).toMatchObject({ state: { reason: "group-ends-it" } });
  });
});

describe("a job that waits", () => {
  it("is not kept waiting by a member that has no agent", async () => {
    await site.comes();
    yard.clock.advance(yard.context.pool.deadlines.bootMs);
    await yard.pass();
    await yard.queue();
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(1);
  });

  it("is not kept waiting by one for which its ticket was made while it might have booted", async () => {
    await site.comes();
    await yard.queue();
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(0);
    const { bootMs, onlineMs } = yard.context.pool.deadlines;
    yard.clock.advance(bootMs + onlineMs);
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(1);
  });
});

describe("a machine that was never its group's", () => {
  it("gets its ticket like any other: the pool was made one of another kind while members are left", async () => {
    const launch = yard.provider.launch.bind(yard.provider);
    yard.provider.launch = async (request) => {
      const launched = await launch(request);
      for (const { machineId } of request.machines) yard.provider.remarks.delete(machineId);
      return launched;
    };
    await yard.queue();
    await yard.pass();
    const [launched] = yard.provider.launches.flatMap(({ machines }) => machines);
    const agent = yard.agent(launched?.machineId ?? MEMBER);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
  });
});
