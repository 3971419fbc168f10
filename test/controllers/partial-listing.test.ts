/** A pool that moved, while the provider cannot read the place that it left: what is shown counts, and no absence does. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { joinProviders, type SettledPlace } from "../../src/app/joined-provider.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { observe } from "../../src/controllers/observe.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type MachineId, parseProviderId } from "../../src/domain/ids.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { insertLaunch } from "../../src/store/launches/save.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { insertMachine } from "../../src/store/machines/save.ts";
import { poolSubject } from "../../src/store/subjects.ts";
import { machineId, machine as machineOf } from "../domain/builders.ts";
import { sampleLaunch } from "../store/samples.ts";
import { withoutWrites } from "./unwritten.ts";
import { Yard } from "./yard.ts";

const LEFT = machineId(1);
const NEW = machineId(2);
let yard: Yard;
type PlaceName = "former" | "emptied" | "current";
let unread: PlaceName | "none";

/**
 * One of the places: the machine that was left behind is in the former one, none is in the one that was left before that,
 * and all others are where the pool is now.
 */
function placeOf(name: PlaceName): SettledPlace {
  const { provider } = yard;
  const isHere = (id: string) => name === (id === LEFT ? "former" : "current");
  return {
    settingsHash: name === "current" ? yard.context.pool.settingsHash : name,
    location: name,
    names: isHere,
    idKind: "pod",
    isExclusive: true,
    provider: {
      launch: (request, tenure) => provider.launch(request, tenure),
      list: async (which) => {
        if (unread === name) throw new ProviderError("provider-unavailable", `listing the ${name} namespace`);
        return (await provider.list(which)).filter(({ providerId }) => isHere(providerId));
      },
      terminate: (permit) => provider.terminate(permit),
      readRunnerVersion: () => provider.readRunnerVersion(),
      check: () => provider.check(),
    },
  };
}

beforeEach(async () => {
  yard = await Yard.open();
  yard.context.memory.isFleetListed = false;
  unread = "former";
  Object.assign(yard.context, { provider: joinProviders(placeOf("current"), [placeOf("former")]) });
});
afterEach(() => yard.close());

async function addRow(id: MachineId): Promise<void> {
  const state = { kind: "provisioning", providerId: parseProviderId(id), sinceMs: yard.clock.nowMs() } as const;
  await insertMachine(yard.store.db, machineOf({ id, state }));
  yard.provider.machines.set(id, { state: "running", machineId: id });
}

const stateOf = async (id: MachineId) => (await loadMachine(yard.store.db, id))?.state.kind;

it("ends what is dead, and keeps what the other place may still have, with its last word", async () => {
  await addRow(LEFT);
  await addRow(NEW);
  unread = "none";
  await observe(yard.context);
  unread = "former";
  yard.provider.machines.set(NEW, { state: "dead", machineId: NEW });
  yard.provider.machines.delete(LEFT);
  await yard.pass();
  yard.clock.advance(10 * MINUTE_MS);
  await yard.pass();
  expect(yard.provider.terminated.map((permit) => [permit.machineId, permit.proof])).toEqual([[NEW, "provider-dead"]]);
  expect([await stateOf(NEW), await stateOf(LEFT)]).toEqual(["gone", "retiring"]);
  expect(yard.context.memory.observed.get(LEFT)?.state).toBe("running");
  expect(yard.context.memory.guards.listing).toMatchObject({ isWhole: false, steadySinceMs: null });
  const told = (await listEvidence(yard.store.db, poolSubject(yard.context.pool.name), 50)).map(({ fact }) => fact);
  expect(told).toContain("its machines could not all be listed: listing the former namespace");
});

it("adopts what is there and has no row, and starts machines then", async () => {
  yard.provider.machines.set(NEW, { state: "running", machineId: NEW });
  await yard.queue();
  await yard.pass();
  expect(await loadMachine(yard.store.db, NEW)).toMatchObject({ origin: "adopted" });
  expect(yard.provider.launches).toHaveLength(1);
});

