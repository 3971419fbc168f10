import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { emptyMemory } from "../../src/controllers/context.ts";
import { standBy } from "../../src/controllers/execute/standby.ts";
import { retire } from "../../src/controllers/retire.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { parseTicketId } from "../../src/domain/ids.ts";
import { SURPLUS_GRACE_MS } from "../../src/domain/lifecycle.ts";
import type { Machine } from "../../src/domain/machine.ts";
import { LATE_CALL_MS, STOP_DEADLINE_MS, STOP_PATIENCE_MS } from "../../src/domain/stopping.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { insertDrain } from "../../src/store/drains.ts";
import { insertFreeze } from "../../src/store/freezes.ts";
import { listCheckIns } from "../../src/store/machines/check-ins.ts";
import { type Agent, Yard } from "./yard.ts";

const WORD = { operator: "alice", reason: "a look", atMs: 1 };

let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open({ warmStoppedCount: 1, machineCountMax: 2, jobsPerMachine: 3 });
  Object.assign(yard.context, {
    abilities: { orders: null, consoles: null, hints: null, standby: yard.provider.standby },
  });
});

afterEach(() => yard.close());

/** The pool's one machine, launched to be kept stopped, and parked. */
async function parked(): Promise<Agent> {
  await yard.pass();
  const agent = yard.agent((await yard.onlyMachine()).id);
  await agent.checkIn();
  await agent.report();
  await yard.pass();
  return agent;
}

/** Past its grace, with its agent's word. */
async function beginStop(agent: Agent): Promise<void> {
  yard.clock.advance(SURPLUS_GRACE_MS);
  await agent.report();
  await yard.pass();
}

async function stopped(): Promise<Agent> {
  const agent = await parked();
  await beginStop(agent);
  await agent.report();
  await yard.pass();
  expect((await yard.onlyMachine()).state.kind).toBe("stopped");
  return agent;
}

async function stateOf(id: Machine["id"]): Promise<string | undefined> {
  return (await yard.machines()).find((machine) => machine.id === id)?.state.kind;
}

/** Its next boot: another agent, which knows nothing of the one before. */
function nextAgent({ machineId }: Agent): Agent {
  const agent = yard.agent(machineId, "incarnation-2");
  agent.bootId = "another boot";
  return agent;
}

