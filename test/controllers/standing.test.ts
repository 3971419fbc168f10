/** Tickets in advance, from the settings to the machine: `warm.registered` and `tickets.ready`. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GitHubError } from "../../src/domain/errors.ts";
import type { MachineId } from "../../src/domain/ids.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { answerPoll } from "../../src/http/agents/deliver.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { listLiveTicketsOfPool } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { type Agent, Yard } from "./yard.ts";

const LISTENER = { kind: "seen", hasListener: true, workerCount: 0 } as const;

let yard: Yard;
afterEach(() => yard.close());

const live = () => listLiveTicketsOfPool(yard.store.db, yard.context.pool.name);
const inState = (tickets: readonly Ticket[]) => tickets.map(({ state }) => state.kind);
const holding = (agent: Agent, ticket: Ticket, step: "delivered" | "online" | "running") =>
  agent.report({ phase: "engaged", ticket: { id: ticket.id, step }, sighting: LISTENER } as Partial<HostReport>);

/** Every machine that starts checks in and is parked. */
async function boot(known: Map<MachineId, Agent>): Promise<void> {
  for (const { id, state } of await yard.machines()) {
    if (state.kind !== "provisioning" || known.has(id)) continue;
    const agent = yard.agent(id);
    known.set(id, agent);
    await agent.checkIn();
    await agent.report();
  }
  await yard.pass();
}

function agentOf(agents: ReadonlyMap<MachineId, Agent>, { machineId }: Ticket): Agent {
  const agent = agents.get(machineId);
  if (agent === undefined) throw new Error(`no agent on ${machineId}`);
  return agent;
}

describe("a pool that keeps listeners registered", () => {
  const agents = new Map<MachineId, Agent>();

  beforeEach(async () => {
    agents.clear();
    yard = await Yard.open({ warmRegisteredCount: 2, machineCountMax: 5 });
    await yard.pass();
    await boot(agents);
  });

  async function comeOnline(): Promise<readonly Ticket[]> {
    for (const ticket of await live()) {
      const agent = agentOf(agents, ticket);
      if (ticket.state.kind === "issued") expect((await agent.poll()).kind).toBe("ticket");
      await holding(agent, ticket, "online");
    }
    await yard.pass();
    return await live();
  }

  it("starts machines for them without a job, and hands them their tickets", async () => {
    expect(inState(await live())).toEqual(["issued", "issued"]);
    const tickets = await comeOnline();
    expect(tickets.map(({ purpose, jobId, state }) => [purpose, jobId, state.kind])).toEqual([
      ["registered", null, "online"],
      ["registered", null, "online"],
    ]);
    expect([yard.provider.machines.size, yard.github.mints.length]).toEqual([2, 2]);
    const [first] = tickets;
    if (first === undefined) throw new Error("none");
    const decisions = await listDecisions(yard.store.db, machineSubject(first.machineId), 5);
    expect(decisions.map(({ reason }) => reason)).toContain("kept-registered");
  });

  it("keeps them for hours, and asks none back", async () => {
    await comeOnline();
    for (let count = 0; count < 6; count += 1) {
      yard.clock.advance(HOUR_MS);
      await comeOnline();
    }
    expect(inState(await live())).toEqual(["online", "online"]);
    expect(yard.telemetry.counts.filter((one) => one.startsWith("holdfast_hand_backs_total"))).toEqual([]);
    expect(yard.provider.terminated).toEqual([]);
  });

  it("gives one to a job at once, starts none for the job, and another in its place", async () => {
    const [first] = await comeOnline();
    if (first === undefined) throw new Error("none");
    yard.clock.advance(HOUR_MS);
    await comeOnline();
    const id = await yard.queue();
    await yard.pass();
    expect((await loadTicket(yard.store.db, first.id))?.jobId).toBe(id);
    expect(yard.provider.machines.size).toBe(3);
    await yard.tell(id, { status: "in_progress", runnerName: first.runnerName });
    await holding(agentOf(agents, first), first, "running");
    await boot(agents);
    const others = (await comeOnline()).filter((ticket) => ticket.id !== first.id);
    expect(others.map(({ purpose, jobId, state }) => [purpose, jobId, state.kind])).toEqual([
      ["registered", null, "online"],
      ["registered", null, "online"],
    ]);
    expect(yard.provider.machines.size).toBe(3);
  });

  it("lets no job wait for one whose agent is silent, and keeps another in its place", async () => {
    const [lost] = await comeOnline();
    if (lost === undefined) throw new Error("none");
    for (let minute = 0; minute < 4; minute += 1) {
      yard.clock.advance(MINUTE_MS);
      for (const ticket of await live())
        if (ticket.id !== lost.id && ticket.state.kind === "online")
          await holding(agentOf(agents, ticket), ticket, "online");
      await yard.pass();
    }
    expect(yard.provider.machines.size).toBe(3);
    for (const id of [await yard.queue(), await yard.queue()]) expect(id).toBeGreaterThan(0);
    await yard.pass();
    expect((await loadTicket(yard.store.db, lost.id))?.jobId).toBeNull();
  });

  it("replaces one that has been online for long, and ends it only by its host's word", async () => {
    await comeOnline();
    yard.clock.advance(12 * HOUR_MS);
    await comeOnline();
    const asked = (await live()).filter(({ state }) => state.kind === "handing-back");
    expect(asked).toHaveLength(1);
    const [old] = asked;
    if (old === undefined) throw new Error("none");
    for (let count = 0; count < 5; count += 1) await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    await agentOf(agents, old).report({ ended: [{ id: old.id, end: { kind: "handed-back" } }] });
    await yard.pass();
    await agentOf(agents, old).report();
    await yard.pass();
    expect(yard.provider.terminated.map(({ machineId }) => machineId)).toEqual([old.machineId]);
    await boot(agents);
    await comeOnline();
    // None is missing now: it is the other one's turn, whose place is being filled already.
    expect(inState(await live()).toSorted()).toEqual(["handing-back", "issued", "online"]);
  });

  it("while GitHub gives no tickets, starts no machines for those that are missing", async () => {
    const [first] = await comeOnline();
    if (first === undefined) throw new Error("none");
    const agent = agentOf(agents, first);
    yard.github.nextMintError = { error: new GitHubError("github-forbidden", "minting"), takesEffect: false };
    await agent.report({ ended: [{ id: first.id, end: { kind: "spent" } }], phase: "leaving" });
    await yard.pass();
    await boot(agents);
    const startedCount = yard.provider.launches.length;
    for (let count = 0; count < 3; count += 1) {
      yard.github.nextMintError = { error: new GitHubError("github-forbidden", "minting"), takesEffect: false };
      yard.clock.advance(10 * SECOND_MS);
      await yard.pass();
    }
    expect(yard.provider.launches).toHaveLength(startedCount);
  });

  it("never passes machines.max, and jobs come first", async () => {
    for (let id = 1; id <= 9; id += 1) await yard.queue(id);
    await yard.pass();
    expect((await yard.machines()).filter(({ state }) => state.kind !== "gone")).toHaveLength(5);
  });

  it("when all is taken down, makes no new ones and asks for those that are out", async () => {
    await comeOnline();
    yard.isShuttingDown = true;
    await yard.pass();
    expect(inState(await live())).toEqual(["handing-back", "handing-back"]);
    expect(yard.github.mints).toHaveLength(2);
  });
});

