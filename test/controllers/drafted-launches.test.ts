/**
 * Launches whose request is drafted and stored, answers with fewer machines than were asked for, and instances that only
 * the store can name.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { assign } from "../../src/controllers/assign.ts";
import { launchMachines } from "../../src/controllers/execute/launch.ts";
import { observe } from "../../src/controllers/observe.ts";
import { ProviderError } from "../../src/domain/errors.ts";
import { type MachineId, parseJobId, parseProviderId } from "../../src/domain/ids.ts";
import type { ObservedMachine } from "../../src/domain/observed.ts";
import { strayMachineId } from "../../src/domain/stray.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { LaunchRequest } from "../../src/ports/provider.ts";
import { listDecisions } from "../../src/store/evidence/decisions.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadLaunch } from "../../src/store/launches/load.ts";
import { listLogs } from "../../src/store/logs/logs.ts";
import { jobSubject, poolSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { type Cloud, openCloud } from "./cloud.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
let cloud: Cloud;

beforeEach(async () => {
  yard = await Yard.open({ machineCountMax: 8 });
  cloud = openCloud(yard);
});
afterEach(() => yard.close());

const states = async () => (await yard.machines()).map(({ state }) => state.kind).sort();
const bindings = async () =>
  new Map((await yard.machines()).flatMap(({ id, state }) => ("providerId" in state ? [[state.providerId, id]] : [])));

describe("a launch that is drafted", () => {
  it("is drafted once, stored before it is made, and repeated as it is stored", async () => {
    cloud.losesAnswer = true;
    await yard.queue(1);
    await yard.pass();
    const [asked] = cloud.asked;
    expect(asked?.order).toBe("order 1");
    expect((await loadLaunch(yard.store.db, asked?.launchId as never))?.order).toBe("order 1");
    yard.clock.advance(5 * MINUTE_MS);
    cloud.losesAnswer = false;
    await yard.pass();
    expect(cloud.asked.at(-1)).toEqual(asked);
    expect(cloud.drafts).toHaveLength(1);
    expect(await states()).toEqual(["provisioning"]);
  });

  it("is not made where the draft is refused, and its planned machines close", async () => {
    const { orders } = yard.context.abilities ?? {};
    if (orders == null) throw new Error("the cloud drafts");
    orders.draft = async () => {
      throw new ProviderError("provider-quota", "choosing where to start", { retryAfterMs: 10 * MINUTE_MS });
    };
    const id = await yard.queue(1);
    await yard.pass();
    expect(cloud.asked).toEqual([]);
    expect(await states()).toEqual(["gone"]);
    yard.clock.advance(9 * MINUTE_MS);
    await yard.pass();
    expect(await states()).toEqual(["gone"]);
    const [decision] = await listDecisions(yard.store.db, jobSubject(connectionName(), id), 1);
    expect(decision?.reason).toBe("provider-quota");
  });

  it("is followed by another at once where that would be made in another way", async () => {
    cloud.refusal = new ProviderError("provider-capacity", "no room on spot", { retryAfterMs: 0 });
    await yard.queue(1);
    await yard.pass();
    cloud.refusal = null;
    await yard.pass();
    expect(await states()).toContain("provisioning");
  });

  it("is not followed at once where only a pause was named", async () => {
    cloud.refusal = new ProviderError("provider-capacity", "no room", { retryAfterMs: 3 * MINUTE_MS });
    await yard.queue(1);
    await yard.pass();
    cloud.refusal = null;
    yard.clock.advance(2 * MINUTE_MS);
    await yard.pass();
    expect(cloud.asked).toHaveLength(1);
  });
});

describe("an answer with fewer machines than were asked for", () => {
  beforeEach(async () => {
    cloud.room = 1;
    for (const id of [1, 2, 3]) await yard.queue(id);
    await assign(yard.context);
    await launchMachines(yard.context);
  });

  it("binds those that it has, and closes the others as never launched", async () => {
    expect(await states()).toEqual(["gone", "gone", "provisioning"]);
    const gone = (await yard.machines()).filter(({ state }) => state.kind === "gone");
    expect(gone.map(({ state }) => (state.kind === "gone" ? state.reason : null))).toEqual([
      "never-launched",
      "never-launched",
    ]);
  });

  it("says on the pool's record what stood in the way, and jobs are launched for anew", async () => {
    const facts = (await listEvidence(yard.store.db, poolSubject(yard.context.pool.name), 5)).map(({ fact }) => fact);
    expect(facts[0]).toMatch(/started 1 of 3 machines: m7i\.large in zone a rests$/);
    cloud.room = 100;
    await yard.pass();
    expect((await states()).filter((kind) => kind === "provisioning")).toHaveLength(3);
  });
});

describe("instances that do not say which machine they are", () => {
  it("are the machines that they were bound to, whatever the order of the listing", async () => {
    for (const id of [1, 2, 3]) await yard.queue(id);
    await yard.pass();
    const bound = await bindings();
    expect(bound.size).toBe(3);
    const { list } = yard.provider;
    yard.provider.list = async (which) => (await list(which)).toReversed();
    await observe(yard.context);
    for (const [providerId, machineId] of bound)
      expect(yard.context.memory.observed.get(machineId)).toMatchObject({ providerId });
    expect(await yard.machines()).toHaveLength(3);
  });

  it("wait for the repeat of a launch whose answer is lost, and are no strays", async () => {
    cloud.losesAnswer = true;
    await yard.queue(1);
    await yard.pass();
    expect(await states()).toEqual(["planned"]);
    cloud.losesAnswer = false;
    yard.clock.advance(5 * MINUTE_MS);
    await yard.pass();
    expect(await states()).toEqual(["provisioning"]);
  });

  it("are strays where their launch is over and bound others: adopted once, under a name that stays", async () => {
    await yard.queue(1);
    await yard.pass();
    const [request] = cloud.asked;
    const providerId = parseProviderId("i-0123456789abcdef0");
    cloud.instances.set(providerId, { request: request as LaunchRequest, state: "running" });
    await observe(yard.context);
    await observe(yard.context);
    const adopted = (await yard.machines()).filter(({ origin }) => origin === "adopted");
    expect(adopted.map(({ id }) => id)).toEqual(["m-i0123456789abcdef0"]);
    expect(adopted[0]?.state).toMatchObject({ kind: "engaged", providerId });
  });

  it("are named by the provider's id alone, and not where that has too little in it", () => {
    expect(strayMachineId(parseProviderId("i-0A1B2C3D"))).toBe("m-i0a1b2c3d");
    expect(strayMachineId(parseProviderId("i-1"))).toBeNull();
  });
});

describe("a machine that somebody else stopped", () => {
  let id: MachineId;
  const shown = (): ObservedMachine | undefined => yard.context.memory.observed.get(id);

  beforeEach(async () => {
    await yard.queue(1);
    await yard.pass();
    id = (await yard.onlyMachine()).id;
    for (const instance of cloud.instances.values()) instance.state = "stopped";
    await observe(yard.context);
  });

  it("is dead after a quarter of an hour, and ends", async () => {
    expect(shown()?.state).toBe("stopped");
    yard.clock.advance(15 * MINUTE_MS - SECOND_MS);
    await observe(yard.context);
    expect(shown()?.state).toBe("stopped");
    yard.clock.advance(SECOND_MS);
    await observe(yard.context);
    expect(shown()?.state).toBe("dead");
    await yard.pass();
    expect(yard.provider.terminated.at(-1)?.machineId).toBe(id);
  });

  it("is not dead while its agent is heard, and counts from its last word", async () => {
    yard.clock.advance(14 * MINUTE_MS);
    await yard.agent(id).checkIn();
    yard.clock.advance(15 * MINUTE_MS - SECOND_MS);
    await observe(yard.context);
    expect(shown()?.state).toBe("stopped");
    yard.clock.advance(SECOND_MS);
    await observe(yard.context);
    expect(shown()?.state).toBe("dead");
  });

  it("is not dead where it was started again meanwhile", async () => {
    yard.clock.advance(10 * MINUTE_MS);
    for (const instance of cloud.instances.values()) instance.state = "running";
    await observe(yard.context);
    for (const instance of cloud.instances.values()) instance.state = "stopped";
    yard.clock.advance(14 * MINUTE_MS);
    await observe(yard.context);
    yard.clock.advance(14 * MINUTE_MS);
    await observe(yard.context);
    expect(shown()?.state).toBe("stopped");
  });
});

describe("a machine that died by itself", () => {
  it.each([
    ["leaves what its console says, where that lasts", true, [["console", ["no network"]]]],
    ["is not asked for a console that went with it", false, []],
  ] as const)("%s", async (_name, isLasting, logs) => {
    const { abilities } = yard.context;
    if (abilities?.consoles == null) throw new Error("these machines have consoles");
    Object.assign(yard.context, { abilities: { ...abilities, consoles: { ...abilities.consoles, isLasting } } });
    await yard.queue(1);
    await yard.pass();
    const { id } = await yard.onlyMachine();
    for (const instance of cloud.instances.values()) instance.state = "dead";
    await yard.pass();
    expect(yard.provider.terminated.map(({ proof }) => proof)).toContain("provider-dead");
    expect((await listLogs(yard.store.db, id)).map(({ name, lines }) => [name, lines])).toEqual(logs);
  });
});

describe("a machine that never checked in", () => {
  it("leaves what its console says, read once", async () => {
    await yard.queue(1);
    await yard.pass();
    const { id } = await yard.onlyMachine();
    yard.provider.terminateTakes = false;
    for (let count = 0; count < 3; count += 1) {
      yard.clock.advance(6 * MINUTE_MS);
      await yard.pass();
    }
    expect(yard.provider.terminated.map(({ proof }) => proof)).toContain("never-engaged");
    expect((await listLogs(yard.store.db, id)).map(({ name, lines }) => [name, lines])).toEqual([
      ["console", ["no network"]],
    ]);
    expect(cloud.consolesRead.filter((providerId) => providerId === cloud.consolesRead[0])).toHaveLength(1);
  });
});

describe("jobs that come in a burst", () => {
  const planned = async () => (await states()).filter((kind) => kind === "planned").length;

  beforeEach(async () => {
    await yard.queue(1);
    await assign(yard.context);
    expect(await planned()).toBe(1);
  });

  it("share the next launch: it is written once the one under way was answered, and a second later", async () => {
    await yard.queue(2);
    await assign(yard.context);
    expect(await planned()).toBe(1);
    const [decision] = await listDecisions(yard.store.db, jobSubject(connectionName(), parseJobId(2)), 1);
    expect(decision?.reason).toBe("machine-launching");
    await launchMachines(yard.context);
    await yard.queue(3);
    yard.clock.advance(SECOND_MS - 1);
    await assign(yard.context);
    expect(await planned()).toBe(0);
    yard.clock.advance(1);
    await assign(yard.context);
    await launchMachines(yard.context);
    expect(cloud.asked.map(({ machines }) => machines.length)).toEqual([1, 2]);
  });

  it("are told of once the second is over, so that nobody waits for the next period", async () => {
    const woken: string[] = [];
    Object.assign(yard.context, { wake: { controller: (name: string) => woken.push(name), machine: () => undefined } });
    await launchMachines(yard.context);
    woken.length = 0;
    await launchMachines(yard.context);
    expect(woken).toEqual([]);
    yard.clock.advance(SECOND_MS);
    await launchMachines(yard.context);
    await launchMachines(yard.context);
    expect(woken).toEqual(["assign"]);
  });

  it("do not wait for a launch that failed", async () => {
    cloud.losesAnswer = true;
    await launchMachines(yard.context);
    await yard.queue(2);
    yard.clock.advance(30 * SECOND_MS);
    await assign(yard.context);
    expect(await planned()).toBe(2);
  });

  it("have a launch each where a launch is not one call for many", async () => {
    Object.assign(yard.context, { abilities: undefined });
    await yard.queue(2);
    await assign(yard.context);
    expect(await planned()).toBe(2);
  });
});
