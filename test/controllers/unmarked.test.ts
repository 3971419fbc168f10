/** Agents that speak as machines which nobody lists and no row knows: whose they are, by a real adapter's word. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Batch } from "../../src/adapters/aws/batch.ts";
import { Census } from "../../src/adapters/ec2/census.ts";
import { Interruptions } from "../../src/adapters/ec2/interruptions.ts";
import { listMachines, readByIds } from "../../src/adapters/ec2/list.ts";
import { Places } from "../../src/adapters/ec2/places.ts";
import { Rests } from "../../src/adapters/ec2/rests.ts";
import { attend } from "../../src/controllers/attend.ts";
import { observe } from "../../src/controllers/observe.ts";
import { retire } from "../../src/controllers/retire.ts";
import type { ProviderId } from "../../src/domain/ids.ts";
import { strayMachineId } from "../../src/domain/stray.ts";
import { HOUR_MS, SECOND_MS } from "../../src/domain/units.ts";
import type { Provider } from "../../src/ports/provider.ts";
import { type FakeGroup, idOf, type Stage, stage } from "../adapters/asg/stage.ts";
import { settingsAt } from "../adapters/ec2/stage.ts";
import { Yard } from "./yard.ts";

let yard: Yard;
beforeEach(async () => {
  yard = await Yard.open();
  yard.heardSinceMs -= HOUR_MS;
});
afterEach(() => yard.close());

const marksOf = (pool: string) => ({ "holdfast:controller": "yard", "holdfast:pool": pool });

/** The yard's clock as an adapter's, for which nobody waits. */
function clockOfYard() {
  const { clock } = yard;
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: async (durationMs: number) => clock.advance(durationMs),
    pass: (durationMs: number) => clock.advance(durationMs),
  };
}

/** The yard's pool has this group. */
function overGroup(isLeft: boolean): Stage {
  const { controllerId, pool } = yard.context;
  const made = stage({}, { controllerId, pool: pool.name, isLeft }, clockOfYard());
  Object.assign(yard.context, { provider: made.provider, abilities: made.provider });
  if (isLeft) Object.assign(yard.context, { pool: { ...pool, mode: "departed" } });
  return made;
}

/** The yard's pool is of instances, beside a group of the same region that it does not name. */
function ofInstances(mode: "run" | "observe" | "departed"): Stage {
  const { controllerId, pool } = yard.context;
  const clock = clockOfYard();
  const made = stage({}, {}, clock);
  const { ec2 } = made.group.clients;
  const clients = { ...ec2, launch: ec2.write };
  const reading = {
    clients,
    owner: { controllerId, pool: pool.name },
    clock,
    census: new Census(),
    places: new Places(clients, settingsAt("http://ec2.test")),
    rests: new Rests(clock),
    interruptions: new Interruptions(clock),
    tags: {},
    learned: new Set<string>(),
  };
  const reads = new Batch({ clock, countMax: 100, work: (ids: readonly ProviderId[]) => readByIds(reading, ids) });
  const provider: Provider = {
    launch: async () => [],
    list: (which) => listMachines({ ...reading, reads }, which),
    terminate: (permit) => yard.provider.terminate(permit),
    readRunnerVersion: async () => null,
    check: async () => [],
  };
  Object.assign(yard.context, { provider, pool: { ...pool, mode } });
  return made;
}

/** Its agent speaks for two minutes, and is ready to leave. */
async function speaks(providerId: ProviderId): Promise<void> {
  const name = strayMachineId(providerId);
  if (name === null) throw new Error("an instance's id makes a name");
  const agent = yard.agent(name, `incarnation-${providerId}`);
  agent.providerId = providerId;
  for (let look = 0; look < 8; look += 1) {
    await agent.checkIn();
    await agent.report({ phase: look > 1 ? "leaving" : "parked" });
    await attend(yard.context);
    await observe(yard.context);
    await retire(yard.context);
    yard.clock.advance(15 * SECOND_MS);
  }
}

/** Each that is ended is followed by another, as at its minimum. */
function replaces(group: FakeGroup): void {
  group.size = { min: 1, max: 5, desired: 1 };
  group.answers.TerminateInstanceInAutoScalingGroup = ({ InstanceId }) => {
    Object.assign(group.members.get(InstanceId) ?? {}, { lifecycle: "Terminated", ec2: "terminated" });
    group.add(group.members.size + 1, { launchedAtMs: yard.clock.nowMs() });
    return {};
  };
}

describe("who comes to a group that the pool has left", () => {
  it.each([
    ["carries no mark", {}],
    ["carries the mark of the pool that has the group now", marksOf("its-new-pool")],
  ])("is none of its machines, though its agent speaks: it %s", async (_how, tags) => {
    const { group } = overGroup(true);
    replaces(group);
    group.add(1, { launchedAtMs: yard.clock.nowMs(), tags });
    await speaks(idOf(1));
    expect(await yard.machines()).toEqual([]);
    expect(group.writes()).toEqual([]);
  });

  it("is none of its machines once it was detached", async () => {
    const { group } = overGroup(true);
    group.add(1, { group: null });
    await speaks(idOf(1));
    expect(await yard.machines()).toEqual([]);
    expect(group.writes()).toEqual([]);
  });
});

it("who was detached from the pool's group before anybody saw it is adopted, and ends once it is idle", async () => {
  const { group } = overGroup(false);
  group.add(1, { group: null });
  await speaks(idOf(1));
  expect(group.inputs("TerminateInstances")).toContainEqual({ InstanceIds: [idOf(1)] });
});

describe("a pool of instances", () => {
  it.each(["run", "departed"] as const)("in mode %s takes nobody whom a group has started", async (mode) => {
    const { group } = ofInstances(mode);
    group.add(1, { group: "only-observed" });
    await speaks(idOf(1));
    expect(await yard.machines()).toEqual([]);
    expect(group.writes()).toEqual([]);
  });

  it("takes one whose marks were taken off before anybody saw it", async () => {
    const { group } = ofInstances("run");
    group.add(1, { group: null });
    await speaks(idOf(1));
    expect(await yard.onlyMachine()).toMatchObject({ origin: "adopted" });
    expect(group.members.get(idOf(1))?.tags).toMatchObject(marksOf("linux"));
  });

  it("marks nobody where it only observes", async () => {
    const { group } = ofInstances("observe");
    group.add(1, { group: null });
    await speaks(idOf(1));
    expect(await yard.machines()).toEqual([]);
    expect(group.writes()).toEqual([]);
  });
});
