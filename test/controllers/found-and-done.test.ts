/** The contract's table "found, done", row by row and by name; what each row needs beyond this has tests of its own. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sweepUnknown } from "../../src/controllers/sweep-unknown.ts";
import { parseMachineId, parseRunnerId } from "../../src/domain/ids.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/domain/units.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
});
afterEach(() => yard.close());

const proofs = () => yard.provider.terminated.map(({ proof }) => proof);
const stateOf = async (agent: Agent) => (await yard.machines()).find(({ id }) => id === agent.machineId)?.state;

async function cancelJob(): Promise<void> {
  const { jobId } = await yard.onlyTicket();
  if (jobId === null) throw new Error("the ticket is for a job");
  await yard.tell(jobId, { status: "completed", conclusion: "cancelled" });
}

async function endTicket(): Promise<Agent> {
  const { agent, ticketId } = await yard.withTicket();
  await cancelJob();
  await agent.report({ phase: "leaving", ended: [{ id: ticketId, end: { kind: "barren", reason: "exit code 1" } }] });
  return agent;
}

describe("found, done", () => {
  it("machine of ours without a row: adopted as engaged with an unknown ticket", async () => {
    const id = parseMachineId("m-stray00000001");
    yard.provider.machines.set(id, { state: "running", machineId: id });
    await yard.pass();
    expect(await yard.onlyMachine()).toMatchObject({ id, origin: "adopted", state: { kind: "engaged" } });
    expect((await yard.onlyTicket()).state.kind).toBe("unknown");
  });

  it("row whose machine is not listed: read by id, and gone only by two answers 5 minutes apart", async () => {
    const { agent } = await yard.withTicket();
    yard.provider.notFound.add(agent.machineId);
    yard.provider.machines.clear();
    yard.clock.advance(1);
    await yard.pass();
    expect((await stateOf(agent))?.kind).toBe("engaged");
    yard.clock.advance(5 * MINUTE_MS);
    await yard.pass();
    expect((await stateOf(agent))?.kind).toBe("gone");
  });

  it("machine that never checked in by its boot deadline: never-engaged", async () => {
    await yard.queue();
    await yard.pass();
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    expect(proofs()[0]).toBe("never-engaged");
  });

  it("ticket delivered, runner not online by its deadline: handed back, and its machine retires", async () => {
    const { agent, ticketId } = await yard.withTicket();
    yard.clock.advance(3 * MINUTE_MS);
    const held = { id: ticketId, step: "delivered" } as const;
    await agent.report({ phase: "engaged", ticket: held });
    await yard.pass();
    const answer = await agent.report({ phase: "engaged", ticket: held });
    expect(answer.handBack).toMatchObject({ ticketId });
    expect((await yard.onlyMachine()).retireWhenSpent).toBe("runner-late");
  });

  it("registration whose ticket is over: deleted by ticket-over; where GitHub says busy, told and asked again", async () => {
    yard.github.deleteAnswer = "busy";
    await endTicket();
    await yard.pass();
    expect(yard.github.runners.size).toBe(1);
    yard.github.deleteAnswer = "deleted";
    await yard.pass();
    expect(yard.github.deleted.at(-1)?.proof).toBe("ticket-over");
    expect(yard.github.runners.size).toBe(0);
  });

  it("registration with our prefix that the store does not know: deleted after a day offline, never while online", async () => {
    const id = parseRunnerId(7);
    const runner = { id, name: "hf-yard-abcdefgh2345", isBusy: false, version: null };
    for (const isOnline of [true, false]) {
      yard.github.runners.set(id, { ...runner, isOnline });
      for (let passedMs = 0; passedMs <= DAY_MS; passedMs += HOUR_MS) {
        await sweepUnknown(yard.context);
        yard.clock.advance(HOUR_MS);
      }
      expect(yard.github.runners.has(id)).toBe(isOnline);
    }
    expect(yard.github.deleted.map(({ proof }) => proof)).toEqual(["unknown-registration"]);
  });

  it("anything that fails after a launch: the machine retires with that reason at once, and ends by a proof", async () => {
    await yard.queue();
    await yard.pass();
    const agent = yard.agent((await yard.onlyMachine()).id);
    await agent.checkIn();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(await stateOf(agent)).toMatchObject({ kind: "retiring", reason: "agent-leaving" });
    await agent.report({ phase: "leaving", sighting: NOTHING_SEEN });
    await yard.pass();
    expect(proofs()).toEqual(["parked"]);
  });

  it("terminate did not take: again with a new permit, until the provider says gone", async () => {
    yard.provider.terminateTakes = false;
    const agent = await endTicket();
    await yard.pass();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(await stateOf(agent)).toMatchObject({ kind: "retiring", stage: "confirming" });
    yard.clock.advance(MINUTE_MS);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    yard.provider.terminateTakes = true;
    yard.clock.advance(MINUTE_MS);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(proofs().length).toBeGreaterThanOrEqual(3);
    expect((await stateOf(agent))?.kind).toBe("gone");
  });
});
