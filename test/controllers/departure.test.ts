/** A pool that left the configuration: from what a restart without it finds, to nothing. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { attend } from "../../src/controllers/attend.ts";
import { mintTickets } from "../../src/controllers/execute/mint.ts";
import { watchDeparture } from "../../src/controllers/watch-departure.ts";
import { watchVersion } from "../../src/controllers/watch-version.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { listOpenLaunches } from "../../src/store/launches/load.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ warmParkedCount: 1, machineCountMax: 1, jobsPerMachine: 3 });
});
afterEach(() => yard.close());

/** The pool's controllers go on under its last settings; routing sees it no more. */
function depart(): void {
  Object.assign(yard.context.pool, { mode: "departed" });
  Object.assign(yard.context, { pools: [] });
}

async function states(): Promise<readonly string[]> {
  return (await yard.machines()).map(({ state }) => (state.kind === "gone" ? `gone: ${state.reason}` : state.kind));
}

async function remains() {
  await watchDeparture(yard.context);
  return yard.context.memory.remains;
}
const NONE = { machineCount: 0, liveTicketCount: 0, registrationCount: 0, openLaunchCount: 0 };

describe("a pool that left the configuration", () => {
  it("retires what is parked, launches no other, and is drained", async () => {
    await yard.pass();
    const agent = yard.agent((await yard.onlyMachine()).id);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    depart();
    await yard.pass();
    expect(await states()).toEqual(["retiring"]);
    expect(await remains()).toEqual({ ...NONE, machineCount: 1 });
    expect(yard.telemetry.gauges.get("holdfast_departed_pool_remains pool=linux kind=machines")).toBe(1);
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(await remains()).toEqual(NONE);
    expect([...yard.telemetry.gauges.keys()].filter((name) => name.includes("pool=linux"))).toEqual([]);
    await yard.pass();
    expect([...yard.telemetry.gauges.keys()].filter((name) => name.includes("pool=linux"))).toEqual([]);
    expect(yard.provider.launches).toHaveLength(1);
  });

  it("voids a ticket that had not left us, and lets its job go to another pool", async () => {
    const agent = await yard.parkedAgent();
    const ticket = await yard.onlyTicket();
    expect(ticket.state.kind).toBe("issued");
    depart();
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticket.id))?.state.kind).toBe("void");
    expect(yard.github.deleted.map(({ ticketId }) => ticketId)).toEqual([ticket.id]);
    expect((await agent.poll()).kind).toBe("report");
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(await remains()).toEqual(NONE);
  });

  it("mints nothing, not even what it was about to", async () => {
    await yard.pass();
    const machine = await yard.onlyMachine();
    const agent = yard.agent(machine.id);
    await agent.checkIn();
    await agent.report();
    await attend(yard.context);
    await yard.queue();
    await assign(yard.context);
    expect((await yard.onlyTicket()).state.kind).toBe("minting");
    depart();
    await mintTickets(yard.context);
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("void");
    expect(yard.github.mints).toEqual([]);
    expect(await states()).toEqual(["retiring"]);
  });

  it("lets a machine at work end its job, and only that", async () => {
    const { agent, ticketId } = await yard.withTicket();
    const running = {
      ticket: { id: ticketId, step: "running" },
      sighting: { ...NOTHING_SEEN, workerCount: 1 },
    } as const;
    await agent.report({ phase: "engaged", ...running });
    await yard.pass();
    depart();
    yard.clock.advance(DAY_MS);
    await agent.report({ phase: "engaged", ...running });
    await yard.pass();
    expect(await states()).toEqual(["engaged"]);
    await yard.queue(2);
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(yard.github.mints).toHaveLength(1);
  });

  it("asks an idle listener back at once", async () => {
    const { agent, ticketId } = await yard.withTicket();
    const online = {
      ticket: { id: ticketId, step: "online" },
      sighting: { ...NOTHING_SEEN, hasListener: true },
    } as const;
    await agent.report({ phase: "engaged", ...online });
    await yard.pass();
    depart();
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("handing-back");
    await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(await remains()).toEqual(NONE);
  });

  it("resolves a launch whose outcome is unknown by the identical request, and ends what it started", async () => {
    yard.provider.nextLaunchError = {
      error: new ProviderError("provider-unavailable", "no answer"),
      takesEffect: true,
    };
    await yard.pass();
    expect(await states()).toEqual(["planned"]);
    depart();
    expect((await remains())?.openLaunchCount).toBe(1);
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(await listOpenLaunches(yard.store.db, yard.context.pool.name)).toEqual([]);
    expect(yard.provider.launches[1]).toEqual(yard.provider.launches[0]);
    const agent = yard.agent((await yard.onlyMachine()).id);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(yard.provider.launches).toHaveLength(2);
  });

  it("asks nothing of GitHub about a runner that it starts no more", async () => {
    yard.provider.runnerVersion = "2.300.0";
    depart();
    yard.github.readDeprecation = () => Promise.reject(new Error("asked"));
    await watchVersion(yard.context);
    expect(yard.context.memory.runnerVersion).toBeNull();
  });
});

describe("a pool whose connection left with it", () => {
  beforeEach(() => Object.assign(yard.context, { isUnconnected: true }));

  it("closes no fence: nothing could delete the registration, and GitHub would go on giving jobs to it", async () => {
    const { agent, ticketId } = await yard.withTicket();
    const online = {
      ticket: { id: ticketId, step: "online" },
      sighting: { ...NOTHING_SEEN, hasListener: true },
    } as const;
    await agent.report({ phase: "engaged", ...online });
    await yard.pass();
    depart();
    yard.clock.advance(DAY_MS);
    await agent.report({ phase: "engaged", ...online });
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("online");
    expect(await states()).toEqual(["engaged"]);
  });

  it("ends its machines by the host's word, keeps what it owes, and asks nothing of GitHub", async () => {
    const { agent, ticketId } = await yard.withTicket();
    depart();
    yard.github.listRunners = () => Promise.reject(new Error("asked"));
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await states()).toEqual(["gone: pool-left"]);
    expect(await remains()).toEqual({ ...NONE, registrationCount: 1 });
    expect(yard.github.deleted).toEqual([]);
  });
});