describe("a machine that no job needs", () => {
  it("is stopped by its host's word, and not before", async () => {
    const agent = await parked();
    await beginStop(agent);
    expect(await stateOf(agent.machineId)).toBe("stopping");
    expect(yard.provider.standby.stopped).toEqual([]);
    await agent.report();
    await yard.pass();
    expect(yard.provider.standby.stopped).toMatchObject([{ machineId: agent.machineId, proof: "parked" }]);
    expect(await stateOf(agent.machineId)).toBe("stopped");
    expect(await listCheckIns(yard.store.db, agent.machineId)).toEqual([]);
  });

  it("is asked for its word, and not stopped while its host cannot see what runs there", async () => {
    const agent = await parked();
    await beginStop(agent);
    expect(await agent.poll()).toEqual({ kind: "report" });
    await agent.report({ sighting: { kind: "unknown", why: "hidepid" } });
    await yard.pass();
    expect(yard.provider.standby.stopped).toEqual([]);
  });

  it("is not stopped while its host sees a listener", async () => {
    const agent = await parked();
    await beginStop(agent);
    await agent.report({ sighting: { kind: "seen", hasListener: true, workerCount: 0 } });
    await yard.pass();
    expect(yard.provider.standby.stopped).toEqual([]);
    expect(await stateOf(agent.machineId)).toBe("stopping");
  });

  it("is not stopped while a ticket is being made for it", async () => {
    const agent = await parked();
    yard.clock.advance(SURPLUS_GRACE_MS);
    await agent.report();
    yard.context.memory.standby.toStop = new Set([agent.machineId]);
    yard.context.memory.surplusSinceMs.set(agent.machineId, 0);
    await yard.queue();
    await assign(yard.context);
    yard.context.memory.surplusSinceMs.set(agent.machineId, 0);
    yard.context.memory.standby.toStop = new Set([agent.machineId]);
    await retire(yard.context);
    expect(await stateOf(agent.machineId)).toBe("parked");
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ["its pool is frozen", async () => insertFreeze(yard.store.db, { scope: yard.context.pool.name, mark: WORD })],
    [
      "somebody holds it",
      async () =>
        yard.store.db
          .updateTable("machines")
          .set({ hold: JSON.stringify(WORD) })
          .execute(),
    ],
    ["the lease is lost", async () => Object.assign(yard, { lease: null })],
  ])("is not stopped while %s", async (_name, bar) => {
    const agent = await parked();
    await beginStop(agent);
    await agent.report();
    await bar();
    await standBy(yard.context);
    expect(yard.provider.standby.stopped).toEqual([]);
    expect(await stateOf(agent.machineId)).toBe("stopping");
  });

  it("goes on as busy where its agent holds a ticket that nobody knows of", async () => {
    const agent = await parked();
    await beginStop(agent);
    await agent.report({ phase: "engaged", ticket: { id: parseTicketId("t-00000099"), step: "running" } });
    await yard.pass();
    expect(yard.provider.standby.stopped).toEqual([]);
    expect(await stateOf(agent.machineId)).toBe("engaged");
  });

  it("is asked to stop again where it did not take, and ends where it never does", async () => {
    yard.provider.standby.stopTakes = false;
    const agent = await parked();
    await beginStop(agent);
    await agent.report();
    await yard.pass();
    expect(yard.provider.standby.stopped).toHaveLength(1);
    yard.clock.advance(STOP_PATIENCE_MS);
    await agent.report();
    await yard.pass();
    expect(yard.provider.standby.stopped).toHaveLength(2);
    yard.clock.advance(STOP_DEADLINE_MS);
    await agent.report();
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state).toMatchObject({
      kind: "gone",
      reason: "not-stoppable",
    });
    expect(yard.provider.launches).toHaveLength(1);
  });

  it("is started again only when no call to stop it can come any more whose answer was lost", async () => {
    yard.provider.standby.stopTakes = true;
    yard.provider.standby.stopError = new ProviderError("provider-unavailable", "cut off");
    const agent = await parked();
    await beginStop(agent);
    await agent.report();
    await standBy(yard.context);
    yard.provider.standby.stopError = null;
    const machine = yard.provider.machines.get(agent.machineId);
    if (machine !== undefined) machine.state = "stopped";
    Object.assign(yard.context.pool, { machineCountMax: 1 });
    await yard.queue();
    await yard.pass();
    expect(yard.provider.standby.started).toEqual([]);
    yard.clock.advance(LATE_CALL_MS);
    await yard.pass();
    expect(yard.provider.standby.started).toEqual([agent.machineId]);
  });

  it("ends at once where the provider can never stop it, and no other is launched to be", async () => {
    yard.provider.standby.stopError = new ProviderError("provider-invalid", "a spot instance");
    const agent = await parked();
    await beginStop(agent);
    await agent.report();
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await stateOf(agent.machineId)).toBe("gone");
    expect(yard.provider.launches).toHaveLength(1);
  });

  it("is stopped by the next process after a crash between the call and its note", async () => {
    yard.provider.standby.stopTakes = false;
    const agent = await parked();
    await beginStop(agent);
    await agent.report();
    await standBy(yard.context);
    expect(yard.provider.standby.stopped).toHaveLength(1);
    yard.provider.standby.stopTakes = true;
    Object.assign(yard.context.memory, { ...emptyMemory(), isFleetListed: true });
    await standBy(yard.context);
    await agent.report();
    await yard.pass();
    expect(yard.provider.standby.stopped).toHaveLength(2);
    // The first call may be on its way still.
    expect(await stateOf(agent.machineId)).toBe("stopping");
    yard.clock.advance(LATE_CALL_MS);
    await yard.pass();
    expect(await stateOf(agent.machineId)).toBe("stopped");
  });
});

