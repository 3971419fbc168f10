import { afterEach, describe, expect, it } from "vitest";
import { retire } from "../../src/controllers/retire.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import type { Machine } from "../../src/domain/machine.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { saveMachine } from "../../src/store/machines/save.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
const agents = new Map<string, Agent>();
afterEach(() => yard.close());

async function open(pool: Partial<PoolPolicy> = {}): Promise<void> {
  yard = await Yard.open(pool);
  agents.clear();
}

async function here(...kinds: readonly string[]): Promise<readonly Machine[]> {
  return (await yard.machines()).filter(({ state }) => kinds.includes(state.kind));
}

/** Every machine that can speak does, once; those for which `isMute` says so do not. */
async function speak(isMute: (machine: Machine) => boolean = () => false): Promise<void> {
  for (const machine of await here("provisioning", "parked", "retiring")) {
    if (isMute(machine)) continue;
    const agent = agents.get(machine.id) ?? yard.agent(machine.id);
    if (!agents.has(machine.id)) await agent.checkIn();
    agents.set(machine.id, agent);
    await agent.report();
  }
}

async function settle(rounds = 4): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await yard.pass();
    await speak();
  }
  await yard.pass();
}

/** As a restart with other settings would leave it. */
async function age(settingsHash = "settings-0"): Promise<void> {
  for (const machine of await here("parked", "engaged", "provisioning"))
    await saveMachine(yard.store.db, { ...machine, settingsHash, version: machine.version + 1 }, machine.version);
}

const stale = (machines: readonly Machine[]) => machines.filter(({ settingsHash }) => settingsHash === "settings-0");
const reasonsOf = (machines: readonly Machine[]) =>
  machines.map(({ state }) => (state.kind === "gone" ? state.reason : state.kind));
const lastReason = async ({ id }: Machine) => (await listDecisions(yard.store.db, machineSubject(id), 1))[0]?.reason;

