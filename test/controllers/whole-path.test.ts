import { afterEach, describe, expect, it } from "vitest";
import { GitHubError, ProviderError } from "../../src/domain/errors.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { listTicketsInState } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { connectionName } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
}
afterEach(() => yard.close());

describe("from a queued job to a machine that is gone", () => {
  it("launches once, mints once, delivers, and ends the machine by the proof parked", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    expect(yard.provider.launches).toHaveLength(1);
    expect(yard.github.mints).toHaveLength(1);
    expect((await yard.onlyMachine()).state.kind).toBe("engaged");
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "running" } });
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed" });
    await yard.pass();
    await agent.report({ phase: "preparing", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    yard.github.runners.clear();
    await yard.pass();
    expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", stage: "proving" });
    expect(yard.provider.terminated).toEqual([]);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.proof)).toEqual(["parked"]);
    expect((await yard.machines()).map((machine) => machine.state.kind)).toEqual(["gone"]);
    expect((await loadTicket(yard.store.db, ticketId))?.registration).toBe("gone");
  });

  it("waits at machines.max with that reason, and never passes it", async () => {
    await open({ machineCountMax: 1 });
    const [, second] = [await yard.queue(1), await yard.queue(2)];
    await yard.pass();
    expect(yard.provider.machines.size).toBe(1);
    const decisions = await listDecisions(yard.store.db, jobSubject(connectionName(), second), 10);
    expect(decisions.map((decision) => decision.reason)).toContain("at-max");
  });

  it("asks GitHub before it launches for a job older than a minute, and launches for none that is no longer queued", async () => {
    await open();
    const id = await yard.queue();
    const job = yard.github.jobs.get(id) ?? never();
    yard.github.jobs.set(id, { ...job, status: "completed", conclusion: "cancelled" });
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.provider.launches).toEqual([]);
  });

  it("lets no job that GitHub does not find take the place of one that waits", async () => {
    await open({ machineCountMax: 1 });
    yard.github.jobs.delete(await yard.queue(1));
    yard.clock.advance(MINUTE_MS);
    const second = await yard.queue(2);
    for (let count = 0; count < 3; count += 1) {
      yard.clock.advance(5 * SECOND_MS);
      await yard.pass();
    }
    expect(yard.provider.machines.size).toBe(1);
    expect((await yard.onlyTicket()).jobId).toBe(second);
  });

  it("retires a parked machine that does not get ready for the next job by its boot deadline", async () => {
    await open({ jobsPerMachine: 3, machineCountMax: 1 });
    const { agent, ticketId } = await yard.withTicket();
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed" });
    await agent.report({ phase: "preparing", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.queue(2);
    await yard.pass();
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(yard.github.mints.length).toBeLessThanOrEqual(2);
    yard.clock.advance(20 * MINUTE_MS);
    await agent.report({ phase: "preparing", ended: [] });
    await yard.pass();
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    expect((await yard.onlyMachine()).state.kind).toBe("retiring");
  });

  it("voids a ticket that nobody needs before it leaves us, and deletes its registration", async () => {
    await open();
    await yard.queue();
    await yard.pass();
    const ticket = await yard.onlyTicket();
    expect(ticket.state.kind).toBe("issued");
    await yard.tell(ticket.jobId ?? never(), { status: "completed", conclusion: "cancelled" });
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("void");
    expect(yard.github.runners.size).toBe(0);
  });

  it("asks for the ticket of the oldest job first", async () => {
    yard = await Yard.open({ machineCountMax: 9 });
    // Of tickets that were written in the same moment, the later one comes first by its id.
    let left = 1_000;
    const token = (length: number) => String(left--).padStart(length, "0");
    Object.assign(yard.context, { random: { fraction: () => 0, token } });
    const jobs: (number | null)[] = [];
    yard.github.duringMint = async () => {
      const name = yard.github.mints.at(-1)?.runnerName;
      const tickets = await listTicketsInState(yard.store.db, yard.context.pool.name, ["minting"]);
      jobs.push(tickets.find(({ runnerName }) => runnerName === name)?.jobId ?? null);
    };
    for (const id of [30, 10, 40, 20]) await yard.queue(id);
    await yard.pass();
    expect(jobs).toEqual([10, 20, 30, 40]);
  });

  it("launches and mints nothing without the lease", async () => {
    await open();
    await yard.queue();
    yard.lease = null;
    await yard.pass();
    expect([yard.provider.launches.length, yard.github.mints.length]).toEqual([0, 0]);
  });
});

