/** Machines that were called gone, or never launched, and are there after all: their jobs live on, and they end like any. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../src/controllers/sweep.ts";
import { GitHubError, ProviderError } from "../../src/domain/errors.ts";
import type { MachineId, TicketId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { machineId, machine as machineOf, runnerId, ticketId, ticket as ticketOf } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open();
});
afterEach(() => yard.close());

const runs = (id: TicketId) =>
  ({
    phase: "engaged",
    ticket: { id, step: "running" },
    sighting: { kind: "seen", hasListener: true, workerCount: 1 },
  }) as const;

const endings = () => yard.provider.terminated.map(({ proof }) => proof);

/** The provider is wrong for one pass: the row is closed, and the machine runs on. */
async function callGone(id: MachineId): Promise<void> {
  const there = yard.provider.machines.get(id);
  yard.provider.machines.delete(id);
  await yard.pass();
  expect((await yard.machines()).find((one) => one.id === id)?.state.kind).toBe("gone");
  if (there !== undefined) yard.provider.machines.set(id, there);
}

describe("a machine that was called gone and is there", () => {
  it("keeps its registration while its host says that it holds the ticket", async () => {
    const { agent, ticketId: held } = await yard.withTicket();
    await agent.report(runs(held));
    await yard.pass();
    yard.github.listError = new GitHubError("github-unavailable", "listing runners");
    await callGone(agent.machineId);
    yard.github.listError = null;
    await agent.report(runs(held));
    await sweep(yard.context);
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
    expect(yard.github.deleted).toEqual([]);
    expect((await loadTicket(yard.store.db, held))?.state.kind).toBe("unknown");
  });

  it("loses it where nothing was heard of it since, or not for long", async () => {
    const { agent, ticketId: held } = await yard.withTicket();
    await agent.report(runs(held));
    await yard.pass();
    yard.github.listError = new GitHubError("github-unavailable", "listing runners");
    await callGone(agent.machineId);
    yard.provider.machines.delete(agent.machineId);
    await agent.report(runs(held));
    yard.github.listError = null;
    yard.clock.advance(20 * MINUTE_MS);
    await sweep(yard.context);
    expect(yard.github.deleted.map((permit) => permit.ticketId)).toEqual([held]);
  });

  it("ends once its job is over, although its ticket was called lost", async () => {
    const { agent, ticketId: held } = await yard.withTicket();
    await agent.report(runs(held));
    await yard.pass();
    await callGone(agent.machineId);
    yard.clock.advance(MINUTE_MS);
    await agent.report(runs(held));
    await yard.pass();
    expect(endings()).toEqual([]);
    const ended = [{ id: held, end: { kind: "spent" } as const }];
    await agent.report({ phase: "leaving", ended });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(endings()).toEqual(["parked"]);
    expect((await loadTicket(yard.store.db, held))?.state.kind).toBe("spent");
  });

  it("ends although its agent says only what it said while the row was closed", async () => {
    const agent = await yard.parkedAgent();
    await callGone(agent.machineId);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
    for (let count = 0; count < 3; count += 1) {
      await yard.pass();
      yard.clock.advance(15 * SECOND_MS);
      await agent.report({ phase: "leaving" });
    }
    await yard.pass();
    expect(endings()).toEqual(["parked"]);
  });
});

it("a machine whose marks do not name its pool is left for a minute to the pool that can read them", async () => {
  const id = machineId(7);
  yard.provider.machines.set(id, { state: "running", machineId: id });
  yard.provider.unplaced.add(id);
  await yard.pass();
  yard.clock.advance(MINUTE_MS - 1);
  await yard.pass();
  expect(await yard.machines()).toEqual([]);
  yard.clock.advance(1);
  await yard.pass();
  expect(await yard.onlyMachine()).toMatchObject({ id, origin: "adopted" });
});

it("a machine whose launch is refused when a backup repeats it keeps the registration that its host holds", async () => {
  const id = machineId(1);
  const launch = sampleLaunch(1, { machineIds: [id], nextAttemptAtMs: 0 });
  const issued = ticketOf({
    id: ticketId(1),
    machineId: id,
    state: "issued",
    createdAtMs: 0,
    runnerId: runnerId(1),
    registration: "present",
  });
  await insertLaunch(yard.store.db, launch);
  await insertMachine(yard.store.db, machineOf({ id, launchId: launch.id, state: { kind: "planned", sinceMs: 0 } }));
  await insertTicket(yard.store.db, issued);
  yard.clock.advance(MINUTE_MS);
  yard.heardSinceMs = yard.clock.nowMs();
  const runner = { id: runnerId(1), name: issued.runnerName, isOnline: true, isBusy: false, version: "2.330.0" };
  yard.github.runners.set(runner.id, runner);
  yard.provider.machines.set(id, { state: "running", machineId: id });
  const error = new ProviderError("provider-capacity", "launching");
  yard.provider.nextLaunchError = { error, takesEffect: false };
  await yard.pass();
  const agent = yard.agent(id);
  await agent.checkIn();
  await agent.report(runs(issued.id));
  await yard.pass();
  yard.clock.advance(2 * MINUTE_MS);
  await agent.report(runs(issued.id));
  await yard.pass();
  expect([yard.github.deleted, endings()]).toEqual([[], []]);
});

it("a pool starts nothing while a machine that nobody has a row of may be its own", async () => {
  const id = machineId(9);
  yard.context.memory.isFleetListed = false;
  yard.provider.machines.set(id, { state: "running", machineId: id });
  yard.provider.unplaced.add(id);
  await yard.queue();
  await yard.pass();
  expect([...yard.provider.machines.keys()]).toEqual([id]);
  yard.clock.advance(MINUTE_MS);
  await yard.pass();
  expect(yard.context.memory.isFleetListed).toBe(true);
  await yard.pass();
  expect(yard.provider.machines.size).toBeGreaterThan(1);
});

describe("another machine under the marks of one that has a row", () => {
  const REMADE = "remade-0001";

  /** Deleted by force and made again of the same manifest, as `kubectl replace --force` and backups of clusters do. */
  async function remake(id: MachineId): Promise<void> {
    yard.provider.machines.delete(id);
    yard.provider.notFound.add(id);
    yard.provider.machines.set(REMADE, { state: "running", machineId: id });
    yard.clock.advance(SECOND_MS);
    await yard.pass();
  }

  const rowOf = async (id: string) =>
    (await yard.machines()).find(({ state }) => state.kind !== "planned" && state.providerId === id);

  it("is adopted by itself, and the one that is away ends as any", async () => {
    const { agent, ticketId: held } = await yard.withTicket();
    await agent.report(runs(held));
    await yard.pass();
    await remake(agent.machineId);
    expect(await rowOf(REMADE)).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
    for (let minutes = 0; minutes < 12; minutes += 1) {
      yard.clock.advance(MINUTE_MS);
      await yard.pass();
    }
    expect(await rowOf(agent.machineId)).toMatchObject({ state: { kind: "gone" } });
    expect(await rowOf(REMADE)).toMatchObject({ state: { kind: "engaged" } });
  });

  it("says nothing of that one by its end", async () => {
    const { agent, ticketId: held } = await yard.withTicket();
    await agent.report(runs(held));
    await yard.pass();
    await remake(agent.machineId);
    yard.provider.machines.set(REMADE, { state: "dead", machineId: agent.machineId });
    await agent.report(runs(held));
    await yard.pass();
    expect(await rowOf(agent.machineId)).toMatchObject({ state: { kind: "engaged" } });
  });
});
