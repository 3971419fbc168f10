/** A process that took a pool over from one which launched where this one does not look. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseProviderId } from "../../src/domain/ids.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { machineId, machine as machineOf } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
const known = (...others: readonly string[]) =>
  Object.assign(yard.context, {
    isPlaceKnown: async (hash: string) => [yard.context.pool.settingsHash, ...others].includes(hash),
  });

beforeEach(async () => {
  yard = await Yard.open();
  yard.context.memory.isFleetListed = false;
  known();
});
afterEach(() => yard.close());

async function passes(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) {
    await yard.pass();
    yard.clock.advance(MINUTE_MS);
  }
}

it("calls nobody gone whom only the other's settings show, and launches nothing", async () => {
  const id = machineId(1);
  const providerId = parseProviderId(id);
  const state = { kind: "provisioning", providerId, sinceMs: yard.clock.nowMs() } as const;
  await insertMachine(yard.store.db, machineOf({ id, settingsHash: "former", state }));
  yard.provider.notFound.add(providerId);
  await yard.queue();
  await passes(12);
  expect((await yard.machines()).find((one) => one.id === id)?.state.kind).not.toBe("gone");
  expect(yard.context.memory).toMatchObject({ isFleetListed: false, guards: { listing: { isWhole: false } } });
  expect(yard.provider.launches).toEqual([]);
});

it("calls nobody gone who retires already", async () => {
  const id = machineId(1);
  const providerId = parseProviderId(id);
  const state = { kind: "retiring", providerId, stage: "ending", reason: "surplus", sinceMs: yard.clock.nowMs() };
  await insertMachine(yard.store.db, machineOf({ id, settingsHash: "former", state: state as never }));
  yard.provider.notFound.add(providerId);
  await passes(12);
  expect((await yard.machines()).find((one) => one.id === id)?.state.kind).toBe("retiring");
});

it("repeats no launch of the other's", async () => {
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await passes(3);
  expect(yard.provider.launches).toEqual([]);
});

it("goes on where all places are known", async () => {
  known("former");
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await passes(2);
  expect(yard.provider.launches).toMatchObject([{ settingsHash: "former" }]);
});