describe("launches", () => {
  it("repeats the identical request where the outcome is unknown, and starts nothing twice", async () => {
    await open();
    await yard.queue();
    yard.provider.nextLaunchError = {
      error: new ProviderError("provider-unavailable", "launching"),
      takesEffect: true,
    };
    await yard.pass();
    expect((await yard.onlyMachine()).state.kind).toBe("planned");
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(2);
    expect(yard.provider.launches[1]).toEqual(yard.provider.launches[0]);
    expect(yard.provider.machines.size).toBe(1);
  });

  it("closes the machines of a refused launch, and tries a new one only after a pause", async () => {
    await open();
    await yard.queue();
    yard.provider.nextLaunchError = { error: new ProviderError("provider-capacity", "launching"), takesEffect: false };
    await yard.pass();
    expect((await yard.machines()).map((machine) => machine.state)).toMatchObject([
      { kind: "gone", reason: "never-launched" },
    ]);
    expect(yard.provider.launches).toHaveLength(1);
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    expect(yard.provider.launches).toHaveLength(2);
    expect((await yard.onlyMachine()).state.kind).toBe("provisioning");
  });

  it.each(["provider-capacity", "provider-quota"] as const)(
    "asks for half as many after a launch that was more than there is room for: %s",
    async (code) => {
      await open({ warmParkedCount: 8, machineCountMax: 20 });
      yard.provider.nextLaunchError = { error: new ProviderError(code, "launching"), takesEffect: false };
      await yard.pass();
      yard.clock.advance(5 * SECOND_MS);
      await yard.pass();
      yard.clock.advance(5 * SECOND_MS);
      await yard.pass();
      expect(yard.provider.launches.map(({ machines }) => machines.length)).toEqual([8, 4, 4]);
    },
  );

  it("takes a report that came before the launch was answered", async () => {
    await open();
    await yard.queue();
    yard.provider.nextLaunchError = {
      error: new ProviderError("provider-unavailable", "launching"),
      takesEffect: true,
    };
    await yard.pass();
    const agent = yard.agent((await yard.onlyMachine()).id);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    expect((await yard.onlyMachine()).state.kind).toBe("parked");
  });
});

describe("tickets", () => {
  it("finds the registration of a lost answer by its name, voids it, deletes it, and mints under a new name", async () => {
    await open();
    yard.github.nextMintError = { error: new GitHubError("github-unavailable", "minting"), takesEffect: true };
    await yard.queue();
    await yard.pass();
    expect(yard.github.mints).toHaveLength(1);
    yard.github.nextMintError = { error: new GitHubError("github-name-taken", "minting"), takesEffect: false };
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    const names = yard.github.mints.map((mint) => mint.runnerName);
    expect(names[1]).toBe(names[0]);
    expect(names[2]).not.toBe(names[0]);
    expect([...yard.github.runners.values()].map((runner) => runner.name)).toEqual([names[2]]);
  });

  it("gives up a name that somebody else is online under, and deletes nothing of theirs", async () => {
    await open();
    yard.github.nextMintError = { error: new GitHubError("github-unavailable", "minting"), takesEffect: true };
    await yard.queue();
    await yard.pass();
    const { id } = await yard.onlyTicket();
    for (const runner of yard.github.runners.values()) Object.assign(runner, { isOnline: true, version: "2.330.0" });
    yard.github.nextMintError = { error: new GitHubError("github-name-taken", "minting"), takesEffect: false };
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    yard.clock.advance(5 * SECOND_MS);
    await yard.pass();
    expect(await loadTicket(yard.store.db, id)).toMatchObject({ state: { kind: "void" }, registration: "none" });
    expect(yard.github.deleted).toEqual([]);
    expect(yard.github.runners.size).toBe(2);
    expect((await yard.onlyTicket()).state.kind).toBe("issued");
  });

  it("deletes the registration of a ticket that was voided while GitHub answered", async () => {
    await open();
    const id = await yard.queue();
    yard.github.duringMint = async () => {
      await yard.tell(id, { status: "completed", conclusion: "cancelled" });
      yard.isShuttingDown = true;
    };
    await yard.pass();
    expect(yard.github.mints).toHaveLength(1);
    expect(yard.github.runners.size).toBe(0);
  });

  it("voids a ticket that GitHub refuses, frees its machine and pauses", async () => {
    await open();
    await yard.queue();
    yard.github.nextMintError = { error: new GitHubError("github-forbidden", "minting"), takesEffect: false };
    await yard.pass();
    expect(yard.github.mints).toHaveLength(1);
    expect((await yard.onlyTicket()).state.kind).toBe("void");
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("issued");
  });

  it("answers a ticket again to the same incarnation until it is confirmed, and to no other", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    expect(await agent.poll()).toMatchObject({ kind: "ticket", ticket: { id: ticketId } });
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "delivered" } });
    await yard.pass();
    const next = yard.agent(agent.machineId, "incarnation-2");
    await next.checkIn();
    const answer = await next.report({ phase: "preparing" });
    expect(answer.ticketOut).toBe(ticketId);
    expect(yard.github.mints).toHaveLength(1);
  });

  it("keeps a machine engaged whose agent lists no ticket without a word about the one it was given", async () => {
    await open({ machineCountMax: 1 });
    const { agent } = await yard.withTicket();
    await agent.report({ phase: "parked" });
    yard.clock.advance(DAY_MS);
    await yard.pass();
    expect((await yard.onlyMachine()).state.kind).toBe("engaged");
    expect(yard.provider.terminated).toEqual([]);
  });

  it("counts a ticket that was seen running as spent, whatever its end is called", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    await agent.report({ phase: "engaged", ticket: { id: ticketId, step: "running" } });
    await yard.pass();
    await agent.report({ ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId))?.state.kind).toBe("spent");
  });

  it("deletes nothing that GitHub calls busy, and says so", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    yard.github.deleteAnswer = "busy";
    await agent.report({ ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId))?.registration).toBe("present");
  });

  it("does not take a 404 to a deletion for the end of a registration that GitHub lists", async () => {
    await open();
    const { agent, ticketId } = await yard.withTicket();
    yard.github.deleteAnswer = "absent";
    await agent.report({ ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId))?.registration).toBe("present");
    yard.github.runners.clear();
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId))?.registration).toBe("gone");
  });
});

function never(): never {
  throw new Error("missing");
}
