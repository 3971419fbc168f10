import { afterEach, describe, expect, it } from "vitest";
import { attend } from "../../src/controllers/attend.ts";
import { retire } from "../../src/controllers/retire.ts";
import { GitHubError, ProviderError } from "../../src/domain/errors.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { DAY_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
}
afterEach(() => yard.close());

/** Its machine retires, and its word that it leaves has been attended to. */
async function leaving(): Promise<Agent> {
  await open();
  const agent = await yard.parkedAgent();
  await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
  yard.isShuttingDown = true;
  await yard.pass();
  await agent.report({ phase: "leaving" });
  await attend(yard.context);
  return agent;
}

describe("endings", () => {
  it("gives no ticket to a machine that retires, and no permit before its agent reports again", async () => {
    await open();
    const agent = await yard.parkedAgent();
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    yard.isShuttingDown = true;
    await yard.pass();
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "proving" });
    expect(await agent.poll()).toEqual({ kind: "report" });
    yard.clock.advance(19 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    await agent.report({ sighting: { kind: "unknown", why: "hidepid" } });
    await yard.pass();
    await agent.report({ sighting: { ...NOTHING_SEEN, workerCount: 1 } });
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.proof)).toEqual(["parked"]);
  });

  it("asks the provider nothing before it ends a machine whose host said that it leaves, unless it was left there", async () => {
    await leaving();
    const calls: string[] = [];
    const { list, terminate } = yard.provider;
    yard.provider.list = (which) => {
      calls.push("read");
      return list.call(yard.provider, which);
    };
    yard.provider.terminate = async (permit) => {
      calls.push("terminate");
      if (calls.length === 1) throw new ProviderError("provider-unavailable", "ending it");
      await terminate.call(yard.provider, permit);
    };
    await retire(yard.context);
    expect(calls).toEqual(["terminate"]);
    await retire(yard.context);
    expect(calls).toEqual(["terminate", "read", "terminate", "read"]);
  });

  it("asks once for an end during which a report changes the row", async () => {
    const agent = await leaving();
    yard.provider.machines.set(agent.machineId, { state: "running", machineId: agent.machineId });
    yard.provider.terminateTakes = false;
    const { terminate } = yard.provider;
    yard.provider.terminate = async (permit) => {
      await terminate.call(yard.provider, permit);
      const { version } = await yard.onlyMachine();
      await agent.report({ phase: "leaving" });
      await attend(yard.context);
      expect((await yard.onlyMachine()).version).toBeGreaterThan(version);
    };
    for (let pass = 0; pass < 3; pass += 1) await retire(yard.context);
    expect(yard.provider.terminated).toHaveLength(1);
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "confirming" });
  });

  it("takes the word of a new incarnation after the machine began to retire", async () => {
    await open();
    const agent = await yard.parkedAgent();
    for (let count = 0; count < 5; count += 1) await agent.report({ phase: count % 2 === 0 ? "preparing" : "parked" });
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    yard.isShuttingDown = true;
    await yard.pass();
    const next = yard.agent(agent.machineId, "incarnation-2");
    await next.checkIn();
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    await next.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated).toHaveLength(1);
  });

  it("ends a machine that nobody ever reported from after its boot deadline, counted over heard time only", async () => {
    await open({ warmParkedCount: 1 });
    await yard.pass();
    yard.clock.advance(6 * MINUTE_MS);
    yard.heardSinceMs = yard.clock.nowMs() - MINUTE_MS;
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    yard.clock.advance(4 * MINUTE_MS);
    yard.isShuttingDown = true;
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.proof)).toEqual(["never-engaged"]);
  });

  it("has no proof never-engaged for a machine as which somebody tried to check in, though refused", async () => {
    await open({ warmParkedCount: 1, machineCountMax: 1 });
    await yard.pass();
    const refused = await yard.agent((await yard.onlyMachine()).id).checkIn("a guess");
    expect(refused.status).toBe(401);
    yard.clock.advance(19 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "proving" });
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.proof)).toEqual(["host-lost"]);
  });

  it("ends nothing on a listing that failed or that lacks a machine", async () => {
    await open({ machineCountMax: 1 });
    await yard.withTicket();
    yard.provider.listError = new ProviderError("provider-unavailable", "listing");
    yard.clock.advance(DAY_MS);
    await yard.pass();
    yard.provider.listError = null;
    for (const id of yard.provider.machines.keys()) yard.provider.unlisted.add(id);
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    expect((await yard.onlyMachine()).state.kind).toBe("engaged");
  });

  it("closes the row of a machine that is not listed and of which the provider says by id that it is gone", async () => {
    await open({ machineCountMax: 1 });
    const { ticketId } = await yard.withTicket();
    yard.provider.machines.clear();
    yard.isShuttingDown = true;
    await yard.pass();
    expect((await yard.machines()).map((machine) => machine.state)).toMatchObject([
      { kind: "gone", reason: "machine-dead" },
    ]);
    expect((await loadTicket(yard.store.db, ticketId))?.state.kind).toBe("lost");
  });

  it("does not wait for a GitHub that no longer answers for the scope of a ticket that never left us", async () => {
    await open();
    await yard.queue();
    await yard.pass();
    const agent = yard.agent((await yard.onlyMachine()).id);
    await agent.checkIn();
    await agent.report();
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    yard.github.listError = new GitHubError("github-not-found", "listing");
    yard.isShuttingDown = true;
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated).toHaveLength(1);
    yard.github.listError = null;
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.github.runners.size).toBe(0);
  });

  it("clears up after a machine that died with its ticket: lost, and its registration deleted only then", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "running" } });
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "in_progress" });
    yard.isShuttingDown = true;
    for (const machine of yard.provider.machines.values()) machine.state = "dead";
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.proof)).toEqual(["provider-dead"]);
    const ticket = await loadTicket(yard.store.db, ticketId);
    expect([ticket?.state.kind, ticket?.registration]).toEqual(["lost", "gone"]);
    expect(yard.github.deleted.map((permit) => permit.ticketId)).toEqual([ticketId]);
  });

  it("ends a machine again where it did not take, and closes the row only by the provider's word", async () => {
    await open({ warmParkedCount: 0 });
    const agent = await yard.parkedAgent();
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    yard.isShuttingDown = true;
    yard.provider.terminateTakes = false;
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "confirming" });
    yard.clock.advance(MINUTE_MS);
    yard.provider.terminateTakes = true;
    await yard.pass();
    expect(yard.provider.terminated).toHaveLength(2);
    expect((await yard.machines()).map((machine) => machine.state.kind)).toEqual(["gone"]);
  });
});

function never(): never {
  throw new Error("missing");
}
