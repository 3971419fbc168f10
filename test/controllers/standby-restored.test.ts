/**
 * A backup may hold the word by which a machine was to wait stopped. Since then it was started again and given a ticket of
 * which the restored store knows nothing; until its agent is heard nobody knows that. Nothing rests on the old word.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { standBy } from "../../src/controllers/execute/standby.ts";
import { observe } from "../../src/controllers/observe.ts";
import { retire } from "../../src/controllers/retire.ts";
import { parseProviderId } from "../../src/domain/ids.ts";
import type { MachineState } from "../../src/domain/machine.ts";
import type { ProviderState } from "../../src/domain/observed.ts";
import { STOP_DEADLINE_MS } from "../../src/domain/stopping.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { incarnation, machineId, machine as machineOf, report, ticketId } from "../domain/builders.ts";
import { type Agent, Yard } from "./yard.ts";

const ID = machineId(1);
const place = { providerId: parseProviderId(ID), heardSequence: 3, sinceMs: 0 } as const;
const STOPPING: MachineState = { kind: "stopping", ...place };
const STOPPED: MachineState = { kind: "stopped", ...place, isStarting: false };

let yard: Yard;

beforeEach(async () => {
  yard = await Yard.open({ warmStoppedCount: 1, jobsPerMachine: 3 });
  Object.assign(yard.context, {
    abilities: { orders: null, consoles: null, hints: null, standby: yard.provider.standby },
  });
});

afterEach(() => yard.close());

/** Its host said, after it began to be stopped, that it holds nothing. */
async function inBackup(state: MachineState, truth: ProviderState): Promise<void> {
  const voice = state.kind === "stopped" ? null : incarnation(1);
  const spoken = { incarnation: voice, sequence: 9, report: report() };
  await insertMachine(yard.store.db, machineOf({ id: ID, state, settingsHash: "before", ...spoken }));
  yard.provider.machines.set(ID, { state: truth, machineId: ID });
}

/** The one of the boot after, which runs a job. */
async function busyAgent(): Promise<Agent> {
  const agent = yard.agent(ID, "incarnation-2");
  agent.bootId = "another boot";
  await agent.checkIn();
  await agent.report({ phase: "engaged", ticket: { id: ticketId(7), step: "running" } });
  return agent;
}

it("a machine is stopped by a word that this process heard, never by one that it found in the store", async () => {
  await inBackup(STOPPING, "running");
  await yard.pass();
  expect(yard.provider.standby.stopped).toEqual([]);
  await busyAgent();
  await yard.pass();
  expect(yard.provider.standby.stopped).toEqual([]);
  expect((await loadMachine(yard.store.db, ID))?.state.kind).toBe("engaged");
});

it("a machine that was to be stopped and was not ends by a later word of its host, never by that one", async () => {
  await inBackup(STOPPING, "running");
  await standBy(yard.context);
  yard.clock.advance(STOP_DEADLINE_MS);
  await standBy(yard.context);
  await retire(yard.context);
  expect((await yard.onlyMachine()).state.kind).toBe("retiring");
  expect(yard.provider.terminated).toEqual([]);
});

it("a machine that is said to wait stopped, and runs, does not end by what was said before it was stopped", async () => {
  await inBackup(STOPPED, "running");
  await observe(yard.context);
  await retire(yard.context);
  expect((await yard.onlyMachine()).state).toMatchObject({ kind: "retiring", reason: "outdated" });
  expect(yard.provider.terminated).toEqual([]);
});

it("a machine that waits stopped ends by the provider's word that nothing runs there", async () => {
  await inBackup(STOPPED, "stopped");
  await observe(yard.context);
  await retire(yard.context);
  expect(yard.provider.terminated).toMatchObject([{ machineId: ID, proof: "parked" }]);
});
