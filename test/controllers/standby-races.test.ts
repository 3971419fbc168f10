/** What changes between a look and what is done by it: the row decides, as it is right before. */
import { sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeStart } from "../../src/controllers/assign/write-start.ts";
import { assign } from "../../src/controllers/assign.ts";
import { standBy } from "../../src/controllers/execute/standby.ts";
import { retire } from "../../src/controllers/retire.ts";
import type { MachineId } from "../../src/domain/ids.ts";
import { SURPLUS_GRACE_MS } from "../../src/domain/lifecycle.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertTicket } from "../../src/store/tickets/save.ts";
import { ticket } from "../domain/builders.ts";
import { type Agent, Yard } from "./yard.ts";

let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open({ warmStoppedCount: 1, machineCountMax: 1 });
  Object.assign(yard.context, {
    abilities: { orders: null, consoles: null, hints: null, standby: yard.provider.standby },
  });
});

afterEach(() => yard.close());

async function surplus(): Promise<Agent> {
  await yard.pass();
  const agent = yard.agent((await yard.onlyMachine()).id);
  await agent.checkIn();
  await agent.report();
  await yard.pass();
  yard.clock.advance(SURPLUS_GRACE_MS);
  await agent.report();
  return agent;
}

async function stopped(): Promise<MachineId> {
  const agent = await surplus();
  await yard.pass();
  await agent.report();
  await yard.pass();
  expect((await yard.onlyMachine()).state.kind).toBe("stopped");
  return agent.machineId;
}

/** The write is sent off where the ability is looked for: after the look at the row, before what is read right before the call. */
function atTheCall(write: () => Promise<unknown>): void {
  const { standby } = yard.provider;
  Object.assign(yard.context, {
    abilities: {
      get standby() {
        void write();
        return standby;
      },
    },
  });
}

it("a ticket that is written between the decision and the compare-and-set keeps its machine", async () => {
  const { machineId } = await surplus();
  const { toStop } = yard.context.memory.standby;
  expect(toStop.has(machineId)).toBe(true);
  const late = ticket({ machineId, pool: yard.context.pool.name, state: "minting" });
  const has = (id: MachineId) => {
    void insertTicket(yard.store.db, late);
    return id === machineId;
  };
  Object.assign(yard.context.memory.standby, { toStop: { has } });
  await retire(yard.context);
  expect((await yard.onlyMachine()).state.kind).toBe("parked");
});

it("a machine of which something was heard between the look and the call is not stopped by that look", async () => {
  const agent = await surplus();
  await yard.pass();
  await agent.report();
  atTheCall(() => yard.store.db.updateTable("machines").set({ version: sql<number>`version + 1` }).execute());
  await standBy(yard.context);
  expect(yard.provider.standby.stopped).toEqual([]);
});

it("a machine that is not to be started any more right before the call is not started", async () => {
  await stopped();
  await yard.queue();
  await assign(yard.context);
  expect((await yard.onlyMachine()).state).toMatchObject({ kind: "stopped", isStarting: true });
  atTheCall(() => yard.store.db.updateTable("machines").set({ stage: null }).execute());
  await standBy(yard.context);
  expect(yard.provider.standby.started).toEqual([]);
});

it("an answer to a start changes no row that has moved on meanwhile", async () => {
  const id = await stopped();
  await yard.queue();
  await assign(yard.context);
  const { standby } = yard.provider;
  const start = standby.start.bind(standby);
  standby.start = async (providerId) => {
    await start(providerId);
    await yard.store.db.updateTable("machines").set({ stage: null, version: sql<number>`version + 1` }).execute();
  };
  await standBy(yard.context);
  expect(standby.started).toEqual([id]);
  expect((await yard.onlyMachine()).state).toMatchObject({ kind: "stopped", isStarting: false });
});

it("a machine that somebody held since the plan is not started", async () => {
  const id = await stopped();
  const hold = JSON.stringify({ operator: "alice", reason: "a look", atMs: 1 });
  await yard.store.db.updateTable("machines").set({ hold }).execute();
  await writeStart(yard.store.db, id, yard.clock.nowMs());
  expect((await yard.onlyMachine()).state).toMatchObject({ isStarting: false });
});

it("none is started before the provider's machines were listed once: some may be there that no row counts", async () => {
  await stopped();
  yard.context.memory.isFleetListed = false;
  await yard.queue();
  await assign(yard.context);
  expect((await yard.onlyMachine()).state).toMatchObject({ isStarting: false });
});

it("a listing that is older than the stop says nothing of a start", async () => {
  const id = await stopped();
  yard.clock.advance(MINUTE_MS);
  const row = yard.provider.machines.get(id);
  if (row !== undefined) row.state = "running";
  const [old] = await yard.provider.list([id]);
  if (old === undefined) throw new Error("not listed");
  const { state } = await yard.onlyMachine();
  yard.context.memory.observed.set(id, { ...old, observedAtMs: state.sinceMs });
  await standBy(yard.context);
  expect((await yard.onlyMachine()).state).toMatchObject({ kind: "stopped", isStarting: false });
});
