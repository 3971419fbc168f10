import { afterEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { retire } from "../../src/controllers/retire.ts";
import { parseJobId, type TicketId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { answerPoll } from "../../src/http/agents/deliver.ts";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import { latestDecisions, listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { jobSubject, machineSubject } from "../../src/store/subjects.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { connectionName } from "../domain/builders.ts";
import { OperatorAtYard } from "./operator.ts";
import { type Agent, Yard } from "./yard.ts";

const LISTENER = { kind: "seen", hasListener: true, workerCount: 0 } as const;
const WORKER = { ...LISTENER, workerCount: 1 };
const WHY = { reason: "disk looks odd" };

let yard: Yard;
let alice: OperatorAtYard;
async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
  alice = new OperatorAtYard(yard);
}
afterEach(() => yard.close());

/** A warm pool's one machine, parked, with no job. */
async function warmAgent(): Promise<Agent> {
  await open({ warmParkedCount: 1, machineCountMax: 1 });
  await yard.pass();
  const agent = yard.agent((await yard.onlyMachine()).id);
  await agent.checkIn();
  await agent.report();
  await yard.pass();
  return agent;
}

const online = (agent: Agent, id: TicketId) =>
  agent.report({ phase: "engaged", ticket: { id, step: "online" }, sighting: LISTENER });
const running = (agent: Agent, id: TicketId) =>
  agent.report({ phase: "engaged", ticket: { id, step: "running" }, sighting: WORKER });

/** The job of the ticket runs, and GitHub has said so. */
async function atWork(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
  const { agent, ticketId } = await yard.withTicket();
  await running(agent, ticketId);
  const { runnerName } = await yard.onlyTicket();
  await yard.tell(parseJobId(1), { status: "in_progress", runnerName, startedAtMs: yard.clock.nowMs() });
  await yard.pass();
  return { agent, ticketId };
}

/** The runner is online, and no job comes. */
async function idleRunner(): Promise<{ readonly agent: Agent; readonly ticketId: TicketId }> {
  const { agent, ticketId } = await yard.withTicket();
  await online(agent, ticketId);
  await yard.tell(parseJobId(1), { status: "completed", conclusion: "cancelled" });
  await yard.pass();
  return { agent, ticketId };
}

const kinds = async () => (await yard.machines()).map(({ state }) => state.kind);
const ticketState = async (id: TicketId) => (await loadTicket(yard.store.db, id))?.state.kind;
const reasonOf = async (agent: Agent) => {
  const [latest] = await listDecisions(yard.store.db, machineSubject(agent.machineId), 1);
  return latest?.reason;
};
const factsOf = async (agent: Agent) =>
  (await listEvidence(yard.store.db, machineSubject(agent.machineId), 20)).map(({ fact }) => fact);
const jobReason = async (id: number) => {
  const subject = jobSubject(connectionName(), parseJobId(id));
  const decisions = await latestDecisions(yard.store.db, [subject]);
  return [...decisions.values()][0]?.reason;
};

/** Lets the machine's agent say that it holds nothing, so often that a machine that may go is gone. */
async function letGo(agent: Agent): Promise<void> {
  for (let count = 0; count < 3; count += 1) {
    await agent.report();
    await yard.pass();
  }
}

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

describe("freeze", () => {
  it.each([
    ["the pool", "linux"],
    ["all pools", null],
  ] as const)("of %s ends nothing until the thaw, and work goes on", async (_name, pool) => {
    const agent = await warmAgent();
    await alice.say("freeze", { pool });
    yard.isShuttingDown = true;
    await letGo(agent);
    expect(await kinds()).toEqual(["parked"]);
    expect(await reasonOf(agent)).toBe("frozen");
    expect((await agent.report()).isPinned).toBe(true);
    yard.isShuttingDown = false;
    await yard.queue();
    await yard.pass();
    expect((await agent.poll()).kind).toBe("ticket");
    await alice.say("thaw", { pool });
    expect((await agent.report({ phase: "engaged" })).isPinned).toBe(false);
  });

  it("counts right before the call, and of what is on its way out too", async () => {
    const agent = await warmAgent();
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    await alice.say("freeze", { pool: null });
    await letGo(agent);
    expect([yard.provider.terminated, await reasonOf(agent)]).toEqual([[], "frozen"]);
    await alice.say("thaw", { pool: null });
    await letGo(agent);
    expect(yard.provider.terminated).toHaveLength(1);
  });

  it("does not repeat the call for a machine that did not go", async () => {
    const agent = await warmAgent();
    yard.provider.terminateTakes = false;
    await alice.say("drain", { subject: agent.machineId });
    await letGo(agent);
    expect(yard.provider.terminated).toHaveLength(1);
    await alice.say("freeze", { pool: "linux" });
    yard.clock.advance(MINUTE_MS);
    await letGo(agent);
    expect(yard.provider.terminated).toHaveLength(1);
    expect((await alice.get(`/explain/${agent.machineId}`, ExplainAnswer)).waitingFor?.reason).toBe("frozen");
    await alice.say("thaw", { pool: "linux" });
    yard.provider.terminateTakes = true;
    await letGo(agent);
    expect(await kinds()).toContain("gone");
  });

  it.each([
    ["a freeze", () => alice.say("freeze", { pool: null })],
    ["a hold", async () => alice.say("hold", { subject: (await yard.onlyMachine()).id, ...WHY })],
  ])("%s that is written between the decision and the call still counts", async (_name, interrupt) => {
    const agent = await warmAgent();
    await alice.say("drain", { subject: agent.machineId });
    await yard.pass();
    await agent.report();
    const isInterrupted = Promise.withResolvers<void>();
    const db = afterRead(yard.store.db, "leases", async () => {
      await interrupt();
      isInterrupted.resolve();
    });
    await retire({ ...yard.context, store: { ...yard.store, db } });
    await isInterrupted.promise;
    expect(yard.provider.terminated).toEqual([]);
  });

  it("asks no idle runner back, and an order on its way rests", async () => {
    await open();
    const { agent, ticketId } = await idleRunner();
    await alice.say("freeze", { pool: "linux" });
    yard.clock.advance(2 * MINUTE_MS);
    await online(agent, ticketId);
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("online");
    await alice.say("thaw", { pool: "linux" });
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
    await alice.say("freeze", { pool: "linux" });
    expect((await online(agent, ticketId)).handBack).toBeNull();
  });

  it("deletes the registration of a listener that its fence has killed, and no other", async () => {
    await open({ machineCountMax: 2 });
    const { agent, ticketId } = await idleRunner();
    yard.clock.advance(2 * MINUTE_MS);
    await online(agent, ticketId);
    await yard.pass();
    expect(await ticketState(ticketId)).toBe("handing-back");
    await yard.queue(2);
    await yard.pass();
    const other = (await yard.machines()).find(({ id }) => id !== agent.machineId);
    if (other === undefined) throw new Error("no second machine");
    const unsent = (await listTicketsOfMachine(yard.store.db, other.id)).map(({ id }) => id);
    await alice.say("freeze", { pool: "linux" });
    await yard.tell(parseJobId(2), { status: "completed", conclusion: "cancelled" });
    await agent.report({ ended: [{ id: ticketId, end: { kind: "handed-back" } }] });
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.github.deleted.map((permit) => permit.ticketId)).toEqual([ticketId]);
    expect(unsent).not.toEqual([]);
    await alice.say("thaw", { pool: "linux" });
    await yard.pass();
    expect(yard.github.deleted.map((permit) => permit.ticketId)).toEqual([ticketId, ...unsent]);
  });
});

describe("terminate --force", () => {
  const FORCE = { force: true, reason: "job hangs" };

  it("ends a machine at work, and records whose word it was with the machine and its job", async () => {
    await open();
    const { agent, ticketId } = await atWork();
    const answer = await alice.say("terminate", { subject: agent.machineId, ...FORCE });
    expect(answer.jobs.map(({ id }) => id)).toEqual([1]);
    expect(answer.next.join(" ")).toContain('What it costs: job 1 of acme/widgets, "build".');
    await yard.pass();
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["forced"]);
    const [machine] = await yard.machines();
    expect(machine?.state).toMatchObject({ kind: "gone", reason: "operator-forced" });
    expect(await ticketState(ticketId)).toBe("lost");
    expect(yard.telemetry.counts.filter((name) => name.startsWith("holdfast_forced"))).toEqual([
      "holdfast_forced_endings_total pool=linux cause=operator",
    ]);
    const job = await alice.get("/explain/1", ExplainAnswer);
    expect(job.words.map(({ word, operator, reason }) => [word, operator, reason])).toEqual([
      ["forced", "alice", "job hangs"],
    ]);
    expect(job.timeline.map(({ fact }) => fact)).toContain(
      `machine ${agent.machineId} ended by force of alice: job hangs`,
    );
    const told = await alice.get(`/explain/${agent.machineId}`, ExplainAnswer);
    expect(told.timeline.map(({ fact }) => fact)).toContain(
      `machine ${agent.machineId} ended by force of alice: job hangs; it cost job 1 of acme/widgets, "build"`,
    );
  });

  it("takes a surer proof where there is one, and then costs and counts nothing", async () => {
    const agent = await warmAgent();
    await alice.say("terminate", { subject: agent.machineId, ...FORCE });
    yard.provider.machines.clear();
    await yard.pass();
    yard.clock.advance(10 * MINUTE_MS);
    await yard.pass();
    expect(yard.telemetry.counts.filter((name) => name.startsWith("holdfast_forced"))).toEqual([]);
  });

  it("waits for the thaw where the pool is frozen after it", async () => {
    await open();
    const { agent } = await atWork();
    await alice.say("terminate", { subject: agent.machineId, ...FORCE });
    await alice.say("freeze", { pool: "linux" });
    await yard.pass();
    expect([await kinds(), yard.provider.terminated]).toEqual([["engaged"], []]);
    await alice.say("thaw", { pool: "linux" });
    await yard.pass();
    expect(yard.provider.terminated).toHaveLength(1);
  });

  it("is refused where a word or a mode stops every ending, with nothing written", async () => {
    await open();
    const { agent } = await atWork();
    const order = { subject: agent.machineId, ...FORCE };
    await alice.say("hold", { subject: agent.machineId, ...WHY });
    expect(await alice.refused("terminate", order)).toBe("machine-held");
    await alice.say("release", { subject: agent.machineId });
    await alice.say("freeze", { pool: null });
    expect(await alice.refused("terminate", order)).toBe("pool-frozen");
    await alice.say("thaw", { pool: null });
    expect((await yard.onlyMachine()).forced).toBeNull();
    await alice.say("terminate", order);
    await yard.pass();
    expect(await alice.refused("terminate", order)).toBe("machine-gone");
  });

  it("is refused in a pool that only observes", async () => {
    await open();
    const { agent } = await atWork();
    Object.assign(yard.context.pool, { mode: "observe" });
    expect(await alice.refused("terminate", { subject: agent.machineId, ...FORCE })).toBe("pool-observes");
  });
});

type Db = Yard["store"]["db"];

/**
 * Runs `meanwhile` after a row of the table was read outside of transactions. Of the leases only the executor does that,
 * right before its call; of the drains only the planner.
 */
function afterRead(db: Db, table: string, meanwhile: () => Promise<void>): Db {
  return intercept(db, (target, key, args) => {
    const query = Reflect.apply(Reflect.get(target, key) as () => object, target, args);
    return key === "selectFrom" && args[0] === table ? beforeAnswer(query, meanwhile) : query;
  });
}

function beforeAnswer<Query extends object>(query: Query, meanwhile: () => Promise<void>): Query {
  return intercept(query, (target, key, args) => {
    const result = Reflect.apply(Reflect.get(target, key) as () => object, target, args);
    if (key !== "executeTakeFirst") return beforeAnswer(result, meanwhile);
    return Promise.resolve(result).then((row) => meanwhile().then(() => row));
  });
}

function intercept<Target extends object>(
  target: Target,
  call: (target: Target, key: string | symbol, args: readonly unknown[]) => unknown,
): Target {
  return new Proxy(target, {
    get: (_target, key) => {
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (...args: unknown[]) => call(target, key, args) : value;
    },
  });
}
