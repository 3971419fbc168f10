import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { readHeardElsewhere } from "../../../src/store/hearings.ts";
import { type Agent, Yard } from "../../controllers/yard.ts";

const TELL_AGAIN_MS = 15 * SECOND_MS;
let yard: Yard;
let agent: Agent;

beforeEach(async () => {
  yard = await Yard.open({ warmParkedCount: 1 });
  await yard.pass();
  agent = yard.agent((await yard.onlyMachine()).id);
});
afterEach(() => yard.close());

const forgetAll = () => yard.store.db.deleteFrom("hearings").execute();

async function told(): Promise<readonly string[]> {
  const rows = await readHeardElsewhere(yard.store.db, "another");
  return rows.map(({ machineId, heardForMs }) => `${machineId} ${heardForMs === null ? "tries" : "words"}`);
}

async function pollAndGiveUp(): Promise<void> {
  await yard.app.request("/agent/v1/poll", {
    method: "POST",
    headers: { authorization: `Bearer ${agent.token}` },
    body: JSON.stringify({ machineId: agent.machineId, incarnation: agent.incarnation, sequence: 1 }),
    signal: AbortSignal.abort(),
  });
}

describe("what other replicas are told", () => {
  it.each([
    ["a check-in", async () => void (await agent.checkIn())],
    ["a report", async () => void (await agent.report())],
    ["a poll that its agent gave up", pollAndGiveUp],
  ])("is that it was heard, by %s", async (_name, speak) => {
    await agent.checkIn();
    await forgetAll();
    yard.clock.advance(TELL_AGAIN_MS);
    await speak();
    expect(await told()).toEqual([`${agent.machineId} words`]);
  });

  it("is that somebody was refused, where nothing else was", async () => {
    await agent.checkIn("a guess");
    expect(await told()).toEqual([`${agent.machineId} tries`]);
  });

  it("costs one write in 15 s", async () => {
    await agent.checkIn();
    await forgetAll();
    await agent.report();
    expect(await told()).toEqual([]);
    yard.clock.advance(TELL_AGAIN_MS);
    await agent.report();
    expect(await told()).toEqual([`${agent.machineId} words`]);
  });

  it("is forgotten with the machine", async () => {
    await agent.checkIn();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    await agent.report({ phase: "leaving" });
    expect(await told()).toHaveLength(1);
    await yard.pass();
    expect((await yard.machines()).find(({ id }) => id === agent.machineId)?.state.kind).toBe("gone");
    expect(await told()).toEqual([]);
  });
});