describe("a pool that holds tickets ready", () => {
  const agents = new Map<MachineId, Agent>();

  beforeEach(async () => {
    agents.clear();
    yard = await Yard.open({ warmParkedCount: 2, readyTicketCount: 1, machineCountMax: 3 });
    await yard.pass();
    await boot(agents);
  });

  async function onlyReady(): Promise<Ticket> {
    const [ticket, ...more] = await live();
    if (ticket === undefined || more.length > 0) throw new Error(`${more.length + 1} tickets`);
    return ticket;
  }

  it("makes one for a parked machine, and lets it go to that machine for a job only", async () => {
    const ready = await onlyReady();
    expect(ready).toMatchObject({ purpose: "ready", jobId: null, state: { kind: "issued" } });
    const agent = agentOf(agents, ready);
    expect(await answerPoll(yard.store, agent, yard.clock.nowMs())).toBeNull();
    expect((await loadTicket(yard.store.db, ready.id))?.state.kind).toBe("issued");
    await yard.queue();
    await yard.pass();
    expect(await agent.poll()).toMatchObject({ kind: "ticket", ticket: { id: ready.id } });
    // The next one is made for the parked machine that is left.
    expect(yard.github.mints).toHaveLength(2);
  });

  it("keeps it past every bound of a ticket that is meant for a job, and renews it before GitHub forgets it", async () => {
    const ready = await onlyReady();
    const hear = async () => {
      for (const agent of agents.values()) await agent.report();
      await yard.pass();
    };
    yard.clock.advance(12 * HOUR_MS - MINUTE_MS);
    await hear();
    expect((await onlyReady()).id).toBe(ready.id);
    yard.clock.advance(MINUTE_MS);
    await hear();
    expect((await loadTicket(yard.store.db, ready.id))?.state.kind).toBe("void");
    expect([(await onlyReady()).state.kind, yard.github.runners.size]).toEqual(["issued", 1]);
  });

  it("voids it with its machine, and deletes its registration", async () => {
    const ready = await onlyReady();
    await agentOf(agents, ready).report({ phase: "leaving" });
    await yard.pass();
    await agentOf(agents, ready).report({ phase: "leaving" });
    await yard.pass();
    expect((await loadTicket(yard.store.db, ready.id))?.state.kind).toBe("void");
    expect([...yard.github.runners.values()].map(({ name }) => name)).not.toContain(ready.runnerName);
  });

  it("gives it to no job where its machine is silent: that one gets another, and it is voided", async () => {
    const ready = await onlyReady();
    yard.clock.advance(10 * MINUTE_MS);
    for (const [id, agent] of agents) if (id !== ready.machineId) await agent.report();
    const id = await yard.queue();
    await yard.pass();
    expect((await loadTicket(yard.store.db, ready.id))?.state.kind).toBe("void");
    expect((await live()).filter(({ jobId }) => jobId === id).map(({ machineId }) => machineId)).not.toContain(
      ready.machineId,
    );
  });
});
