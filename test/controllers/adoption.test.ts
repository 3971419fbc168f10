/** "Found and done": a machine of ours without a row, and what its host says of its tickets. */
import { afterEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { type MachineId, parseLaunchId, parseProviderId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { HostReport } from "../../src/domain/protocol.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { findMachineByProviderId, loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { loadTicket } from "../../src/store/tickets/load.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import {
  machineId,
  machine as machineOf,
  poolName,
  runnerId,
  ticketId,
  ticket as ticketOf,
} from "../domain/builders.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

const RUNNING = { kind: "seen", hasListener: true, workerCount: 1 } as const;

let yard: Yard;
async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
}
afterEach(() => yard.close());

async function deleteRows(id: MachineId): Promise<void> {
  for (const table of ["tickets", "machine_logs", "check_ins"] as const)
    await yard.store.db.deleteFrom(table).where("machine_id", "=", id).execute();
  await yard.store.db.deleteFrom("machines").where("id", "=", id).execute();
}

/** An agent with a ticket, whose machine's rows are deleted. */
async function orphan(): Promise<{ readonly agent: Agent; readonly held: HostReport["ticket"] & {} }> {
  const { agent, ticketId: id } = await yard.withTicket();
  await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "in_progress" });
  await deleteRows(agent.machineId);
  return { agent, held: { id, step: "running" } };
}

const row = (id: MachineId) => loadMachine(yard.store.db, id);
const endings = () => yard.provider.terminated.map(({ proof }) => proof);
const COUNTED = "holdfast_strays_adopted_total pool=linux";