describe("a machine that waits stopped", () => {
  it("stays, counts against the pool's maximum, and is not taken for dead", async () => {
    const agent = await stopped();
    yard.clock.advance(60 * MINUTE_MS);
    await yard.pass();
    yard.clock.advance(60 * MINUTE_MS);
    await yard.pass();
    expect(await stateOf(agent.machineId)).toBe("stopped");
    await yard.queue(1);
    await yard.queue(2);
    await yard.queue(3);
    await yard.pass();
    expect((await yard.machines()).filter(({ state }) => state.kind !== "gone")).toHaveLength(2);
  });

  it("is started for a job before another is launched, and gets its ticket without a wait", async () => {
    const before = await stopped();
    Object.assign(yard.context.pool, { machineCountMax: 1 });
    await yard.queue();
    await yard.pass();
    expect(yard.provider.standby.started).toEqual([before.machineId]);
    expect(yard.provider.launches).toHaveLength(1);
    const agent = nextAgent(before);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect(await agent.poll()).toMatchObject({ kind: "ticket" });
  });

  it("is not parked by what its agent said before it was stopped", async () => {
    const before = await stopped();
    await yard.queue();
    await yard.pass();
    await before.report();
    await yard.pass();
    expect((await yard.machines()).find(({ id }) => id === before.machineId)).toMatchObject({
      state: { kind: "provisioning" },
      incarnation: null,
      report: null,
    });
    expect((await before.poll()).kind).toBe("report");
  });

  it("is started again by the next process, where a crash came between the intent and the answer", async () => {
    const { machineId } = await stopped();
    yard.provider.standby.nextStartError = {
      error: new ProviderError("provider-unavailable", "cut off"),
      takesEffect: true,
    };
    await yard.queue();
    await yard.pass();
    expect(await stateOf(machineId)).toBe("stopped");
    Object.assign(yard.context.memory, { ...emptyMemory(), isFleetListed: true });
    await yard.pass();
    expect(await stateOf(machineId)).toBe("provisioning");
    expect(yard.provider.standby.started).toEqual([machineId, machineId]);
  });

  it("stays stopped where there is no room for it, and a new one is launched", async () => {
    const { machineId } = await stopped();
    yard.provider.standby.nextStartError = {
      error: new ProviderError("provider-capacity", "no room"),
      takesEffect: false,
    };
    await yard.queue();
    await yard.pass();
    expect(await stateOf(machineId)).toBe("stopped");
    expect(yard.provider.standby.started).toHaveLength(1);
    expect(yard.provider.launches).toHaveLength(2);
  });

  it("is not started while somebody holds it", async () => {
    const { machineId } = await stopped();
    await yard.store.db
      .updateTable("machines")
      .set({ hold: JSON.stringify(WORD) })
      .where("id", "=", machineId)
      .execute();
    await yard.queue();
    await yard.pass();
    expect(yard.provider.standby.started).toEqual([]);
    expect(await stateOf(machineId)).toBe("stopped");
    expect(yard.provider.launches).toHaveLength(2);
  });

  it("ends where its pool is drained, and is started for nobody", async () => {
    const { machineId } = await stopped();
    await insertDrain(yard.store.db, { kind: "pool", id: yard.context.pool.name }, WORD);
    await yard.queue();
    await yard.pass();
    expect(yard.provider.standby.started).toEqual([]);
    expect(await stateOf(machineId)).toBe("gone");
    expect(yard.provider.launches).toHaveLength(1);
  });

  it("retires where its start is not answered by the boot deadline", async () => {
    const { machineId } = await stopped();
    await yard.queue();
    for (let minute = 0; minute < 6; minute += 1) {
      yard.provider.standby.nextStartError = {
        error: new ProviderError("provider-unavailable", "cut off"),
        takesEffect: false,
      };
      await yard.pass();
      yard.clock.advance(MINUTE_MS);
    }
    await yard.pass();
    const machine = (await yard.machines()).find(({ id }) => id === machineId);
    expect(machine?.state).toMatchObject({ kind: "gone", reason: "boot-deadline" });
    expect(yard.provider.terminated[0]).toMatchObject({ machineId, proof: "parked" });
  });

  it("is taken into use where somebody else started it", async () => {
    const before = await stopped();
    yard.clock.advance(SECOND_MS);
    const machine = yard.provider.machines.get(before.machineId);
    if (machine !== undefined) machine.state = "running";
    await yard.pass();
    expect(await stateOf(before.machineId)).toBe("provisioning");
  });

  it("is taken into use by its agent's word alone", async () => {
    const before = await stopped();
    const agent = nextAgent(before);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect(await stateOf(before.machineId)).toBe("parked");
  });

  it("is gone where it vanished, and another takes its place", async () => {
    const { machineId } = await stopped();
    yard.provider.machines.delete(machineId);
    await yard.pass();
    expect(await stateOf(machineId)).toBe("gone");
    expect(yard.provider.launches).toHaveLength(2);
  });

  it("ends without a word from its host, which gave it before, and is replaced", async () => {
    const { machineId } = await stopped();
    Object.assign(yard.context.pool, { settingsHash: "changed" });
    await yard.pass();
    expect((await yard.machines()).find(({ id }) => id === machineId)?.state).toMatchObject({
      kind: "gone",
      reason: "outdated",
    });
    expect(yard.provider.terminated).toMatchObject([{ machineId, proof: "parked" }]);
    expect(yard.provider.launches).toHaveLength(2);
  });

  it("ends as surplus where the pool wants none any more, after the grace", async () => {
    const { machineId } = await stopped();
    Object.assign(yard.context.pool, { warmStoppedCount: 0 });
    await yard.pass();
    expect(await stateOf(machineId)).toBe("stopped");
    yard.clock.advance(SURPLUS_GRACE_MS);
    await yard.pass();
    expect(await stateOf(machineId)).toBe("gone");
  });
});
