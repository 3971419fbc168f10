import { afterEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { answerPoll } from "../../src/http/agents/deliver.ts";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import {
  afterRead,
  alice,
  atWork,
  factsOf,
  idleRunner,
  jobReason,
  kinds,
  letGo,
  online,
  open,
  reasonOf,
  ticketState,
  WHY,
  warmAgent,
  yard,
} from "./operators-scene.ts";

afterEach(() => yard.close());

describe("hold", () => {
  it("keeps a parked machine from tickets and from its end, and the pool goes on without it", async () => {
    const agent = await warmAgent();
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    yard.isShuttingDown = true;
    await letGo(agent);
    expect(await kinds()).toEqual(["parked"]);
    expect(await reasonOf(agent)).toBe("held");
    yard.isShuttingDown = false;
    await yard.queue();
    await letGo(agent);
    expect(yard.github.mints).toEqual([]);
    expect(await jobReason(1)).toBe("at-max");
    expect((await agent.report()).isPinned).toBe(true);
    await alice.say("release", { subject: agent.machineId });
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
    expect((await agent.report()).isPinned).toBe(false);
  });

  it("voids a ticket that has not left us, and the job gets another machine", async () => {
    await open({ machineCountMax: 2 });
    const agent = await yard.parkedAgent();
    const ticket = await yard.onlyTicket();
    expect(ticket.state.kind).toBe("issued");
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    expect(await ticketState(ticket.id)).toBe("void");
    yard.clock.advance(MINUTE_MS);
    await agent.report();
    await yard.pass();
    expect(await yard.machines()).toHaveLength(2);
  });

  it("stops a ticket at the door that was issued all the same", async () => {
    await open();
    const agent = await yard.parkedAgent();
    await yard.store.db
      .updateTable("machines")
      .set({ hold: JSON.stringify({ operator: "alice", reason: "odd", atMs: 1 }) })
      .execute();
    expect(await answerPoll(yard.store, agent, yard.clock.nowMs())).toBeNull();
    expect(await ticketState((await yard.onlyTicket()).id)).toBe("issued");
  });

  it("lets a job go on, and the machine stays when it is over", async () => {
    await open();
    const { agent, ticketId } = await atWork();
    const { next, jobs } = await alice.say("hold", { subject: agent.machineId, ...WHY });
    expect(jobs.map(({ id }) => id)).toEqual([1]);
    expect(next.join(" ")).toContain('On it goes on: job 1 of acme/widgets, "build".');
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await letGo(agent);
    expect(await kinds()).toEqual(["parked"]);
    await alice.say("release", { subject: agent.machineId });
    await letGo(agent);
    expect(await kinds()).toEqual(["gone"]);
  });

  it("asks no idle runner back, and an order that is on its way rests until it is released", async () => {
    await open();
    const { agent, ticketId } = await idleRunner();
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    yard.clock.advance(2 * MINUTE_MS);
    await online(agent, ticketId);
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("online");
    await alice.say("release", { subject: agent.machineId });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
    expect((await online(agent, ticketId)).handBack).not.toBeNull();
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    expect((await online(agent, ticketId)).handBack).toBeNull();
    await alice.say("release", { subject: agent.machineId });
    expect((await online(agent, ticketId)).handBack).not.toBeNull();
  });

  it("counts from the moment it is written, on the way out too", async () => {
    const agent = await warmAgent();
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    expect(await kinds()).toEqual(["retiring"]);
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    await letGo(agent);
    expect(yard.provider.terminated).toEqual([]);
    expect((await yard.onlyMachine()).state).toMatchObject({ stage: "proving" });
    expect(await reasonOf(agent)).toBe("held");
    const { waitingFor, words } = await alice.get(`/explain/${agent.machineId}`, ExplainAnswer);
    expect(waitingFor?.reason).toBe("held");
    expect(words.map(({ word, operator, reason }) => [word, operator, reason])).toEqual([
      ["held", "alice", "disk looks odd"],
      ["drained", "alice", ""],
    ]);
    const { next } = await alice.say("release", { subject: agent.machineId });
    expect(next.join(" ")).toContain("its ending goes on");
    await letGo(agent);
    expect(await kinds()).toContain("gone");
  });

  it("closes the row of a machine that the provider says is gone", async () => {
    const agent = await warmAgent();
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    yard.provider.machines.clear();
    await yard.pass();
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state.kind).toBe("gone");
  });
});

