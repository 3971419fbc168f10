/** The last words of a host whose machine is gone: they are looked at late, and may be a sign of a backup all the same. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { attend } from "../../src/controllers/attend.ts";
import { observe } from "../../src/controllers/observe.ts";
import { retire } from "../../src/controllers/retire.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { parseRunnerId } from "../../src/domain/ids.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import { runnerNameOf } from "../../src/domain/runner-name.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { machineId, ticketId } from "../domain/builders.ts";
import { inBackup, parked, providerOf, ticket } from "./backup-scene.ts";
import { Yard } from "./yard.ts";

const RUNNING = { kind: "seen", hasListener: true, workerCount: 1 } as const;
const HOLDS = { phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING } as const;
const ENDED = { phase: "preparing", ended: [{ id: ticketId(1), end: { kind: "spent" } }] } as const;
const COUNTED = "holdfast_stores_restored_total";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ jobsPerMachine: 3 });
});
afterEach(() => yard.close());

const restoredCount = () => yard.telemetry.counts.filter((count) => count === COUNTED).length;
const originOf = async (number: number) => (await loadMachine(yard.store.db, machineId(number)))?.origin;

/** Its provider no longer has it; its row closes before its report is looked at. */
async function goBeforeHeard(id = machineId(1)): Promise<void> {
  yard.provider.machines.delete(id);
  await observe(yard.context);
  await retire(yard.context);
  await retire(yard.context);
  expect((await loadMachine(yard.store.db, id))?.state.kind).toBe("gone");
  await attend(yard.context);
}

/** A row of a backup, whose machine dies with its last words unread; the second of the same store lives on. */
async function dieSaying(words: Partial<HostReport>, tickets: readonly Ticket[] = []): Promise<void> {
  const agent = await inBackup(yard, 1, parked(1), tickets);
  await inBackup(yard, 2, parked(2));
  await agent.report(words);
  await goBeforeHeard();
}

async function beSilent(forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 4 * MINUTE_MS) {
    yard.clock.advance(4 * MINUTE_MS);
    await watchHosts(yard.context);
    await yard.pass();
  }
}

it("are of the ticket that was lost with it, and no sign of a backup", async () => {
  const { agent, ticketId: held } = await yard.withTicket();
  await agent.report({ ...HOLDS, ticket: { id: held, step: "online" } });
  await yard.pass();
  await agent.report({ ...HOLDS, ticket: { id: held, step: "running" } });
  await goBeforeHeard(agent.machineId);
  expect((await loadTicket(yard.store.db, held))?.state.kind).toBe("lost");
  expect(restoredCount()).toBe(0);
  for (let minute = 0; minute < 10; minute += 1) {
    yard.clock.advance(MINUTE_MS);
    await yard.pass();
  }
  expect(await loadTicket(yard.store.db, held)).toMatchObject({ state: { kind: "lost" }, registration: "gone" });
});

it.each([
  ["holds a ticket that the store does not know", HOLDS, [], "lost"],
  ["ended a ticket that the store does not know", ENDED, [], "spent"],
  ["holds a ticket that by the store never left us", HOLDS, [ticket(1, "void")], "void"],
] as const)("are a sign where it %s", async (_name, words, tickets, after) => {
  await dieSaying(words, tickets);
  expect([restoredCount(), await originOf(2)]).toEqual([1, "restored"]);
  expect((await loadTicket(yard.store.db, ticketId(1)))?.state.kind).toBe(after);
  await beSilent(HOUR_MS);
  expect(yard.provider.terminated).toEqual([]);
});

it("are none where its row was adopted", async () => {
  const agent = await inBackup(yard, 1, parked(1));
  const row = await loadMachine(yard.store.db, machineId(1));
  if (row === null) throw new Error("the row was just written");
  await saveMachine(yard.store.db, { ...row, origin: "adopted", version: row.version + 1 }, row.version);
  await inBackup(yard, 2, parked(2));
  await agent.report(HOLDS);
  await goBeforeHeard();
  expect([restoredCount(), await originOf(2)]).toEqual([0, "launched"]);
});

it("name what it holds once it is found again: GitHub is asked about that ticket while its host is silent", async () => {
  const name = runnerNameOf(yard.context.controllerId, ticketId(1).slice("t-".length));
  const runner = { id: parseRunnerId(1), name, isOnline: true, isBusy: true, version: "2.336.0" };
  yard.github.runners.set(runner.id, runner);
  await dieSaying(HOLDS);
  yard.provider.machines.set(providerOf(1), { state: "running", machineId: machineId(1) });
  yard.clock.advance(2 * MINUTE_MS);
  await yard.pass();
  expect(await listTicketsOfMachine(yard.store.db, machineId(1))).toMatchObject([
    { id: ticketId(1), state: { kind: "unknown" }, registration: "unknown" },
  ]);
  await beSilent(8 * HOUR_MS);
  // The other's host has said nothing either, and no runner of it is known.
  expect(yard.provider.terminated.map((permit) => permit.machineId)).toEqual([machineId(2)]);
  expect(yard.github.deleted).toEqual([]);
});