it("remembers of what it adopts by which settings it was found", async () => {
  unread = "none";
  for (const id of [LEFT, NEW]) yard.provider.machines.set(id, { state: "running", machineId: id });
  const sinceMs = yard.clock.nowMs();
  const gone = { kind: "gone", providerId: parseProviderId(LEFT), reason: "surplus", sinceMs } as const;
  await insertMachine(yard.store.db, machineOf({ id: LEFT, state: gone }));
  yard.clock.advance(2 * MINUTE_MS);
  await observe(yard.context);
  const foundBy = async (id: MachineId) => (await loadMachine(yard.store.db, id))?.foundBySettings;
  expect([await foundBy(LEFT), await foundBy(NEW)]).toEqual([["former"], [yard.context.pool.settingsHash]]);
});

it("starts machines of a kind that the unread place cannot have, though none is there yet", async () => {
  const instances = { ...placeOf("current"), idKind: "instance", isExclusive: false } as const;
  Object.assign(yard.context, { provider: joinProviders(instances, [placeOf("former")]) });
  await yard.queue();
  await yard.pass();
  expect(yard.context.memory.isFleetListed).toBe(true);
  expect(yard.provider.launches).toHaveLength(1);
});

it("starts none while it is the present place that cannot be read", async () => {
  unread = "current";
  await yard.queue();
  await yard.pass();
  expect(yard.provider.launches).toEqual([]);
});

it("repeats no launch of former settings before their place was read too", async () => {
  await addRow(LEFT);
  const { settingsHash } = yard.context.pool;
  await insertLaunch(yard.store.db, sampleLaunch(1, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash, nextAttemptAtMs: 0 }));
  await observe(yard.context);
  await launchMachines(yard.context);
  expect(yard.provider.launches.map((request) => request.settingsHash)).toEqual([settingsHash]);
  unread = "none";
  await observe(yard.context);
  await launchMachines(yard.context);
  expect(yard.provider.launches.map((request) => request.settingsHash)).toEqual([settingsHash, "former"]);
});

it("repeats a launch of former settings whose own place was read, whichever other was not since", async () => {
  const formers = [placeOf("former"), placeOf("emptied")];
  Object.assign(yard.context, { provider: joinProviders(placeOf("current"), formers) });
  await addRow(NEW);
  await insertLaunch(yard.store.db, sampleLaunch(1, { settingsHash: "former", nextAttemptAtMs: 0 }));
  await insertLaunch(yard.store.db, sampleLaunch(2, { settingsHash: "emptied", nextAttemptAtMs: 0 }));
  const launched = async () => {
    await observe(yard.context);
    await launchMachines(yard.context);
    return yard.provider.launches.map((request) => request.settingsHash);
  };
  expect(await launched()).toEqual(["emptied"]);
  unread = "emptied";
  expect(await launched()).toEqual(["emptied", "former"]);
  unread = "former";
  await insertLaunch(yard.store.db, sampleLaunch(3, { settingsHash: "former", nextAttemptAtMs: 0 }));
  expect(await launched()).toEqual(["emptied", "former", "former"]);
});

it("is known to the guards not to be whole though the store takes no note of it", async () => {
  unread = "none";
  await observe(yard.context);
  expect(yard.context.memory.guards.listing.isWhole).toBe(true);
  unread = "current";
  await withoutWrites(yard, () => expect(observe(yard.context)).rejects.toMatchObject({ code: "store-unavailable" }));
  expect(yard.context.memory.guards.listing.isWhole).toBe(false);
});

it("is no whole one for whoever asks when the last was", async () => {
  unread = "none";
  await observe(yard.context);
  const { wholeAtMs } = yard.context.memory.guards.listing;
  expect(wholeAtMs).toBe(yard.clock.nowMs());
  unread = "former";
  yard.clock.advance(MINUTE_MS);
  await observe(yard.context);
  expect(yard.context.memory.guards.listing).toMatchObject({ isWhole: false, wholeAtMs });
});
