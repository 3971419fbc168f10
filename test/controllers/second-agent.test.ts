/** Who speaks as a machine: agents that start again, machines that reboot, and somebody elsewhere. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attend } from "../../src/controllers/attend.ts";
import { parseJobId, type TicketId } from "../../src/domain/ids.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import { answerPoll } from "../../src/http/agents/deliver.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { type Agent, Yard } from "./yard.ts";

const COUNTED = "holdfast_machines_quarantined_total pool=linux";

let yard: Yard;
let agent: Agent;
let held: TicketId;

beforeEach(async () => {
  yard = await Yard.open({ jobsPerMachine: 3, machineCountMax: 1 });
  ({ agent, ticketId: held } = await yard.withTicket());
  await yard.tell(parseJobId(1), { status: "in_progress" });
  await agent.report({ phase: "engaged", ticket: { id: held, step: "running" } });
  await attend(yard.context);
});
afterEach(() => yard.close());

const machine = async () => {
  const found = await loadMachine(yard.store.db, agent.machineId);
  if (found === null) throw new Error("it has a row");
  return found;
};
const stateOf = async () => (await yard.onlyTicket()).state.kind;

async function second(bootId: string): Promise<Agent> {
  const other = yard.agent(agent.machineId, "incarnation-2");
  other.bootId = bootId;
  await other.checkIn();
  return other;
}

/** Says that nothing runs, and that the ticket is spent. */
async function claimIdle(speaker: Agent): Promise<void> {
  await speaker.report({ phase: "parked", ended: [{ id: held, end: { kind: "spent" } }] });
  await attend(yard.context);
}

describe("an agent that was started again", () => {
  it("is believed at once: of one boot, only one holds the lock", async () => {
    await claimIdle(await second("boot"));
    expect([await stateOf(), (await machine()).state.kind]).toEqual(["spent", "parked"]);
    expect(yard.telemetry.counts).not.toContain(COUNTED);
  });
});

describe("a machine of another boot", () => {
  it("is believed once the one before has been silent for three heartbeats, and gets no ticket before", async () => {
    await claimIdle(await second("another boot"));
    expect(await stateOf()).toBe("running");
    yard.clock.advance(45 * SECOND_MS - 1);
    await attend(yard.context);
    expect(await stateOf()).toBe("running");
    yard.clock.advance(1);
    await attend(yard.context);
    expect([await stateOf(), (await machine()).state.kind]).toEqual(["spent", "parked"]);
    expect(yard.telemetry.counts).not.toContain(COUNTED);
  });

  it("can show that a job runs at any time", async () => {
    const other = await second("another boot");
    await other.report({ phase: "engaged", ticket: { id: held, step: "running" } });
    await attend(yard.context);
    expect(await stateOf()).toBe("running");
  });
});

describe("a second agent beside the first", () => {
  it.each(["boot", "another boot"])(
    "with boot id %s quarantines the machine as soon as the first is back",
    async (bootId) => {
      const other = await second(bootId);
      expect((await agent.post("report", { sequence: 99, storeGeneration: 1, report: {} })).ok).toBe(false);
      await agent.checkIn();
      expect(yard.telemetry.counts.filter((count) => count === COUNTED)).toHaveLength(1);
      expect((await machine()).retireWhenSpent).toBe("quarantined");
      const evidence = await listEvidence(yard.store.db, machineSubject(agent.machineId), 100);
      expect(evidence.map(({ fact }) => fact)).toContain(
        "quarantined: agent incarnation-1 checked in again after incarnation-2 had",
      );
      await other.checkIn();
      expect(yard.telemetry.counts.filter((count) => count === COUNTED)).toHaveLength(1);
    },
  );

  it("is not believed that nothing runs, nor is the first, while both speak", async () => {
    const other = await second("boot");
    await agent.checkIn();
    await other.checkIn();
    await claimIdle(other);
    yard.clock.advance(5 * MINUTE_MS);
    await agent.checkIn();
    await claimIdle(agent);
    yard.clock.advance(9 * MINUTE_MS);
    await yard.pass();
    expect(await stateOf()).toBe("running");
    expect(yard.provider.terminated).toEqual([]);
  });

  it("that falls silent leaves the other's word, and the machine goes", async () => {
    await second("boot");
    await agent.checkIn();
    yard.clock.advance(10 * MINUTE_MS);
    await claimIdle(agent);
    await yard.pass();
    expect((await machine()).state).toMatchObject({ kind: "retiring", reason: "quarantined" });
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["parked"]);
  });
});

describe("a machine in quarantine that is parked", () => {
  it("gets no ticket, also not the one that is issued for it already", async () => {
    await claimIdle(agent);
    await agent.report({ phase: "parked" });
    await attend(yard.context);
    await yard.queue(2);
    await yard.pass();
    expect(await stateOf()).toBe("issued");
    await second("boot");
    await agent.checkIn();
    expect([await answerPoll(yard.store, agent, yard.clock.nowMs()), await stateOf()]).toEqual([null, "issued"]);
    await yard.pass();
    expect((await machine()).state).toMatchObject({ kind: "retiring", reason: "quarantined" });
  });
});

describe("a machine of another boot that is parked", () => {
  it("gets the ticket that is issued for it once the one before has been silent for three heartbeats", async () => {
    await claimIdle(agent);
    await agent.report({ phase: "parked" });
    await attend(yard.context);
    await yard.queue(2);
    await yard.pass();
    const other = await second("another boot");
    expect(await answerPoll(yard.store, other, yard.clock.nowMs())).toBeNull();
    yard.clock.advance(45 * SECOND_MS);
    expect(await answerPoll(yard.store, other, yard.clock.nowMs())).toMatchObject({ kind: "ticket" });
  });
});