describe("a rollout", () => {
  it("starts the replacement first, ends the old one once it is parked, and goes on to the end", async () => {
    await open({ warmParkedCount: 2, machineCountMax: 10 });
    await settle();
    await age();
    await yard.pass();
    expect(await here("parked")).toHaveLength(2);
    expect(await here("provisioning")).toHaveLength(1);
    const [waiting] = stale(await here("parked"));
    expect(waiting && (await lastReason(waiting))).toBe("awaits-replacement");
    await settle(8);
    expect(stale(await here("parked", "provisioning", "retiring"))).toEqual([]);
    expect(await here("parked")).toHaveLength(2);
    expect(reasonsOf(await here("gone"))).toEqual(["outdated", "outdated"]);
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["parked", "parked"]);
  });

  it("replaces what is older than maxAge", async () => {
    await open({ warmParkedCount: 1, maxAgeMs: HOUR_MS });
    await settle();
    yard.clock.advance(HOUR_MS);
    await speak();
    await settle(6);
    expect(reasonsOf(await here("gone"))).toEqual(["too-old"]);
    expect(await here("parked")).toHaveLength(1);
  });

  it("has no more than a fifth of the pool on the way out, however long that takes", async () => {
    await open({ warmParkedCount: 10, machineCountMax: 20 });
    await settle();
    await age();
    for (let round = 0; round < 6; round += 1) {
      await yard.pass();
      // Those that go say nothing more, so none of them ends.
      await speak(({ state }) => state.kind === "retiring");
      expect((await here("retiring")).length).toBeLessThanOrEqual(2);
      expect((await here("parked")).length).toBeGreaterThanOrEqual(10);
    }
    expect(await here("retiring")).toHaveLength(2);
  });

  it("counts the places again where machines retire: what was planned may be old", async () => {
    await open({ warmParkedCount: 3, machineCountMax: 9 });
    await settle();
    await age();
    yard.context.memory.replaced = new Set((await here("parked")).map(({ id }) => id));
    for (let count = 0; count < 3; count += 1) await retire(yard.context);
    expect(await here("retiring")).toHaveLength(1);
  });

  it("in a full pool lets the old one go first, alone", async () => {
    await open({ warmParkedCount: 3, machineCountMax: 3 });
    await settle();
    await age();
    for (let round = 0; round < 4; round += 1) {
      await yard.pass();
      expect((await here("parked")).length).toBeGreaterThanOrEqual(2);
      await speak(({ state }) => state.kind === "provisioning");
    }
    expect(stale(await here("parked"))).toHaveLength(2);
    expect(await here("provisioning")).toHaveLength(1);
    await settle(12);
    expect(stale(await here("parked"))).toEqual([]);
    expect(await here("parked")).toHaveLength(3);
  });

  it("gives up nothing for settings with which nothing starts", async () => {
    await open({ warmParkedCount: 2, machineCountMax: 4 });
    await settle();
    await age();
    for (let round = 0; round < 5; round += 1) {
      yard.provider.nextLaunchError = { error: new ProviderError("provider-invalid", "no runner"), takesEffect: false };
      await yard.pass();
      await speak();
      yard.clock.advance(5 * MINUTE_MS);
    }
    expect(stale(await here("parked"))).toHaveLength(2);
  });

  it("hands a ticket to the new machine, and to an old one before a job waits", async () => {
    await open({ warmParkedCount: 2, machineCountMax: 4 });
    await settle();
    await age();
    // Listed newest first, and offered oldest first.
    const [second, first] = await here("parked");
    if (first === undefined || second === undefined) throw new Error("two are parked");
    const renewed = { ...second, settingsHash: "settings-1", version: second.version + 1 };
    await saveMachine(yard.store.db, renewed, second.version);
    await yard.queue(1);
    await yard.pass();
    expect((await agents.get(second.id)?.poll())?.kind).toBe("ticket");
    expect(await here("provisioning")).not.toEqual([]);
    await yard.queue(2);
    await yard.pass();
    expect((await agents.get(first.id)?.poll())?.kind).toBe("ticket");
  });

  it("never touches a machine at work; it takes no second job, and goes once it is free", async () => {
    await open({ jobsPerMachine: 5, machineCountMax: 4 });
    const { agent, ticketId } = await yard.withTicket();
    await agent.report({
      phase: "engaged",
      ticket: { id: ticketId, step: "running" },
      sighting: { ...NOTHING_SEEN, workerCount: 1 },
    });
    await yard.pass();
    await age();
    await yard.pass();
    expect(await yard.onlyMachine()).toMatchObject({ state: { kind: "engaged" }, retireWhenSpent: "outdated" });
    // A second job does not get it, though it would be free in a moment.
    await agent.report({ phase: "parked", ended: [{ id: ticketId, end: { kind: "spent" } }] });
    await yard.tell((await yard.onlyTicket()).jobId ?? never(), { status: "completed", conclusion: "success" });
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(reasonsOf(await here("gone"))).toEqual(["outdated"]);
  });

  it("asks no idle listener back before its bound because its machine is to be replaced", async () => {
    await open({ jobsPerMachine: 5 });
    const { agent, ticketId } = await yard.withTicket();
    await agent.report({
      phase: "engaged",
      ticket: { id: ticketId, step: "online" },
      sighting: { ...NOTHING_SEEN, hasListener: true },
    });
    await yard.pass();
    await age();
    await yard.pass();
    expect((await yard.onlyMachine()).retireWhenSpent).toBe("outdated");
    expect((await yard.onlyTicket()).state.kind).toBe("online");
  });

  it("does nothing in a pool that only observes", async () => {
    await open({ warmParkedCount: 2 });
    await settle();
    await age();
    Object.assign(yard.context.pool, { mode: "observe", maxAgeMs: MINUTE_MS });
    yard.clock.advance(DAY_MS);
    await settle();
    expect(await here("parked")).toHaveLength(2);
    expect(await here("provisioning", "gone", "retiring")).toEqual([]);
  });
});

function never(): never {
  throw new Error("there is a job");
}
