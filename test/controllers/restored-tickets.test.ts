/** A ticket of a backup: by its row it never left us, and its host may hold it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../src/controllers/sweep.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { parseRunnerId } from "../../src/domain/ids.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { machineId, runnerId, ticketId } from "../domain/builders.ts";
import { inBackup, parked, retiring, showRestored, ticket } from "./backup-scene.ts";
import { type Agent, Yard } from "./yard.ts";

const RUNNING = { kind: "seen", hasListener: true, workerCount: 1 } as const;

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ jobsPerMachine: 3 });
});
afterEach(() => yard.close());

const row = async (number: number): Promise<Machine> =>
  (await loadMachine(yard.store.db, machineId(number))) ?? never();

/** No host speaks; GitHub is asked again and again. */
async function beSilent(forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 4 * MINUTE_MS) {
    yard.clock.advance(4 * MINUTE_MS);
    await watchHosts(yard.context);
    await yard.pass();
  }
}

/** The job of its first ticket ends, and its host says so until it is ended. */
async function leaveAndGo(agent: Agent): Promise<void> {
  await agent.report({ phase: "leaving", ended: [{ id: ticketId(1), end: { kind: "spent" } }] });
  await yard.pass();
  await agent.report({ phase: "leaving" });
  await yard.pass();
  expect(yard.provider.terminated.map((permit) => [permit.machineId, permit.proof])).toEqual([
    [machineId(1), "parked"],
  ]);
}

it("a ticket whose registration nobody had asked for yet is looked for at GitHub", async () => {
  await inBackup(yard, 1, parked(1), [{ ...ticket(1, "minting"), registration: "none", runnerId: null }]);
  await showRestored(yard);
  expect(await loadTicket(yard.store.db, ticketId(1))).toMatchObject({
    state: { kind: "unknown" },
    registration: "unknown",
  });
});

describe("a ticket from before this start that we void", () => {
  const runner = (number: number) => ({
    id: parseRunnerId(number),
    name: ticket(1, "void").runnerName,
    isOnline: false,
    isBusy: false,
    version: null,
  });

  it("keeps its registration until its host has spoken: the row may be older than the truth", async () => {
    const agent = await inBackup(yard, 1, parked(1), [ticket(1, "void")]);
    yard.github.runners.set(runnerId(1), runner(1));
    yard.clock.advance(MINUTE_MS);
    yard.heardSinceMs = yard.clock.nowMs();
    await sweep(yard.context);
    yard.clock.advance(2 * MINUTE_MS);
    await sweep(yard.context);
    expect(yard.github.deleted).toEqual([]);
    await agent.report({ phase: "preparing" });
    await sweep(yard.context);
    expect(yard.github.deleted).toHaveLength(1);
  });

  it("keeps it while its host says that it holds the ticket", async () => {
    const agent = await inBackup(yard, 1, parked(1), [ticket(1, "void")]);
    yard.github.runners.set(runnerId(1), runner(1));
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    yard.clock.advance(HOUR_MS);
    await sweep(yard.context);
    expect(yard.github.deleted).toEqual([]);
  });

  it.each(["void", "lost"] as const)(
    "is out once its host says that it holds it, also where it is %s",
    async (state) => {
      const agent = await inBackup(yard, 1, parked(1), [ticket(1, state)]);
      await showRestored(yard);
      expect(await row(1)).toMatchObject({ state: { kind: "engaged" } });
      await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
      await yard.pass();
      expect(await listTicketsOfMachine(yard.store.db, machineId(1))).toMatchObject([
        { id: ticketId(1), runnerId: runnerId(1), state: { kind: "running" } },
      ]);
      expect((await row(1)).state).toMatchObject({ kind: "engaged", ticketId: ticketId(1) });
      await leaveAndGo(agent);
    },
  );

  it("is out once its host says that it holds it, where its machine goes already", async () => {
    await showRestored(yard);
    const agent = await inBackup(yard, 1, retiring(1), [ticket(1, "issued")]);
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    await yard.pass();
    expect(await loadTicket(yard.store.db, ticketId(1))).toMatchObject({ state: { kind: "running" } });
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect([yard.provider.terminated, yard.github.deleted]).toEqual([[], []]);
    await leaveAndGo(agent);
  });

  it("is looked for at GitHub by its name, though its row says that nobody asked for its registration", async () => {
    const agent = await inBackup(yard, 1, parked(1), [{ ...ticket(1, "void"), registration: "none", runnerId: null }]);
    yard.github.runners.set(runnerId(1), { ...runner(1), isOnline: true, isBusy: true, version: "2.336.0" });
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    await yard.pass();
    await beSilent(8 * HOUR_MS);
    expect(yard.provider.terminated).toEqual([]);
  });

  it.each([
    ["parked", "present"],
    ["retiring", "present"],
    ["parked", "none"],
  ] as const)("is looked for where its host is silent: %s, registration %s", async (kind, registration) => {
    const voided = { ...ticket(1, "void"), registration, runnerId: registration === "none" ? null : runnerId(1) };
    await inBackup(yard, 1, kind === "parked" ? parked(1) : retiring(1), [voided]);
    yard.github.runners.set(runnerId(1), { ...runner(1), isOnline: true, isBusy: true, version: "2.336.0" });
    await showRestored(yard);
    await beSilent(8 * HOUR_MS);
    expect(yard.provider.terminated.filter((permit) => permit.machineId === machineId(1))).toEqual([]);
    expect(yard.github.deleted).toEqual([]);
  });

  it("is nobody's where its registration is gone", async () => {
    await inBackup(yard, 1, parked(1), [{ ...ticket(1, "void"), registration: "gone" }]);
    await showRestored(yard);
    expect((await loadTicket(yard.store.db, ticketId(1)))?.state.kind).toBe("void");
  });

  it("stays over once it was spent, whatever its host says that it holds", async () => {
    const agent = await inBackup(yard, 1, parked(1), [ticket(1, "spent")]);
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    await yard.pass();
    const kinds = (await listTicketsOfMachine(yard.store.db, machineId(1))).map(({ state }) => state.kind);
    expect(kinds.sort()).toEqual(["spent", "unknown"]);
    expect(yard.provider.terminated).toEqual([]);
  });

  it("loses it past the deadline of a lost host, over heard time", async () => {
    await inBackup(yard, 1, parked(1), [ticket(1, "void")]);
    yard.github.runners.set(runnerId(1), runner(1));
    yard.clock.advance(MINUTE_MS);
    yard.heardSinceMs = yard.clock.nowMs();
    yard.clock.advance(20 * MINUTE_MS - 1);
    await sweep(yard.context);
    expect(yard.github.deleted).toEqual([]);
    yard.clock.advance(1);
    await sweep(yard.context);
    expect(yard.github.deleted).toHaveLength(1);
  });
});

function never(): never {
  throw new Error("missing");
}