describe("drain of a machine", () => {
  it("takes a parked one out at once, with its ticket that has not left us", async () => {
    await open({ machineCountMax: 1 });
    const agent = await yard.parkedAgent();
    const ticket = await yard.onlyTicket();
    await alice.say("drain", { subject: agent.machineId });
    expect(await ticketState(ticket.id)).toBe("void");
    await letGo(agent);
    const [gone] = (await yard.machines()).filter(({ id }) => id === agent.machineId);
    expect(gone?.state).toMatchObject({ kind: "gone", reason: "drained" });
  });

  it("lets the job go on and the machine retire after it", async () => {
    await open({ jobsPerMachine: 5 });
    const { agent, ticketId } = await atWork();
    await alice.say("drain", { subject: agent.machineId, reason: "old kernel" });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("running");
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await letGo(agent);
    expect(await kinds()).toEqual(["gone"]);
    expect(await factsOf(agent)).toContain("drained by alice: old kernel");
  });

  it("asks an idle runner back through the fence, though a job waits", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    await online(agent, ticketId);
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
  });

  it("takes back the machine's last reason to stay in no hurry", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    await yard.store.db.updateTable("machines").set({ retire_when_spent: "runner-late" }).execute();
    await online(agent, ticketId);
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("online");
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
  });

  it("ends with its release, as long as it does not retire", async () => {
    await open({ jobsPerMachine: 5, warmParkedCount: 1, machineCountMax: 1 });
    const { agent, ticketId } = await atWork();
    await alice.say("drain", { subject: agent.machineId });
    const { result } = await alice.say("release", { subject: agent.machineId });
    expect(result).toContain("drained no more");
    await agent.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await letGo(agent);
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state.kind).toBe("parked");
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    expect(await alice.refused("release", { subject: agent.machineId })).toBe("machine-ending");
  });
});

describe("drain of a pool", () => {
  it("starts nothing, mints nothing, and says so of each job that fits nowhere else", async () => {
    await open({ warmParkedCount: 2 });
    await alice.say("drain", { subject: "linux", reason: "new image" });
    await yard.queue();
    await yard.pass();
    expect(yard.provider.launches).toEqual([]);
    expect(await jobReason(1)).toBe("pool-drained");
    await alice.say("release", { subject: "linux" });
    await yard.pass();
    expect(yard.provider.launches).not.toEqual([]);
  });

  it("voids what has not left us and empties the pool, without harm to a job", async () => {
    await open({ machineCountMax: 2 });
    const { agent: worker, ticketId } = await atWork();
    await yard.queue(2);
    await yard.pass();
    const second = (await yard.machines()).find(({ id }) => id !== worker.machineId);
    if (second === undefined) throw new Error("no second machine");
    const agent = yard.agent(second.id);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    await alice.say("drain", { subject: "linux" });
    await yard.pass();
    await letGo(agent);
    const states = new Map((await yard.machines()).map(({ id, state }) => [id, state]));
    expect(states.get(agent.machineId)).toMatchObject({ kind: "gone", reason: "drained" });
    expect(states.get(worker.machineId)?.kind).toBe("engaged");
    expect(await jobReason(2)).toBe("pool-drained");
    await worker.report({ ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.pass();
    await letGo(worker);
    expect(await kinds()).toEqual(["gone", "gone"]);
  });

  it("asks idle runners back", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    await online(agent, ticketId);
    await alice.say("drain", { subject: "linux" });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
  });

  it("voids what has not left us also where a freeze keeps its machine", async () => {
    await open();
    await yard.parkedAgent();
    const ticket = await yard.onlyTicket();
    await alice.say("freeze", { pool: "linux" });
    await alice.say("drain", { subject: "linux" });
    await yard.pass();
    expect([await ticketState(ticket.id), await kinds()]).toEqual(["void", ["parked"]]);
  });

  it.each([
    ["launches", async () => yard.provider.launches.length, open],
    ["mints", async () => (await listTicketsOfMachine(yard.store.db, (await yard.onlyMachine()).id)).length, warmAgent],
  ])("nothing, where it is written while the plan is made: %s", async (_name, count, begin) => {
    await begin();
    await yard.queue();
    const before = await count();
    const drain = () => alice.say("drain", { subject: "linux" }).then(() => undefined);
    const db = afterRead(yard.store.db, "drains", drain);
    await assign({ ...yard.context, store: { ...yard.store, db } });
    await launchMachines(yard.context);
    expect((await alice.say("drain", { subject: "linux" })).outcome).toBe("already");
    expect(await count()).toBe(before);
  });

  it("stops a ticket at the door", async () => {
    await open();
    const agent = await yard.parkedAgent();
    await alice.say("drain", { subject: "linux" });
    expect(await answerPoll(yard.store, agent, yard.clock.nowMs())).toBeNull();
  });
});
