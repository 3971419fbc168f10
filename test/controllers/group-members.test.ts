/** Machines of a group that others size, heal and rest as well: who gets a row, who gets tickets, who is held, who ends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DENIALS_MAX } from "../../src/controllers/hold-members/held-up.ts";
import { observe } from "../../src/controllers/observe.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import type { Membership } from "../../src/domain/membership.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { HOUR_MS, SECOND_MS } from "../../src/domain/units.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { GroupYard, LIMIT_MS, MEMBER, SERVING, TIMEOUT_MS, WAITS } from "./group-yard.ts";
import { NOTHING_SEEN, type Yard } from "./yard.ts";

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

describe("a machine that its group wants to end", () => {
  it("idle: gets no ticket, and goes by its host's word", async () => {
    const agent = await site.parked();
    site.show(WAITS);
    await yard.queue();
    await yard.pass();
    expect(await site.machine()).toMatchObject({
      state: { kind: "retiring", reason: "group-ends-it", stage: "proving" },
    });
    expect(site.proofs()).toEqual([]);
    expect(await site.hold()).toEqual([MEMBER]);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(site.proofs()).toEqual(["parked"]);
  });

  it("never heard of: goes at once, by the provider's word of it", async () => {
    yard.context.memory.agentsSinceMs = 0;
    await site.comes();
    site.show(WAITS);
    await yard.pass();
    expect(site.proofs()).toEqual(["never-engaged"]);
  });

  it("never heard of, and back in service: has its boot deadline like any other", async () => {
    yard.context.memory.agentsSinceMs = 0;
    await site.comes();
    site.show(WAITS);
    yard.provider.terminateTakes = false;
    const list = yard.provider.list.bind(yard.provider);
    yard.provider.list = async (which) => {
      if (which !== "all") site.show(SERVING);
      return list(which);
    };
    await yard.pass();
    expect(site.proofs()).toEqual([]);
  });

  it("with a job: is held at once and at each quarter of the timeout, until the job is over", async () => {
    const { agent, ticketId } = await site.withJob();
    site.show(WAITS);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    yard.clock.advance(TIMEOUT_MS / 4 - 1);
    expect(await site.hold()).toEqual([]);
    yard.clock.advance(1);
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.facts()).toContainEqual(
      expect.stringMatching(/^its group wants to end it and is made to wait, until /),
    );
    await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "spent" } }], sighting: NOTHING_SEEN });
    await yard.pass();
    await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "spent" } }], sighting: NOTHING_SEEN });
    await yard.pass();
    expect(site.proofs()).toEqual(["parked"]);
    expect(yard.context.memory.holds.size).toBe(0);
  });

  it("is kept with that reason while its job runs", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    expect(await site.reason()).toBe("group-waits");
  });

  it("with a listener that has no job: is asked back at once, though jobs wait", async () => {
    const { agent, ticketId } = await site.withTicket();
    const ticket = { id: ticketId, step: "online" } as const;
    const sighting = { kind: "seen", hasListener: true, workerCount: 0 } as const;
    await agent.report({ phase: "engaged", ticket, sighting });
    site.show(WAITS);
    await yard.pass();
    const tickets = await listTicketsOfMachine(yard.store.db, MEMBER);
    expect(tickets.map(({ state }) => state.kind)).toEqual(["handing-back"]);
  });

  it("is held no more once the provider was asked to end it", async () => {
    const agent = await site.parked();
    yard.provider.terminateTakes = false;
    site.show(WAITS);
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(site.proofs()).toContain("parked");
    expect(await site.hold()).toEqual([]);
  });

  it("is held until the provider was asked to end it, for a host that was lost too, and again where that host speaks", async () => {
    const { agent, ticketId } = await site.withJob();
    await site.moveTo({ kind: "retired", reason: "host-lost" }, { kind: "stage", stage: "terminating" });
    site.show(WAITS);
    yard.clock.advance(HOUR_MS);
    await observe(yard.context);
    expect(await site.hold()).toEqual([MEMBER]);
    await site.moveTo({ kind: "stage", stage: "confirming" });
    yard.clock.advance(HOUR_MS);
    await observe(yard.context);
    expect(await site.hold()).toEqual([]);
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "running" } });
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is held anew once somebody changed its hooks, whenever it was held before, and once for that", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    site.group.hookEdition = "2";
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
  });

  it("without a row is held: nobody knows that it is idle", async () => {
    site.remember(WAITS);
    expect(await site.hold()).toEqual([MEMBER]);
  });

  it("is held no more where another process saw its end, and its row has been forgotten since", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    yard.provider.machines.clear();
    await yard.store.db.deleteFrom("tickets").where("machine_id", "=", MEMBER).execute();
    await yard.store.db.deleteFrom("machines").where("id", "=", MEMBER).execute();
    site.group.isWaiting = false;
    yard.clock.advance(LIMIT_MS);
    await observe(yard.context);
    for (let pass = 0; pass < DENIALS_MAX; pass += 1) expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
    expect(yard.context.memory.holds.size).toBe(0);
    expect(yard.telemetry.gauges.get("holdfast_members_held pool=linux")).toBe(0);
  });

  it("is held no more once the provider has said that it is gone, whatever an older listing shows", async () => {
    await site.comes();
    yard.provider.machines.clear();
    await yard.pass();
    expect((await site.machine())?.state.kind).toBe("gone");
    site.remember(WAITS);
    expect(await site.hold()).toEqual([]);
  });

  it("is held while the store cannot be read: then nobody knows that it is idle", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    await site.withoutStore(async () => {
      await site.hold().catch(() => undefined);
      expect(site.group.held).toEqual([MEMBER]);
      yard.clock.advance(TIMEOUT_MS);
      expect(await site.hold()).toEqual([MEMBER]);
    });
  });

  it("is held again at the next pass where the group did not answer", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    site.group.error = new ProviderError("provider-unavailable", "holding");
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([MEMBER]);
    site.group.error = null;
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.hold()).toEqual([]);
  });

  it("is not remembered as held where nothing waits for it", async () => {
    await site.withJob();
    site.show(WAITS);
    await yard.pass();
    site.group.isWaiting = false;
    await site.hold();
    expect(yard.context.memory.holds.size).toBe(0);
  });

  it("is held where its group has no hook by no call at all", async () => {
    await site.withJob();
    site.show({ place: "serving", departure: "under-way" });
    await yard.pass();
    expect(await site.hold()).toEqual([]);
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

  it("is held where a hook holds up what is done with it there, for its job and for nothing else", async () => {
    const paused: Membership = { place: "aside", departure: "none", isPaused: true };
    const { agent, ticketId } = await site.withJob();
    site.show(paused);
    await yard.pass();
    expect(await site.hold()).toEqual([MEMBER]);
    expect(await site.facts()).toContainEqual(expect.stringMatching(/^its group is made to wait for it, until /));
    await agent.report({ phase: "preparing", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    yard.clock.advance(TIMEOUT_MS);
    expect(await site.hold()).toEqual([]);
  });

  it("is held there for its job though it retires", async () => {
    await site.withJob();
    await site.moveTo({ kind: "retired", reason: "host-lost" });
    site.show({ place: "aside", departure: "none", isPaused: true });
    await observe(yard.context);
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
