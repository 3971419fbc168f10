/** What a provider says of a machine besides its state: that it has never run, what the matter is, that somebody has to look. */
import { afterEach, describe, expect, it } from "vitest";
import { observe } from "../../src/controllers/observe.ts";
import { type ProviderId, parseMachineId, parseProviderId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { machineSubject } from "../../src/store/subjects.ts";
import { listTicketsOfMachine } from "../../src/store/tickets/list.ts";
import { machineId, machine as machineOf } from "../domain/builders.ts";
import { Yard } from "./yard.ts";

const ID = machineId(7);
let yard: Yard;
afterEach(() => yard.close());

async function openWithStray(remarks: object): Promise<void> {
  yard = await Yard.open();
  yard.provider.machines.set(ID, { state: "starting", machineId: ID });
  yard.provider.remarks.set(ID, remarks);
}

const row = () => loadMachine(yard.store.db, ID);

describe("a machine of ours without a row that has never run", () => {
  it("has a row without a ticket, and is counted as adopted", async () => {
    await openWithStray({ hasNeverRun: true });
    await observe(yard.context);
    expect(await row()).toMatchObject({ origin: "launched", state: { kind: "provisioning" }, isAgentSeen: false });
    expect(await listTicketsOfMachine(yard.store.db, ID)).toEqual([]);
    expect(yard.telemetry.counts).toContain("holdfast_strays_adopted_total pool=linux");
  });

  it("ends as never engaged, past a boot deadline from its first sight on", async () => {
    await openWithStray({ hasNeverRun: true });
    yard.clock.advance(60 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated).toEqual([]);
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    await yard.pass();
    expect(yard.provider.terminated.map(({ proof }) => proof)).toEqual(["never-engaged"]);
  });

  it("is not ended as never engaged when its agent comes after all", async () => {
    await openWithStray({ hasNeverRun: true });
    await observe(yard.context);
    const agent = yard.agent(ID);
    await agent.checkIn();
    await agent.report();
    await yard.pass();
    expect((await row())?.isAgentSeen).toBe(true);
    yard.clock.advance(6 * MINUTE_MS);
    await yard.pass();
    expect(yard.provider.terminated.map(({ proof }) => proof)).not.toContain("never-engaged");
  });

  it("is presumed busy where somebody spoke in its name meanwhile", async () => {
    await openWithStray({ hasNeverRun: true });
    await yard.agent(ID).checkIn();
    await observe(yard.context);
    expect(await row()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
  });

  it("is presumed busy where nobody says that it has never run", async () => {
    await openWithStray({});
    await observe(yard.context);
    expect(await row()).toMatchObject({ origin: "adopted", state: { kind: "engaged" } });
  });
});

describe("a machine at first sight, of which nobody knows who made it", () => {
  const ending = () => yard.provider.terminated.map(({ proof }) => proof);

  it("gets no ticket: whoever may make pods could have made it to be given somebody else's job", async () => {
    await openWithStray({ hasNeverRun: true });
    await observe(yard.context);
    const agent = yard.agent(ID);
    await agent.checkIn();
    await agent.report();
    await yard.queue();
    await yard.pass();
    await agent.report();
    await yard.pass();
    expect(await agent.poll()).toEqual({ kind: "report" });
    expect(await listTicketsOfMachine(yard.store.db, ID)).toEqual([]);
  });

  it("is not ended by the clock once it has started: its agent may speak to the controller of another store", async () => {
    await openWithStray({ hasNeverRun: true });
    await yard.pass();
    yard.provider.machines.set(ID, { state: "running", machineId: ID });
    yard.provider.remarks.delete(ID);
    for (const passedMs of [6 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS]) {
      yard.clock.advance(passedMs);
      await yard.pass();
    }
    expect(ending()).toEqual([]);
  });

  it("ends as forced where it has started and nobody ever spoke as it", async () => {
    await openWithStray({ hasNeverRun: true });
    await yard.pass();
    yard.provider.remarks.delete(ID);
    yard.clock.advance(10 * MINUTE_MS);
    await yard.pass();
    yard.clock.advance(6 * 60 * MINUTE_MS);
    await yard.pass();
    expect(ending()).toEqual(["forced"]);
  });

  it("ends by its host's word where its agent comes", async () => {
    await openWithStray({ hasNeverRun: true });
    await yard.pass();
    yard.provider.remarks.delete(ID);
    const agent = yard.agent(ID);
    await agent.checkIn();
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(ending()).toEqual(["parked"]);
  });
});

describe("a machine that has never run under the name of one that is gone", () => {
  const ANEW = "pod-00000001";
  const NAMED = machineId(7);
  const OWN = parseMachineId("m-pod00000001");
  const rowOfOwn = () => loadMachine(yard.store.db, OWN);
  const proofs = () => yard.provider.terminated.map(({ proof, machineId: id }) => [proof, id]);

  /** Gone as `formerId`, and shown anew. */
  async function comesAnew(formerId: ProviderId | null, shownId: string = ANEW): Promise<void> {
    yard = await Yard.open();
    const sinceMs = yard.clock.nowMs();
    const reason = formerId === null ? "never-launched" : "confirmed-gone";
    const state = { kind: "gone", providerId: formerId, reason, sinceMs } as MachineState;
    const gone = machineOf({ id: NAMED, state, incarnation: null, report: null });
    await insertMachine(yard.store.db, gone);
    yard.clock.advance(MINUTE_MS);
    yard.provider.machines.set(shownId, { state: "starting", machineId: NAMED });
    yard.provider.remarks.set(shownId, { hasNeverRun: true });
  }

  it.each([
    ["applied again by hand", parseProviderId("pod-00000000")],
    ["created after its launch was called refused", null],
  ])("is another one, and ends past a boot deadline of its own: %s", async (_how, formerId) => {
    await comesAnew(formerId);
    await observe(yard.context);
    expect(await rowOfOwn()).toMatchObject({ origin: "launched", state: { kind: "provisioning" } });
    expect(await row()).toMatchObject({ state: { kind: "gone", providerId: formerId } });
    yard.clock.advance(4 * MINUTE_MS);
    await yard.pass();
    expect(proofs()).toEqual([]);
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(proofs()).toEqual([["never-engaged", OWN]]);
    expect(await rowOfOwn()).toMatchObject({ state: { kind: "gone" } });
    expect(await row()).toMatchObject({ state: { kind: "gone", providerId: formerId } });
  });

  it("gets no ticket, and ends by its host's word where its agent comes after all", async () => {
    await comesAnew(null);
    await yard.pass();
    yard.provider.remarks.delete(ANEW);
    const agent = yard.agent(OWN);
    agent.providerId = ANEW;
    await agent.checkIn();
    await agent.report();
    await yard.queue();
    await yard.pass();
    expect(await agent.poll()).toEqual({ kind: "report" });
    expect(await listTicketsOfMachine(yard.store.db, OWN)).toEqual([]);
    await agent.report({ phase: "leaving" });
    await yard.pass();
    expect(proofs()).toEqual([["parked", OWN]]);
  });

  it("is kept past its boot deadline once it has started, whoever its agent speaks to", async () => {
    await comesAnew(null);
    await yard.pass();
    yard.provider.remarks.delete(ANEW);
    yard.clock.advance(60 * MINUTE_MS);
    await yard.pass();
    expect(proofs()).toEqual([]);
  });

  it.each([
    ["somebody spoke in the name", async () => void (await yard.agent(NAMED).checkIn())],
    ["nobody says that it has never run", async () => void yard.provider.remarks.delete(ANEW)],
  ])("is presumed to be that one, and busy, where %s", async (_why, before) => {
    await comesAnew(null);
    await before();
    await observe(yard.context);
    expect(await rowOfOwn()).toBeNull();
    expect(await row()).toMatchObject({ origin: "adopted", state: { kind: "engaged", providerId: ANEW } });
  });

  it("is that one where the provider calls it by the same id", async () => {
    await comesAnew(parseProviderId(ANEW));
    await observe(yard.context);
    expect(await rowOfOwn()).toBeNull();
    expect(await row()).toMatchObject({ origin: "adopted", state: { kind: "engaged", providerId: ANEW } });
  });
});

describe("what the matter is with a machine", () => {
  const facts = async () =>
    (await listEvidence(yard.store.db, machineSubject(ID), 50))
      .map(({ fact }) => fact)
      .filter((fact) => fact.startsWith("provider"));

  it("is on its record, once for each change of it", async () => {
    await openWithStray({ why: "no node for it: 0/3 nodes are available" });
    await observe(yard.context);
    await observe(yard.context);
    yard.provider.remarks.set(ID, { why: "ImagePullBackOff" });
    await observe(yard.context);
    expect((await facts()).sort()).toEqual([
      "provider says starting: ImagePullBackOff",
      "provider says starting: no node for it: 0/3 nodes are available",
    ]);
  });

  it("is told where somebody has to look", async () => {
    await openWithStray({ why: "of a shape that nobody knows", isAlarm: true });
    await observe(yard.context);
    expect(yard.telemetry.counts).toContain("holdfast_machines_unrecognised_total pool=linux");
  });
});
