/** A store that was restored from a backup: by which signs it is known, and what becomes of each kind of row. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { observe } from "../../src/controllers/observe.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { parseRunnerId } from "../../src/domain/ids.ts";
import type { Machine, MachineState, RetiringStage } from "../../src/domain/machine.ts";
import { runnerNameOf } from "../../src/domain/runner-name.ts";
import type { Ticket } from "../../src/domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { advanceGeneration, readStanding } from "../../src/store/facts.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { machineId, machine as machineOf, ticketId } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { engaged, inBackup, parked, providerOf, provisioning, retiring, showRestored, ticket } from "./backup-scene.ts";
import { Yard } from "./yard.ts";

const RUNNING = { kind: "seen", hasListener: true, workerCount: 1 } as const;
const COUNTED = "holdfast_stores_restored_total";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ jobsPerMachine: 3 });
});
afterEach(() => yard.close());

const row = async (number: number): Promise<Machine> =>
  (await loadMachine(yard.store.db, machineId(number))) ?? never();
const generation = async () => (await readStanding(yard.store.db, machineId(90))).generation;
const restoredCount = () => yard.telemetry.counts.filter((count) => count === COUNTED).length;

describe("a store is known to be a backup", () => {
  it("by an agent that has seen a later one, whose generation it then passes", async () => {
    await inBackup(yard, 1, parked(1));
    expect(await showRestored(yard)).toMatchObject({ storeGeneration: 41 });
    expect(restoredCount()).toBe(1);
    expect(await generation()).toBe(41);
    expect(await row(1)).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
    const witness = yard.agent(machineId(90));
    witness.token = yard.tokens.issue({ machineId: witness.machineId, providerId: providerOf(90) });
    witness.sequence = 20;
    expect(await witness.report({ phase: "preparing" })).toMatchObject({ storeGeneration: 41, isRetiring: true });
  });

  it("by a host that holds a ticket which the store does not know", async () => {
    const agent = await inBackup(yard, 1, parked(1));
    await inBackup(yard, 2, parked(2));
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    await yard.pass();
    expect(restoredCount()).toBe(1);
    expect(await row(2)).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
    expect(await row(1)).toMatchObject({ state: { kind: "engaged", ticketId: ticketId(1) } });
    expect(await loadTicket(yard.store.db, ticketId(1))).toMatchObject({ state: { kind: "running" } });
  });

  it.each(["minting", "issued", "void"] as const)("by a host that holds a ticket which is %s there", async (state) => {
    const agent = await inBackup(yard, 1, parked(1), [ticket(1, state)]);
    yard.heardSinceMs = yard.clock.nowMs();
    await agent.report({ phase: "engaged", ticket: { id: ticketId(1), step: "running" }, sighting: RUNNING });
    await yard.pass();
    expect(restoredCount()).toBe(1);
    expect(await row(1)).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect([yard.provider.terminated, yard.github.deleted]).toEqual([[], []]);
  });

  it("by a machine of a launch that the store does not know", async () => {
    await inBackup(yard, 1, parked(1));
    const id = machineId(9);
    await yard.provider.launch({
      launchId: sampleLaunch(9).id,
      pool: yard.context.pool.name,
      settingsHash: "",
      machines: [{ machineId: id, identitySecret: "" }],
    });
    await observe(yard.context);
    expect(restoredCount()).toBe(1);
    expect([(await row(9)).origin, (await row(1)).origin]).toEqual(["adopted", "restored"]);
  });

  it("not by a machine whose row alone was lost", async () => {
    await inBackup(yard, 1, parked(1));
    await insertLaunch(yard.store.db, sampleLaunch(9, { state: "done" }));
    await yard.provider.launch({
      launchId: sampleLaunch(9).id,
      pool: yard.context.pool.name,
      settingsHash: "",
      machines: [{ machineId: machineId(9), identitySecret: "" }],
    });
    await observe(yard.context);
    expect([restoredCount(), (await row(1)).origin]).toEqual([0, "launched"]);
  });

  it("once for each opening: nobody can make it so again and again", async () => {
    await showRestored(yard);
    await inBackup(yard, 1, parked(1));
    const witness = yard.agent(machineId(90));
    witness.token = yard.tokens.issue({ machineId: witness.machineId, providerId: providerOf(90) });
    witness.sequence = 20;
    witness.storeGeneration = 1_000;
    await witness.report({ phase: "preparing" });
    expect([restoredCount(), (await row(1)).origin, await generation()]).toEqual([1, "launched", 1_001]);
  });

  it("by one step of the generation, though opening the backup was a step as well", async () => {
    const atBackup = await generation();
    await advanceGeneration(yard.store.db);
    expect(await generation()).toBeGreaterThan(atBackup + 1);
  });

  it("and not by a generation that it has told itself", async () => {
    const agent = await inBackup(yard, 1, parked(1));
    await advanceGeneration(yard.store.db);
    agent.storeGeneration = 3;
    await agent.report({ phase: "preparing" });
    expect(restoredCount()).toBe(0);
  });
});

const inStage = (stage: RetiringStage) => ({ ...retiring(1), stage }) as MachineState;

type Row = readonly [name: string, state: MachineState, tickets: readonly Ticket[], after: string[]];

describe("a row of the backup", () => {
  it.each<Row>([
    ["provisioning", provisioning(1), [], ["unknown"]],
    ["parked", parked(1), [], ["unknown"]],
    ["parked, with a ticket being minted", parked(1), [ticket(1, "minting")], ["unknown"]],
    ["parked, with a ticket issued", parked(1), [ticket(1, "issued")], ["unknown"]],
    ["engaged, its ticket delivered", engaged(1), [ticket(1, "delivered")], ["unknown"]],
    ["engaged, its ticket online", engaged(1), [ticket(1, "online")], ["unknown"]],
    ["engaged, its ticket running", engaged(1), [ticket(1, "running")], ["unknown"]],
    ["engaged, asked to hand back", engaged(1), [ticket(1, "handing-back")], ["unknown"]],
    ["parked after a job", parked(1), [ticket(1, "spent")], ["spent", "unknown"]],
    ["retiring, not yet proven idle", retiring(1), [ticket(1, "spent")], ["spent", "unknown"]],
    ["retiring, past its proof", inStage("deregistering"), [ticket(1, "spent")], ["spent", "unknown"]],
    ["retiring, to be ended", inStage("terminating"), [ticket(1, "spent")], ["spent", "unknown"]],
    ["retiring, its end asked for", inStage("confirming"), [ticket(1, "spent")], ["spent", "unknown"]],
  ])("%s", async (_name, state, tickets, after) => {
    await inBackup(yard, 1, state, tickets);
    await showRestored(yard);
    expect(restoredCount()).toBe(1);
    const machine = await row(1);
    expect([machine.state.kind, machine.origin]).toEqual(["engaged", "restored"]);
    const kinds = (await listTicketsOfMachine(yard.store.db, machine.id)).map((one) => one.state.kind);
    expect(kinds.sort()).toEqual(after);
    yard.clock.advance(10 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated.filter((permit) => permit.machineId === machine.id)).toEqual([]);
  });

  it("planned: presumed busy as soon as its launch is answered", async () => {
    const id = machineId(1);
    await insertLaunch(yard.store.db, sampleLaunch(1, { machineIds: [id], nextAttemptAtMs: 0 }));
    await insertMachine(
      yard.store.db,
      machineOf({ id, launchId: sampleLaunch(1).id, state: { kind: "planned", sinceMs: 0 } }),
    );
    await showRestored(yard);
    expect(await row(1)).toMatchObject({ origin: "restored", state: { kind: "planned" } });
    await launchMachines(yard.context);
    expect(await row(1)).toMatchObject({ origin: "restored", state: { kind: "engaged" } });
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(yard.provider.terminated.filter((permit) => permit.machineId === id)).toEqual([]);
  });

  it("planned: its launch is not repeated before the fleet was looked at, and tells then that it may have ended", async () => {
    const id = machineId(1);
    await insertLaunch(yard.store.db, sampleLaunch(1, { machineIds: [id], nextAttemptAtMs: 0 }));
    const state = { kind: "planned", sinceMs: 0 } as const;
    await insertMachine(yard.store.db, machineOf({ id, launchId: sampleLaunch(1).id, state }));
    yard.context.memory.isFleetListed = false;
    await launchMachines(yard.context);
    expect(yard.provider.launches).toEqual([]);
    await showRestored(yard);
    await observe(yard.context);
    await launchMachines(yard.context);
    expect(yard.provider.launches).toMatchObject([{ machines: [{ machineId: id, mayHaveEnded: true }] }]);
  });

  it("whose ticket ended meanwhile, and which holds a later one", async () => {
    const agent = await inBackup(yard, 1, engaged(1), [ticket(1, "delivered")]);
    await showRestored(yard);
    const later = { id: ticketId(11), step: "running" } as const;
    expect(await agent.report({ phase: "engaged", ticket: later, sighting: RUNNING })).toMatchObject({
      ticketOut: ticketId(1),
    });
    await yard.pass();
    expect((await loadTicket(yard.store.db, ticketId(1)))?.state.kind).toBe("unknown");
    const ended = [{ id: ticketId(1), end: { kind: "spent" } as const }];
    await agent.report({ phase: "engaged", ticket: later, sighting: RUNNING, ended });
    await yard.pass();
    expect(await loadTicket(yard.store.db, ticketId(11))).toMatchObject({ state: { kind: "running" } });
    expect((await row(1)).state).toMatchObject({ kind: "engaged", ticketId: ticketId(11) });
    await agent.report({ phase: "leaving", ended: [...ended, { id: ticketId(11), end: { kind: "spent" } }] });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => [permit.machineId, permit.proof])).toEqual([
      [machineId(1), "parked"],
    ]);
  });

  it("whose ticket ended meanwhile, and which falls silent with a later one: GitHub is asked about that one", async () => {
    const agent = await inBackup(yard, 1, engaged(1), [ticket(1, "running")]);
    const later = { id: ticketId(11), step: "running" } as const;
    const ended = [{ id: ticketId(1), end: { kind: "spent" } as const }];
    const name = runnerNameOf(yard.context.controllerId, later.id.slice("t-".length));
    const runner = { id: parseRunnerId(11), name, isOnline: true, isBusy: true, version: "2.336.0" };
    yard.github.runners.set(runner.id, runner);
    await agent.report({ phase: "engaged", ticket: later, sighting: RUNNING, ended });
    // One names the end of the first; the next the ticket that is held.
    await yard.pass();
    await yard.pass();
    expect(await loadTicket(yard.store.db, later.id)).toMatchObject({ registration: "unknown" });
    for (let hour = 0; hour < 2 * 8; hour += 1) {
      yard.clock.advance(HOUR_MS / 2);
      await watchHosts(yard.context);
      await yard.pass();
    }
    expect(yard.provider.terminated).toEqual([]);
  });

  it("that begins to retire before the sign, by what the backup says: a job may have come between", async () => {
    await inBackup(yard, 1, retiring(1), [ticket(1, "void")]);
    await showRestored(yard);
    for (let minute = 0; minute < 60; minute += 1) {
      yard.clock.advance(MINUTE_MS);
      await watchHosts(yard.context);
      await yard.pass();
    }
    expect(yard.provider.terminated.filter(({ machineId: id }) => id === machineId(1))).toEqual([]);
  });

  it("that begins to retire before the sign, and goes once its host has said that nothing is out", async () => {
    const agent = await inBackup(yard, 1, retiring(1));
    await showRestored(yard);
    expect(await agent.report({ phase: "leaving" })).toMatchObject({ isRetiring: true });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => [permit.machineId, permit.proof])).toEqual([
      [machineId(1), "parked"],
    ]);
  });

  it("whose host never took the ticket that was issued: refused, and the machine goes", async () => {
    const agent = await inBackup(yard, 1, parked(1), [ticket(1, "issued")]);
    await showRestored(yard);
    expect(await agent.report({ phase: "leaving" })).toMatchObject({ ticketOut: ticketId(1), isRetiring: true });
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    const ended = [{ id: ticketId(1), end: { kind: "barren", reason: "refused" } as const }];
    await agent.report({ phase: "leaving", ended });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map((permit) => permit.machineId)).toEqual([machineId(1)]);
  });
});

function never(): never {
  throw new Error("missing");
}
