/** "Found and done": a row whose machine is not listed. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { type Agent, Yard } from "./yard.ts";

const ABSENT = "holdfast_absences_total pool=linux";
const UNLISTED = "holdfast_machines_unlisted_total pool=linux";

let yard: Yard;
let agent: Agent;
beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 1 });
  ({ agent } = await yard.withTicket());
});
afterEach(() => yard.close());

const stateOf = async () => (await yard.machines()).find(({ id }) => id === agent.machineId)?.state.kind;

function vanish(): void {
  yard.clock.advance(1);
  yard.provider.notFound.add(agent.machineId);
  yard.provider.machines.clear();
}

describe("a machine whose id the provider does not know", () => {
  it("is gone only after two readings 5 minutes apart", async () => {
    vanish();
    await yard.pass();
    yard.clock.advance(5 * MINUTE_MS - 1);
    await yard.pass();
    expect([await stateOf(), yard.telemetry.counts.includes(ABSENT)]).toEqual(["engaged", false]);
    yard.clock.advance(1);
    await yard.pass();
    expect([await stateOf(), yard.telemetry.counts.filter((count) => count === ABSENT).length]).toEqual(["gone", 1]);
  });

  it("is not while its agent speaks", async () => {
    vanish();
    await yard.pass();
    for (let count = 0; count < 6; count += 1) {
      yard.clock.advance(2 * MINUTE_MS);
      await agent.report({ phase: "engaged" });
      await yard.pass();
    }
    expect(await stateOf()).toBe("engaged");
  });

  it("is not while somebody is refused as it: somebody is there", async () => {
    vanish();
    await yard.pass();
    for (let count = 0; count < 6; count += 1) {
      yard.clock.advance(2 * MINUTE_MS);
      await yard.agent(agent.machineId, "incarnation-9").checkIn("a guess");
      await yard.pass();
    }
    expect(await stateOf()).toBe("engaged");
  });

  it("counts over heard time only", async () => {
    vanish();
    await yard.pass();
    yard.clock.advance(60 * MINUTE_MS);
    yard.heardSinceMs = yard.clock.nowMs() - MINUTE_MS;
    await yard.pass();
    expect(await stateOf()).toBe("engaged");
  });

  it("starts anew where it was seen in between", async () => {
    vanish();
    await yard.pass();
    yard.clock.advance(4 * MINUTE_MS);
    yard.provider.machines.set(agent.machineId, { state: "running", machineId: agent.machineId });
    await observe(yard.context);
    yard.provider.machines.clear();
    yard.clock.advance(4 * MINUTE_MS);
    await yard.pass();
    expect(await stateOf()).toBe("engaged");
  });

  it("is not concluded of a listing that failed", async () => {
    vanish();
    await yard.pass();
    yard.clock.advance(60 * MINUTE_MS);
    yard.provider.list = async () => [];
    await observe(yard.context);
    expect(await stateOf()).toBe("engaged");
  });
});

describe("a machine that the provider has by its id and does not list", () => {
  it("is still ours: told and counted once, and kept", async () => {
    yard.provider.unlisted.add(agent.machineId);
    for (let count = 0; count < 3; count += 1) await observe(yard.context);
    expect(yard.telemetry.counts.filter((count) => count === UNLISTED)).toHaveLength(1);
    const evidence = await listEvidence(yard.store.db, machineSubject(agent.machineId), 100);
    expect(evidence.map(({ fact }) => fact).join()).toContain("its marks are lost");
    yard.provider.unlisted.clear();
    await observe(yard.context);
    yard.provider.unlisted.add(agent.machineId);
    await observe(yard.context);
    expect(yard.telemetry.counts.filter((count) => count === UNLISTED)).toHaveLength(2);
    expect([await stateOf(), yard.provider.terminated]).toEqual(["engaged", []]);
  });
});
