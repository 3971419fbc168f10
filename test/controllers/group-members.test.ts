/** Machines of a group that others size, heal and rest as well: who gets a row, who gets tickets, who ends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import type { Membership } from "../../src/domain/membership.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { HOUR_MS, SECOND_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { connectionName } from "../domain/builders.ts";
import { GroupYard, MEMBER, SERVING, WAITS } from "./group-yard.ts";
import type { Yard } from "./yard.ts";

let site: GroupYard;
let yard: Yard;

async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  site = await GroupYard.open(pool);
  yard = site.yard;
}

beforeEach(() => open());
afterEach(() => site.close());

describe("a machine at first sight", () => {
  it("that came since the last look gets a row of our own, and its ticket", async () => {
    const agent = await site.comes();
    expect(await site.machine()).toMatchObject({ origin: "launched", state: { kind: "provisioning" } });
    expect(site.counted("holdfast_strays_adopted_total")).toBe(0);
    await agent.checkIn();
    await agent.report();
    await yard.queue();
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
  });

  it("of which nobody can tell since when it is there is adopted, presumed busy", async () => {
    await site.comes(SERVING, false);
    expect(await site.machine()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
    expect(site.counted("holdfast_strays_adopted_total")).toBe(1);
  });

  it("that came longer ago than it takes to boot is adopted, presumed busy", async () => {
    yard.provider.machines.set(MEMBER, { state: "running", machineId: MEMBER });
    site.show(SERVING, MEMBER, true);
    yard.clock.advance(yard.context.pool.deadlines.bootMs);
    await yard.pass();
    expect(await site.machine()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
  });

  it("whose agent was faster than our look has a row that knows so", async () => {
    yard.context.hearing.noteTry(MEMBER);
    await site.comes();
    expect(await site.machine()).toMatchObject({ origin: "launched", isAgentSeen: true });
  });

  it("that the store calls another's launch is bound to no second row", async () => {
    await site.comes();
    const launch = yard.provider.launch.bind(yard.provider);
    yard.provider.launch = async (request) => {
      const launched = await launch(request);
      return launched.map(({ machineId }) => ({ machineId, providerId: parseProviderId(MEMBER) }));
    };
    await yard.queue(1);
    await yard.queue(2);
    await yard.pass();
    const present = (await yard.machines()).filter(({ state }) => state.kind === "provisioning");
    expect(present.map(({ id }) => id)).toEqual([MEMBER]);
  });
});

describe("a machine on its way into service", () => {
  it("gets no ticket before it is there, and then the one that was made for it", async () => {
    const agent = await site.comes({ place: "coming", departure: "none" });
    await agent.checkIn();
    await agent.report();
    await yard.queue();
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("provisioning");
    expect(yard.provider.launches).toEqual([]);
    site.show(SERVING);
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
  });
});

describe("a machine without an agent of ours", () => {
  it("that was there before us is never ended: what runs there may be somebody else's", async () => {
    await site.comes(SERVING, false);
    yard.clock.advance(10 * HOUR_MS);
    await yard.pass();
    expect(site.proofs()).toEqual([]);
    expect(await site.reason()).toBe("no-agent");
  });

  it("that came when others had one is ended after all once nobody could tell for long: its row was lost", async () => {
    const other = parseMachineId("m-other000000001");
    yard.provider.machines.set(other, { state: "running", machineId: other });
    site.show(SERVING, other, true);
    await yard.pass();
    await yard.agent(other).checkIn();
    await yard.agent(other).report();
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
    const other = parseMachineId("m-other000000001");
    yard.provider.machines.set(other, { state: "running", machineId: other });
    site.show(SERVING, other, true);
    await site.comes();
    await yard.agent(other).checkIn();
    await yard.agent(other).report();
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
    const other = parseMachineId("m-other000000001");
    yard.provider.machines.set(other, { state: "running", machineId: other });
    site.show(SERVING, other, true);
    await yard.pass();
    await yard.agent(other).checkIn();
    await yard.agent(other).report();
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

describe("a machine out of service", () => {
  it("has no ticket made for it though a job waits", async () => {
    await site.parked();
    site.show({ place: "aside", departure: "none" });
    await yard.pass();
    await yard.queue();
    await yard.pass();
    expect(await listTicketsOfMachine(yard.store.db, MEMBER)).toEqual([]);
  });

  it("comes back through the hooks of a launch, which are made to wait for its job", async () => {
    await site.withJob();
    site.show({ place: "aside", departure: "none" });
    await yard.pass();
    expect(await site.hold()).toEqual([]);
    site.show({ place: "coming", departure: "none" });
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("gets no ticket and is left alone, until it is back", async () => {
    const agent = await site.parked();
    site.show({ place: "aside", departure: "none" });
    await yard.pass();
    yard.clock.advance(5 * SECOND_MS);
    await agent.report({ phase: "preparing" });
    await yard.pass();
    yard.clock.advance(HOUR_MS);
    await agent.report({ phase: "preparing" });
    await yard.pass();
    expect(await site.reason()).toBe("out-of-service");
    expect((await site.machine())?.state.kind).toBe("parked");
    site.show(SERVING);
    await agent.report();
    await yard.queue();
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
  });
});

describe("a group's reserve", () => {
  const RESERVE: Membership = { place: "reserve", departure: "none" };

  it("is the group's own until it is called into service", async () => {
    await site.comes(RESERVE);
    expect(await site.machine()).toBeUndefined();
  });

  it("is trimmed at once, where nobody can have given the machine a ticket", async () => {
    await site.comes({ place: "reserve", departure: "waits" });
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("is held and not trimmed where nobody can tell what the machine did before", async () => {
    await site.comes({ place: "reserve", departure: "waits" }, false);
    expect(site.proofs()).toEqual([]);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("takes back an idle machine, which ends: what a job left there meets no other", async () => {
    await site.parked();
    site.show(RESERVE);
    yard.provider.machines.set(MEMBER, { state: "stopped", machineId: MEMBER });
    await yard.pass();
    expect(site.proofs()).toEqual(["parked"]);
  });

  it("is made to wait for one with a job", async () => {
    await site.withJob();
    site.show(RESERVE);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(site.proofs()).toEqual([]);
  });

  it("does not make a machine dead that it stops: it may sleep with its job", async () => {
    await site.withJob();
    site.show(RESERVE);
    yard.provider.machines.set(MEMBER, { state: "stopped", machineId: MEMBER });
    await yard.pass();
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(site.proofs()).not.toContain("provider-dead");
  });
});

describe("the size of a group", () => {
  it("that others decide: nothing is launched, and nothing ends for want of jobs", async () => {
    await site.close();
    await open({ sizing: "external" });
    const jobId = await yard.queue();
    await yard.pass();
    expect(yard.provider.launches).toEqual([]);
    const [waits] = await listDecisions(yard.store.db, jobSubject(connectionName(), jobId), 1);
    expect(waits).toMatchObject({ action: "wait", reason: "group-sized-by-others" });
    const agent = await site.parked();
    expect((await agent.poll()).kind).toBe("ticket");
  });

  it("keeps what others sized though no job needs it", async () => {
    await site.close();
    await open({ sizing: "external" });
    const agent = await site.comes();
    await agent.checkIn();
    for (let minute = 0; minute < 3; minute += 1) {
      await agent.report();
      await yard.pass();
      yard.clock.advance(20 * SECOND_MS);
    }
    expect((await site.machine())?.state.kind).toBe("parked");
  });

  it.each([
    ["is not taken below its minimum", 1, "parked"],
    ["is taken down to it", 0, "gone"],
  ])("%s", async (_what, minimumCount, kind) => {
    site.group.minimumCount = minimumCount;
    const agent = await site.comes();
    await agent.checkIn();
    for (let count = 0; count < 4; count += 1) {
      await agent.report();
      await yard.pass();
      yard.clock.advance(20 * SECOND_MS);
    }
    expect((await site.machine())?.state.kind).toBe(kind);
  });
});
