import { afterEach, describe, expect, it } from "vitest";
import { retire } from "../../src/controllers/retire.ts";
import { parseJobId } from "../../src/domain/ids.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { ExplainAnswer } from "../../src/http/operators/answers.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import {
  afterRead,
  alice,
  atWork,
  idleRunner,
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
