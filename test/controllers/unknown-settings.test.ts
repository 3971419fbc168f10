/** A process that took a pool over from one which launched with settings that this one has not read. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { parseProviderId } from "../../src/domain/ids.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { machineId, machine as machineOf } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let asked: string[];
const known = (...others: readonly string[]) =>
  Object.assign(yard.context, { knownSettings: new Set([yard.context.pool.settingsHash, ...others]) });

beforeEach(async () => {
  yard = await Yard.open();
  yard.context.memory.isFleetListed = false;
  asked = [];
  const restart = async (pool: string) => {
    asked.push(pool);
  };
  Object.assign(yard.context, { restart });
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
  expect(asked).toContain(yard.context.pool.name);
});

it("repeats no launch of the other's", async () => {
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await passes(3);
  expect(yard.provider.launches).toEqual([]);
});

it("goes on where all that are in use are known, and asks for nothing", async () => {
  known("former");
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await passes(2);
  expect(yard.provider.launches).toMatchObject([{ settingsHash: "former" }]);
  expect(asked).toEqual([]);
});
