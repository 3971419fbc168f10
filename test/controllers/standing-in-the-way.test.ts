/** One machine that is of no use, held by an operator or broken, holds up neither jobs nor the way of any other machine. */
import { afterEach, describe, expect, it } from "vitest";
import type { MachineId } from "../../src/domain/ids.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { listLiveTicketsOfPool } from "../../src/store/tickets/list.ts";
import { type Agent, Yard } from "./yard.ts";

const LISTENER = { kind: "seen", hasListener: true, workerCount: 0 } as const;
const MARK = { operator: "alice", reason: "looking", atMs: 1 };

let yard: Yard;
afterEach(() => yard.close());

async function open(pool: Partial<PoolPolicy>): Promise<void> {
  yard = await Yard.open({ machineCountMax: 8, ...pool });
}

const live = () => listLiveTicketsOfPool(yard.store.db, yard.context.pool.name);
const stateOf = async (id: MachineId) => (await loadMachine(yard.store.db, id))?.state.kind;

async function hold(id: MachineId): Promise<void> {
  const row = await loadMachine(yard.store.db, id);
  if (row === null) throw new Error(`no machine ${id}`);
  await saveMachine(yard.store.db, { ...row, hold: MARK, version: row.version + 1 }, row.version);
}

/** Every machine that starts checks in and is parked. */
async function boot(): Promise<readonly Agent[]> {
  const agents: Agent[] = [];
  for (const { id, state } of await yard.machines()) {
    if (state.kind !== "provisioning") continue;
    const agent = yard.agent(id);
    await agent.checkIn();
    await agent.report();
    agents.push(agent);
  }
  await yard.pass();
  return agents;
}

describe("a held machine", () => {
  it("that nobody was heard from does not keep the next launch from being tried", async () => {
    await open({ warmParkedCount: 5 });
    await yard.pass();
    const [first] = await yard.machines();
    if (first === undefined) throw new Error("no machine");
    await hold(first.id);
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    // The five of the first launch, without the held one, and those of the second.
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    expect(yard.context.memory.stops.launches).not.toBe("none");
    const launchCount = yard.provider.launches.length;
    yard.clock.advance(15 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.launches.length).toBeGreaterThan(launchCount);
  });

  it("whose runner is late does not keep other late runners from being asked for, while a job waits", async () => {
    await open({});
    await yard.queue(1);
    await yard.queue(2);
    await yard.pass();
    const agents = await boot();
    for (const agent of agents) await agent.poll();
    await yard.pass();
    const [oldest, other] = await live();
    if (oldest === undefined || other === undefined) throw new Error("two tickets are out");
    await hold(oldest.machineId);
    yard.clock.advance(3 * MINUTE_MS);
    for (const agent of agents) await agent.report({ phase: "engaged", sighting: LISTENER });
    await yard.pass();
    const states = new Map((await live()).map(({ id, state }) => [id, state.kind]));
    expect([states.get(oldest.id), states.get(other.id)]).toEqual(["delivered", "handing-back"]);
  });
});

describe("a machine for many jobs", () => {
  it("whose runner ended without one gets no further ticket, and goes", async () => {
    await open({ jobsPerMachine: 100, warmParkedCount: 1 });
    await yard.pass();
    const [agent] = await boot();
    if (agent === undefined) throw new Error("no agent");
    await yard.queue(1);
    await yard.pass();
    const answer = await agent.poll();
    if (answer.kind !== "ticket") throw new Error(`the poll answered ${answer.kind}`);
    await agent.report({ ended: [{ id: answer.ticket.id, end: { kind: "barren", reason: "exit code 1" } }] });
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await stateOf(agent.machineId)).toBe("gone");
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["parked"]);
  });

  it("that did not take its ticket gets the next one", async () => {
    await open({ jobsPerMachine: 100, warmParkedCount: 1 });
    await yard.pass();
    const [agent] = await boot();
    if (agent === undefined) throw new Error("no agent");
    await yard.queue(1);
    await yard.pass();
    const answer = await agent.poll();
    if (answer.kind !== "ticket") throw new Error(`the poll answered ${answer.kind}`);
    await agent.report({ ended: [{ id: answer.ticket.id, end: { kind: "barren", reason: "refused" } }] });
    await yard.pass();
    expect(await stateOf(agent.machineId)).toBe("parked");
  });
});

describe.each([
  ["cannot read its journal", { phase: "starting", sighting: { kind: "unknown", why: "line 3" } }],
  ["cannot see what runs there", { sighting: { kind: "unknown", why: "hidden" } }],
] as const)("a parked machine whose agent %s", (_name, report) => {
  it("gets no ticket, though it is heard, and a job gets another machine", async () => {
    await open({ warmParkedCount: 1 });
    await yard.pass();
    const [agent] = await boot();
    if (agent === undefined) throw new Error("no agent");
    for (let count = 0; count < 3; count += 1) {
      yard.clock.advance(30 * SECOND_MS);
      await agent.report(report);
      await yard.pass();
    }
    await yard.queue(1);
    await yard.pass();
    await boot();
    expect((await live()).map(({ machineId }) => machineId === agent.machineId)).toEqual([false]);
    expect(await stateOf(agent.machineId)).not.toBe("gone");
  });
});
