import type { Instance } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { Batch } from "../../../src/adapters/aws/batch.ts";
import { Census } from "../../../src/adapters/ec2/census.ts";
import { Interruptions } from "../../../src/adapters/ec2/interruptions.ts";
import { type ListContext, listMachines, readByIds } from "../../../src/adapters/ec2/list.ts";
import { Places } from "../../../src/adapters/ec2/places.ts";
import { Rests } from "../../../src/adapters/ec2/rests.ts";
import { parseControllerId, parseProviderId } from "../../../src/domain/ids.ts";
import type { ProviderState } from "../../../src/domain/observed.ts";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import { poolName } from "../../domain/builders.ts";
import { type Answer, fakeEc2, throwing } from "./fake-client.ts";
import { handClock, NO_PLACE, settingsAt } from "./stage.ts";

const OWNER = { controllerId: parseControllerId("ci-test"), pool: poolName() };
const ID = "i-00000001";
const MARKS = [
  { Key: "holdfast:controller", Value: "ci-test" },
  { Key: "holdfast:pool", Value: "linux" },
  { Key: "holdfast:launch", Value: "l-00000001" },
];

const instance = (changes: object = {}): Instance => ({
  InstanceId: ID,
  InstanceType: "m5.large",
  State: { Name: "running" },
  Tags: MARKS,
  Placement: { AvailabilityZone: "a" },
  ...changes,
});

function stage(instances: readonly Instance[], answers: Record<string, Answer> = {}) {
  const clock = handClock();
  const ec2 = fakeEc2({
    DescribeInstances: () => ({ Reservations: [{ Instances: instances }] }),
    DescribeSubnets: () => ({
      Subnets: NO_PLACE.subnets.map((SubnetId) => ({ SubnetId, AvailabilityZone: SubnetId.slice(-1) })),
    }),
    ...answers,
  });
  const reading = {
    clients: ec2.clients,
    owner: OWNER,
    clock,
    census: new Census(),
    places: new Places(ec2.clients, settingsAt("http://ec2.test")),
    rests: new Rests(clock),
    interruptions: new Interruptions(clock),
    tags: { team: "platform" },
    learned: new Set<string>(),
  };
  const context: ListContext = {
    ...reading,
    reads: new Batch({ clock, countMax: 100, work: (ids) => readByIds(reading, ids) }),
  };
  return { ec2, context, clock };
}