describe("a machine of ours without a row", () => {
  it("is adopted as engaged with an unknown ticket, counted, and told", async () => {
    await open();
    const { agent } = await orphan();
    await yard.pass();
    expect(await row(agent.machineId)).toMatchObject({
      origin: "adopted",
      state: { kind: "engaged" },
      retireWhenSpent: "adopted",
    });
    expect(await yard.onlyTicket()).toMatchObject({ state: { kind: "unknown" }, registration: "none", runnerId: null });
    expect(yard.telemetry.counts.filter((count) => count === COUNTED)).toHaveLength(1);
  });

  it("lets its live agent go on without a row, and takes its word as soon as it has one", async () => {
    await open();
    const { agent, held } = await orphan();
    expect(await agent.report({ phase: "engaged", ticket: held, sighting: RUNNING })).toMatchObject({
      isRetiring: true,
      ticketOut: null,
    });
    await observe(yard.context);
    expect((await agent.post("report", { sequence: 99, storeGeneration: 1, report: PARKED })).status).toBe(401);
    await agent.checkIn();
    await agent.report({ phase: "engaged", ticket: held, sighting: RUNNING });
    await yard.pass();
    expect(await yard.onlyTicket()).toMatchObject({
      id: held.id,
      state: { kind: "running" },
      runnerName: `hf-yard-${held.id.slice(2)}`,
      registration: "unknown",
    });
    expect((await row(agent.machineId))?.state).toMatchObject({ kind: "engaged", ticketId: held.id });
  });

  it("is adopted once its agent has spoken, though no listing shows it: somebody took off what marks it as ours", async () => {
    await open();
    const { agent } = await orphan();
    yard.provider.unlisted.add(agent.machineId);
    yard.provider.remarks.set(agent.machineId, { machineId: null, launchId: null, pool: null });
    await observe(yard.context);
    const found = () => findMachineByProviderId(yard.store.db, parseProviderId(agent.machineId));
    await agent.report({ phase: "parked" });
    await observe(yard.context);
    expect(await found()).toBeNull();
    yard.clock.advance(MINUTE_MS);
    await observe(yard.context);
    expect(await found()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
  });

  it("is asked for no more where its agent fell silent, or is another pool's by its marks", async () => {
    await open();
    const { agent } = await orphan();
    yard.provider.unlisted.add(agent.machineId);
    yard.provider.remarks.set(agent.machineId, { pool: poolName("other") });
    await agent.report({ phase: "parked" });
    await observe(yard.context);
    yard.clock.advance(5 * MINUTE_MS);
    await observe(yard.context);
    expect(await row(agent.machineId)).toBeNull();
    yard.provider.remarks.delete(agent.machineId);
    yard.clock.advance(1);
    await observe(yard.context);
    expect(await row(agent.machineId)).toBeNull();
  });

  it("runs its job to the end, goes by its agent's word, and its registration goes after it", async () => {
    await open();
    const { agent, held } = await orphan();
    await observe(yard.context);
    await agent.checkIn();
    await agent.report({ phase: "engaged", ticket: held, sighting: RUNNING });
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect(endings()).toEqual([]);
    await agent.report({ phase: "leaving", ended: [{ id: held.id, end: { kind: "barren", reason: "exit code 1" } }] });
    await yard.pass();
    expect((await row(agent.machineId))?.state).toMatchObject({ kind: "retiring", reason: "adopted" });
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(endings()).toEqual(["parked"]);
    expect([yard.github.runners.size, (await loadTicket(yard.store.db, held.id))?.registration]).toEqual([0, "gone"]);
  });

  it("keeps its unknown ticket until its host has heard that it gets no more, so that none is on its way", async () => {
    await open();
    const { agent } = await orphan();
    await observe(yard.context);
    await agent.checkIn();
    expect(await agent.report({ phase: "parked" })).toMatchObject({ isRetiring: true, ticketOut: null });
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("unknown");
    await agent.report({ phase: "leaving", sighting: { ...NOTHING_SEEN, hasListener: true } });
    await yard.pass();
    await agent.report({ phase: "leaving", sighting: { kind: "unknown", why: "hidepid" } });
    await yard.pass();
    expect((await yard.onlyTicket()).state.kind).toBe("unknown");
    await agent.report({ phase: "leaving" });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(endings()).toEqual(["parked"]);
  });

  it("stays while its agent stays silent, whatever deadline passes", async () => {
    await open({ warmParkedCount: 1, machineCountMax: 1, deadlines: { ...LONG, bootMs: MINUTE_MS } });
    await yard.pass();
    const { id } = await yard.onlyMachine();
    await deleteRows(id);
    await observe(yard.context);
    yard.clock.advance(HOUR_MS);
    await yard.pass();
    expect([endings(), (await row(id))?.state.kind]).toEqual([[], "engaged"]);
  });

  it("that is dead goes at once", async () => {
    await open();
    const { agent } = await orphan();
    for (const machine of yard.provider.machines.values()) machine.state = "dead";
    await yard.pass();
    expect(endings()).toEqual(["provider-dead"]);
    expect((await row(agent.machineId))?.state.kind).toBe("gone");
  });

  it("that got its row while the provider was listed is none", async () => {
    await open();
    const list = yard.provider.list.bind(yard.provider);
    const id = machineId(5);
    yard.provider.machines.set(id, { state: "running", machineId: id });
    const state = { kind: "provisioning", providerId: parseProviderId(id), sinceMs: yard.clock.nowMs() } as const;
    yard.provider.list = async (which) => {
      const listing = await list(which);
      if ((await row(id)) === null) await insertMachine(yard.store.db, machineOf({ id, state }));
      return listing;
    };
    await observe(yard.context);
    expect((await row(id))?.origin).toBe("launched");
    expect(yard.telemetry.counts).not.toContain(COUNTED);
  });

  it("is not adopted by a pool that only observes", async () => {
    await open();
    const { agent } = await orphan();
    await observe({ ...yard.context, pool: { ...yard.context.pool, mode: "observe" } });
    expect(await row(agent.machineId)).toBeNull();
  });

  it("that was called gone and is there after all is ours again, once a listing is younger than that", async () => {
    await open();
    const id = machineId(5);
    const gone = {
      kind: "gone",
      providerId: parseProviderId(id),
      reason: "surplus",
      sinceMs: yard.clock.nowMs(),
    } as const;
    await insertMachine(yard.store.db, machineOf({ id, state: gone }));
    yard.provider.machines.set(id, { state: "running", machineId: id });
    await observe(yard.context);
    expect((await row(id))?.state.kind).toBe("gone");
    yard.clock.advance(2 * MINUTE_MS);
    await observe(yard.context);
    expect(await row(id)).toMatchObject({ state: { kind: "engaged" }, origin: "adopted" });
  });

  it("that was called gone before the clock was set back is ours again at once: nobody knows how long ago that was", async () => {
    await open();
    const id = machineId(5);
    const sinceMs = yard.clock.nowMs() + HOUR_MS;
    const gone = { kind: "gone", providerId: parseProviderId(id), reason: "surplus", sinceMs } as const;
    await insertMachine(yard.store.db, machineOf({ id, state: gone }));
    yard.provider.machines.set(id, { state: "running", machineId: id });
    await observe(yard.context);
    expect(await row(id)).toMatchObject({ state: { kind: "engaged" }, origin: "adopted" });
  });

  it("whose planned row is there is bound to it where its launch is not repeated any more", async () => {
    await open();
    const id = machineId(5);
    await insertMachine(yard.store.db, machineOf({ id, state: "planned", launchId: parseLaunchId("l-99999999") }));
    yard.provider.machines.set(id, { state: "running", machineId: id });
    await observe(yard.context);
    expect(await row(id)).toMatchObject({ state: { kind: "provisioning" }, origin: "launched" });
    expect(yard.telemetry.counts).not.toContain(COUNTED);
  });
});

describe("a registration that only its host's word leads to", () => {
  it("is not deleted while GitHub sees its runner online: the host may name another's", async () => {
    await open();
    const { agent, held } = await orphan();
    const [[number, runner] = [runnerId(), null]] = yard.github.runners;
    if (runner === null) throw new Error("it is registered");
    yard.github.runners.set(number, { ...runner, isOnline: true });
    await observe(yard.context);
    await agent.checkIn();
    await agent.report({ phase: "leaving", ended: [{ id: held.id, end: { kind: "handed-back" } }] });
    await yard.pass();
    expect(yard.github.deleted).toEqual([]);
    yard.github.runners.set(number, runner);
    await yard.pass();
    expect(yard.github.deleted.map((permit) => permit.ticketId)).toEqual([held.id]);
  });
});

describe("a ticket that is another machine's", () => {
  it("is not given to the host that names it, which is quarantined", async () => {
    await open();
    const { agent } = await orphan();
    await observe(yard.context);
    await agent.checkIn();
    const another = machineOf({ id: machineId(7), state: "engaged" });
    await insertMachine(yard.store.db, another);
    await insertTicket(yard.store.db, ticketOf({ id: ticketId(7), machineId: another.id, state: "delivered" }));
    await agent.report({ phase: "engaged", ticket: { id: ticketId(7), step: "running" }, sighting: RUNNING });
    await yard.pass();
    expect(await loadTicket(yard.store.db, ticketId(7))).toMatchObject({ machineId: another.id });
    expect((await listTicketsOfMachine(yard.store.db, agent.machineId)).map(({ state }) => state.kind)).toEqual([
      "unknown",
    ]);
    expect((await row(agent.machineId))?.retireWhenSpent).toBe("quarantined");
    expect(yard.telemetry.counts).toContain("holdfast_machines_quarantined_total pool=linux");
  });
});

const PARKED = { phase: "parked", ticket: null, ended: [], sighting: NOTHING_SEEN };
const LONG = {
  bootMs: HOUR_MS,
  onlineMs: HOUR_MS,
  idleTicketMs: HOUR_MS,
  lostHostMs: 20 * HOUR_MS,
  unknownMs: 100 * HOUR_MS,
};

function never(): never {
  throw new Error("missing");
}