describe("an instance", () => {
  it.each<readonly [string, ProviderState]>([
    ["pending", "starting"],
    ["running", "running"],
    ["stopping", "running"],
    ["stopped", "stopped"],
    ["shutting-down", "dead"],
    ["terminated", "gone"],
    ["a state that EC2 has added since", "running"],
  ])("that is %s is %s", async (Name, state) => {
    const { context } = stage([instance({ State: { Name } })]);
    expect(await listMachines(context, "all")).toEqual([
      {
        providerId: ID,
        machineId: null,
        launchId: "l-00000001",
        pool: "linux",
        state,
        observedAtMs: context.clock.nowMs(),
      },
    ]);
  });

  it.each<readonly [string, ProviderState]>([
    ["Client.UserInitiatedShutdown", "stopped"],
    ["Client.InstanceInitiatedShutdown", "stopped"],
    ["Client.UserInitiatedHibernate", "running"],
  ])("stopped by %s is %s: what is hibernated goes on where it was", async (Code, want) => {
    const { context } = stage([instance({ State: { Name: "stopped" }, StateReason: { Code } })]);
    expect((await listMachines(context, "all"))[0]?.state).toBe(want);
  });

  it("whose marks are not ours to read is shown without them", async () => {
    const Tags = [MARKS[0], { Key: "holdfast:pool", Value: "NO POOL" }, { Key: "holdfast:launch", Value: "?" }];
    const { context } = stage([instance({ Tags })]);
    expect(await listMachines(context, "all")).toMatchObject([{ machineId: null, launchId: null, pool: null }]);
  });

  it("that carries another controller's mark is not known by its id", async () => {
    const { context } = stage([instance({ Tags: [{ Key: "holdfast:controller", Value: "ci-other" }] })]);
    expect(await listMachines(context, [parseProviderId(ID)])).toMatchObject([{ state: "not-found" }]);
  });

  it("that lost its marks is given them again, and one that has ended is not", async () => {
    const poolLost = stage([instance({ Tags: MARKS.slice(0, 1) })], { CreateTags: () => ({}) });
    await listMachines(poolLost.context, [parseProviderId(ID)]);
    expect(poolLost.ec2.inputs("CreateTags")).toHaveLength(1);
    const whole = stage([instance()]);
    await listMachines(whole.context, [parseProviderId(ID)]);
    expect(whole.ec2.inputs("CreateTags")).toEqual([]);
    const lost = stage([instance({ Tags: [] })], { CreateTags: () => ({}) });
    expect(await listMachines(lost.context, [parseProviderId(ID)])).toMatchObject([{ state: "running" }]);
    expect(lost.ec2.inputs("CreateTags")[0]).toMatchObject({
      Resources: [ID],
      Tags: expect.arrayContaining([{ Key: "holdfast:controller", Value: "ci-test" }]),
    });
    const ended = stage([instance({ Tags: [], State: { Name: "terminated" } })]);
    expect(await listMachines(ended.context, [parseProviderId(ID)])).toMatchObject([{ state: "gone" }]);
    expect(ended.ec2.inputs("CreateTags")).toEqual([]);
  });

  const MEMBER = { Key: "aws:autoscaling:groupName", Value: "runners" };
  it.each([
    ["nothing else", []],
    ["our mark and no pool's", MARKS.slice(0, 1)],
  ])(
    "that a group started is marked by no reading, and is ours only by its row: it carries %s",
    async (_what, marks) => {
      const { context, ec2 } = stage([instance({ Tags: [...marks, MEMBER] })]);
      expect(await listMachines(context, [parseProviderId(ID)])).toMatchObject([{ state: "running", needsRow: true }]);
      expect(ec2.inputs("CreateTags")).toEqual([]);
    },
  );

  it("that we started is ours in a group too, and is marked again where it lost some of its marks", async () => {
    const whole = stage([instance({ Tags: [...MARKS, MEMBER] })]);
    const [observed] = await listMachines(whole.context, [parseProviderId(ID)]);
    expect(observed).toMatchObject({ state: "running", pool: "linux" });
    expect(observed?.needsRow).toBeUndefined();
    const poolLost = stage([instance({ Tags: [MARKS[0], MARKS[2], MEMBER] })], { CreateTags: () => ({}) });
    expect((await listMachines(poolLost.context, [parseProviderId(ID)]))[0]?.needsRow).toBeUndefined();
    expect(poolLost.ec2.inputs("CreateTags")).toHaveLength(1);
  });

  it("that cannot be given its marks again is read all the same", async () => {
    const { context } = stage([instance({ Tags: [] })], { CreateTags: throwing("UnauthorizedOperation") });
    expect(await listMachines(context, [parseProviderId(ID)])).toMatchObject([{ state: "running" }]);
  });
});

describe("readings of one moment", () => {
  it("are one call", async () => {
    const ids = ["i-00000001", "i-00000002", "i-00000003"].map(parseProviderId);
    const { context, ec2 } = stage(ids.map((InstanceId) => instance({ InstanceId })));
    const read = await Promise.all(ids.map((id) => listMachines(context, [id])));
    expect(read.flat().map(({ providerId }) => providerId)).toEqual(ids);
    expect(ec2.inputs("DescribeInstances")).toHaveLength(1);
  });

  it("of another kind's id are an error, because not knowing it would say nothing", async () => {
    const { context, ec2 } = stage([]);
    await expect(listMachines(context, [parseProviderId("m-00000001")])).rejects.toMatchObject({
      code: "provider-unavailable",
    });
    expect(ec2.sent).toEqual([]);
  });
});

describe("ten thousand machines", () => {
  const PAGE = 1_000;
  const ids = Array.from({ length: 10_000 }, (_, index) => `i-${index.toString(16).padStart(8, "0")}`);
  const paged: Answer = ({ MaxResults, NextToken, InstanceIds }) => {
    if (InstanceIds !== undefined)
      return { Reservations: [{ Instances: InstanceIds.map((InstanceId: string) => instance({ InstanceId })) }] };
    const first = Number(NextToken ?? 0);
    const some = ids.slice(first, first + MaxResults).map((InstanceId) => instance({ InstanceId }));
    const next = first + MaxResults;
    return { Reservations: [{ Instances: some }], NextToken: next < ids.length ? String(next) : undefined };
  };

  it("are listed by a call for each page, and none for a machine", async () => {
    const { context, ec2 } = stage([], { DescribeInstances: paged });
    expect(await listMachines(context, "all")).toHaveLength(ids.length);
    expect(ec2.sent).toHaveLength(ids.length / PAGE);
  });

  it("are read by their ids by few calls", async () => {
    const { context, ec2 } = stage([], { DescribeInstances: paged });
    expect(await listMachines(context, ids.map(parseProviderId))).toHaveLength(ids.length);
    expect(ec2.sent.length).toBeLessThanOrEqual(100);
  });
});

describe("what a listing teaches", () => {
  const reclaimed = instance({
    State: { Name: "terminated" },
    StateReason: { Code: "Server.SpotInstanceTermination" },
    InstanceLifecycle: "spot",
  });
  const place = { instanceType: "m5.large", zone: "a", subnet: "subnet-0000000a" };

  it("is where spot takes machines back again and again, by each that it took", async () => {
    const { context } = stage([reclaimed, { ...reclaimed, InstanceId: "i-00000002" }]);
    const seldom = { ...place, zone: "b" };
    await listMachines(context, "all");
    await listMachines(context, "all");
    expect(context.interruptions.describe()).toEqual([expect.stringContaining("took back about 2 of 2 machines")]);
    expect(context.interruptions.seldomIn([place, seldom])).toEqual([seldom]);
  });

  it("is where spot takes machines back, once for each", async () => {
    const { context, clock } = stage([reclaimed]);
    await listMachines(context, "all");
    const rest = context.rests.of(place, "spot");
    expect(rest?.why).toMatch(/reclaimed/);
    await listMachines(context, "all");
    expect(context.rests.of(place, "spot")).toEqual(rest);
    clock.pass(3 * MINUTE_MS);
    await listMachines(context, "all");
    expect(context.rests.of(place, "spot")).toBeNull();
    expect(context.rests.of(place, "on-demand")).toBeNull();
  });

  it("is where EC2 had no room after all", async () => {
    const StateReason = { Code: "Server.InsufficientInstanceCapacity" };
    const { context } = stage([instance({ State: { Name: "terminated" }, StateReason })]);
    await listMachines(context, "all");
    expect(context.rests.of(place, "on-demand")).not.toBeNull();
  });

  it("is nothing where we ended it, or somebody else did", async () => {
    const StateReason = { Code: "Client.UserInitiatedShutdown" };
    const { context } = stage([instance({ State: { Name: "terminated" }, StateReason })]);
    await listMachines(context, "all");
    expect(context.rests.describe()).toEqual([]);
  });

  it("is how many are on-demand, those that have ended aside", async () => {
    const { context } = stage([
      instance({ InstanceId: "i-00000001" }),
      instance({ InstanceId: "i-00000002", InstanceLifecycle: "spot" }),
      instance({ InstanceId: "i-00000003", State: { Name: "terminated" } }),
    ]);
    await listMachines(context, "all");
    expect(context.census.standing()).toEqual({ count: 2, onDemandCount: 1 });
    context.census.noteStarted(3, 2);
    expect(context.census.standing()).toEqual({ count: 5, onDemandCount: 3 });
  });
});
