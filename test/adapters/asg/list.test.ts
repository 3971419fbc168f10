import { LifecycleState } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { membershipOf } from "../../../src/adapters/asg/lifecycle.ts";
import { isShownAtHook } from "../../../src/domain/membership.ts";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { GROUP, idOf, OWNER, stage } from "./stage.ts";

const find = (listing: readonly ObservedMachine[], number: number) =>
  listing.find(({ providerId }) => providerId === idOf(number));

describe("where each state of the API has a member", () => {
  const SHORT: Readonly<Record<string, string>> = {
    Pending: "coming none",
    "Pending:Wait": "coming none",
    "Pending:Proceed": "coming none",
    Quarantined: "aside none",
    InService: "serving none",
    Terminating: "serving under-way",
    "Terminating:Wait": "serving waits",
    "Terminating:Proceed": "serving under-way",
    "Terminating:Retained": "serving retained",
    Terminated: "serving under-way",
    Detaching: "aside none",
    Detached: "aside none",
    EnteringStandby: "aside none",
    Standby: "aside none",
    ReplacingRootVolume: "aside none",
    "ReplacingRootVolume:Wait": "aside none",
    "ReplacingRootVolume:Proceed": "aside none",
    RootVolumeReplaced: "aside none",
    "Warmed:Pending": "reserve none",
    "Warmed:Pending:Wait": "reserve none",
    "Warmed:Pending:Proceed": "reserve none",
    "Warmed:Pending:Retained": "reserve retained",
    "Warmed:Terminating": "reserve under-way",
    "Warmed:Terminating:Wait": "reserve waits",
    "Warmed:Terminating:Proceed": "reserve under-way",
    "Warmed:Terminating:Retained": "reserve retained",
    "Warmed:Terminated": "reserve under-way",
    "Warmed:Stopped": "reserve none",
    "Warmed:Running": "reserve none",
    "Warmed:Hibernated": "reserve none",
  };

  it("is told for all of them", () => {
    expect(Object.keys(SHORT).sort()).toEqual(Object.values(LifecycleState).sort());
  });

  it.each(Object.entries(SHORT))("%s: %s", (lifecycle, short) => {
    const { place, departure } = membershipOf(lifecycle);
    expect(`${place} ${departure}`).toBe(short);
  });

  it.each(["", "InServiceSoon", "Terminating:Later", "Warmed:Elsewhere", "Pending:Later", "toString"])(
    "is aside where nobody knows the state: %s",
    (lifecycle) => expect(membershipOf(lifecycle)).toEqual({ place: "aside", departure: "none" }),
  );

  it.each(Object.keys(SHORT))("tells whether a hook holds up what is done with it there: %s", (lifecycle) => {
    const isWaiting = lifecycle.endsWith(":Wait");
    expect(isShownAtHook(membershipOf(lifecycle))).toBe(isWaiting);
  });

  it.each(["ReplacingRootVolume:Wait", "DoneWithSomehow:Wait"])(
    "is aside, and may be held there, where a hook holds up what is done with it: %s",
    (lifecycle) => expect(membershipOf(lifecycle)).toEqual({ place: "aside", departure: "none", isPaused: true }),
  );
});

describe("a complete listing", () => {
  it("is three readings for a group of any size, and one more for its reserve", async () => {
    const { group, provider } = stage({}, { isObserving: true });
    for (let number = 1; number <= 500; number += 1) group.add(number);
    expect(await provider.list("all")).toHaveLength(500);
    expect(group.sent).toHaveLength(3);
    group.hasReserve = true;
    group.add(501, { lifecycle: "Warmed:Stopped", ec2: "stopped" });
    expect(find(await provider.list("all"), 501)).toMatchObject({ state: "stopped", membership: { place: "reserve" } });
    expect(group.sent).toHaveLength(7);
  });

  it("shows members with what the group and EC2 say of them", async () => {
    const { group, provider } = stage();
    group.add(1);
    group.add(2, { lifecycle: "Pending:Wait" });
    group.add(3, { lifecycle: "Terminating:Retained" });
    const listing = await provider.list("all");
    const shared = { machineId: null, launchId: null, pool: OWNER.pool, state: "running", observedAtMs: START_MS };
    expect(find(listing, 1)).toMatchObject({ ...shared, membership: { place: "serving", departure: "none" } });
    expect(find(listing, 2)).toMatchObject({ ...shared, membership: { place: "coming", departure: "none" } });
    expect(find(listing, 3)).toMatchObject({
      membership: { place: "serving", departure: "retained" },
      why: expect.stringContaining("retains it"),
    });
  });

  it("calls nobody gone whom EC2 does not show, and whom it shows terminated gone, whatever the group says", async () => {
    const { group, provider } = stage();
    group.add(1, { ec2: null });
    group.add(2, { ec2: null, lifecycle: "Terminating:Wait" });
    group.add(5, { ec2: null, lifecycle: "Pending:Wait" });
    group.add(3, { ec2: "terminated" });
    group.add(4, {
      ec2: "shutting-down",
      group: null,
      tags: { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool },
    });
    const listing = await provider.list("all");
    expect(find(listing, 1)).toMatchObject({ state: "starting", membership: { place: "coming", departure: "none" } });
    expect(find(listing, 5)).toMatchObject({ state: "starting", membership: { place: "coming", isPaused: true } });
    expect(find(listing, 2)).toMatchObject({ state: "starting", membership: { departure: "waits" } });
    expect(find(listing, 3)).toMatchObject({ state: "gone" });
    expect(find(listing, 4)).toMatchObject({ state: "dead" });
    expect([1, 2, 3].map((number) => find(listing, number)?.isByGroupAlone)).toEqual([true, true, undefined]);
    expect(await provider.list([idOf(2)])).toMatchObject([{ isByGroupAlone: true }]);
    expect(find(listing, 4)).toHaveProperty("membership", null);
  });

  it("shows whom the group does not list yet as coming, and one that is older as aside", async () => {
    const { group, provider } = stage();
    group.add(1, { launchedAtMs: START_MS - SECOND_MS });
    group.add(2);
    group.answers.DescribeAutoScalingGroups = () => ({
      AutoScalingGroups: [{ AutoScalingGroupName: GROUP, Instances: [] }],
    });
    const listing = await provider.list("all");
    expect(find(listing, 1)?.membership?.place).toBe("coming");
    expect(find(listing, 2)?.membership?.place).toBe("aside");
  });

  it("marks members at first sight with nothing but our own, once, and nobody where the pool observes", async () => {
    const { group, provider } = stage();
    group.add(1, { tags: { Name: "theirs" } });
    group.add(2, { ec2: "terminated" });
    await provider.list("all");
    await provider.list("all");
    expect(group.inputs("CreateTags")).toEqual([
      {
        Resources: [idOf(1)],
        Tags: [
          { Key: "holdfast:controller", Value: "ci-test" },
          { Key: "holdfast:pool", Value: OWNER.pool },
        ],
      },
    ]);
    const observing = stage({}, { isObserving: true });
    observing.group.add(1);
    await observing.provider.list("all");
    expect(observing.group.writes()).toEqual([]);
  });

  it("is whole all the same where marking fails", async () => {
    const { group, provider } = stage();
    group.add(1);
    group.answers.CreateTags = throwing("UnauthorizedOperation");
    expect(await provider.list("all")).toHaveLength(1);
  });

  it("still shows those who were detached, as machines like others", async () => {
    const { group, provider } = stage();
    const id = group.add(1);
    await provider.list("all");
    const member = group.members.get(id);
    if (member !== undefined) member.group = null;
    const [observed] = await provider.list("all");
    expect(observed).toMatchObject({ providerId: id, state: "running", pool: OWNER.pool });
    expect(observed?.membership).toBeNull();
  });

  it("calls nobody a former member who was launched without the group, when the pool was of another kind", async () => {
    const { group, provider } = stage();
    const marks = { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool, "holdfast:launch": "l-00000001" };
    group.add(1, { group: null, tags: marks });
    const [observed] = await provider.list("all");
    expect(observed).toMatchObject({ providerId: idOf(1), state: "running" });
    expect(observed?.membership).toBeUndefined();
  });

  it("of a group that no pool names any more shows and marks nobody who came since, and those of before", async () => {
    const { group, provider } = stage({}, { isLeft: true });
    group.hasReserve = true;
    const marks = { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool };
    group.add(1, { tags: marks, lifecycle: "Terminating:Wait" });
    await provider.list("all");
    group.add(2, { launchedAtMs: START_MS });
    group.add(3, { lifecycle: "Warmed:Stopped" });
    group.add(4, { ec2: null, lifecycle: "Pending" });
    group.add(5, { tags: { ...marks, "holdfast:pool": "its-new-pool" } });
    const listing = await provider.list("all");
    expect(listing).toMatchObject([{ providerId: idOf(1), membership: { departure: "waits" } }]);
    expect(await provider.list([idOf(5)])).toMatchObject([{ membership: { place: "serving" } }]);
    const needRow = (await provider.list([1, 2, 3, 4, 5].map(idOf))).map(({ needsRow = false }) => needsRow);
    expect(needRow).toEqual([false, true, true, true, true]);
    expect(group.writes()).toEqual([]);
  });

  it("leaves out another controller's, and those of another group", async () => {
    const { group, provider } = stage({}, { otherGroups: ["others"] });
    group.add(1, { tags: { "holdfast:controller": "other" } });
    group.add(2, { group: "others", tags: { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool } });
    expect(await provider.list("all")).toEqual([]);
    expect(await provider.list([idOf(2)])).toMatchObject([{ state: "not-found" }]);
    expect(await provider.list([idOf(1)])).toMatchObject([{ state: "not-found" }]);
    expect(group.writes()).toEqual([]);
  });

  it.each(["DescribeAutoScalingGroups", "DescribeInstances", "DescribeWarmPool"])(
    "is an error where a part could not be read: %s",
    async (call) => {
      const { group, provider } = stage();
      group.hasReserve = true;
      group.answers[call] = throwing("Throttling", "Rate exceeded");
      await expect(provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
    },
  );

  it("reads the reserve to its last page", async () => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.answers.DescribeWarmPool = ({ NextToken }) =>
      NextToken === undefined
        ? { Instances: [{ InstanceId: idOf(1), LifecycleState: "Warmed:Stopped" }], NextToken: "more" }
        : { Instances: [{ InstanceId: idOf(2), LifecycleState: "Warmed:Running" }] };
    expect(await provider.list("all")).toHaveLength(2);
  });

  it("is not read for ever where pages never end", async () => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.answers.DescribeWarmPool = () => ({ Instances: [], NextToken: "more" });
    await expect(provider.list("all")).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(group.inputs("DescribeWarmPool")).toHaveLength(200);
  });

  it("shows the machines of a group that is gone by their tags alone", async () => {
    const { group, provider, clock } = stage();
    group.add(1);
    group.size = null;
    await provider.list("all");
    clock.pass(5 * MINUTE_MS);
    const [observed] = await provider.list("all");
    expect(observed).toMatchObject({ state: "running" });
    expect(observed?.membership).toBeNull();
  });

  it("calls nobody one that left its group because an answer leaves the group out", async () => {
    const { group, provider, clock } = stage();
    group.add(1);
    const { size } = group;
    for (const shown of [size, null, size, null]) {
      group.size = shown;
      clock.pass(4 * MINUTE_MS);
      expect((await provider.list("all"))[0]?.membership).not.toBeNull();
      expect((await provider.list([idOf(1)]))[0]?.membership).not.toBeNull();
    }
  });
});

describe("a reading by ids", () => {
  it("asks both, for all ids of a moment at once", async () => {
    const { group, provider } = stage();
    group.add(1, { lifecycle: "Terminating:Wait" });
    group.add(2, { ec2: "terminated", group: null });
    const [waiting, ended, unknown] = await provider.list([idOf(1), idOf(2), idOf(3)]);
    expect(waiting).toMatchObject({ state: "running", membership: { departure: "waits" } });
    expect(ended).toMatchObject({ state: "gone" });
    expect(unknown).toMatchObject({ state: "not-found", pool: null });
    expect(group.sent).toHaveLength(2);
  });

  it("leaves to a group of another setting whom that has now, though EC2 has it by the tag of ours", async () => {
    const { group, provider } = stage({}, { otherGroups: ["others"] });
    group.add(1);
    group.answers.DescribeAutoScalingInstances = () => ({
      AutoScalingInstances: [{ InstanceId: idOf(1), LifecycleState: "InService", AutoScalingGroupName: "others" }],
    });
    expect(await provider.list([idOf(1)])).toMatchObject([{ state: "not-found" }]);
  });

  it.each([
    ["by its tag alone", "running", null, "running"],
    ["by the group's word", "running", "InService", "running"],
    ["while it comes", "pending", "Pending", "starting"],
    ["until EC2 says that it is gone", "terminated", "Terminating", "gone"],
  ])("shows whom a group has that no setting names: %s", async (_how, ec2, lifecycle, state) => {
    const { group, provider } = stage({}, { otherGroups: ["former"] });
    const tags = { "holdfast:controller": "ci-test", "holdfast:pool": OWNER.pool };
    group.add(1, { group: "others", ec2, tags, ...(lifecycle === null ? {} : { lifecycle }) });
    if (lifecycle === null) group.answers.DescribeAutoScalingInstances = () => ({ AutoScalingInstances: [] });
    const why = "it is in group others now, which no setting of the pool names";
    expect(await provider.list([idOf(1)])).toMatchObject([{ state, membership: null, why }]);
  });

  it.each([
    ["another pool has", { "holdfast:controller": "ci-test", "holdfast:pool": "other" }],
    ["nobody has", {}],
  ])("shows one there that %s marked to whoever has a row of it: it may run that row's job", async (_who, tags) => {
    const { group, provider } = stage();
    group.add(1, { group: "others", tags });
    expect(await provider.list([idOf(1)])).toMatchObject([{ state: "running", membership: null, needsRow: true }]);
  });

  it("knows nothing of one there that another controller has marked", async () => {
    const { group, provider } = stage();
    group.add(1, { group: "others", tags: { "holdfast:controller": "other", "holdfast:pool": OWNER.pool } });
    expect(await provider.list([idOf(1)])).toMatchObject([{ state: "not-found" }]);
  });

  it("asks for no more members in one call than it may", async () => {
    const { group, provider } = stage();
    const ids = Array.from({ length: 120 }, (_, index) => idOf(index + 1));
    for (const [index] of ids.entries()) group.add(index + 1);
    expect(await provider.list(ids)).toHaveLength(120);
    expect(group.inputs("DescribeAutoScalingInstances").map(({ InstanceIds }) => InstanceIds.length)).toEqual([
      50, 50, 20,
    ]);
  });

  it("says nothing of what is no instance", async () => {
    const { provider } = stage();
    await expect(provider.list(["pod" as never])).rejects.toMatchObject({ code: "provider-unavailable" });
  });
});

describe("members of an open launch", () => {
  it("wait for its answer, but for those that were there before, and those that only wait in the reserve", async () => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.add(1);
    const request = newLaunch(1);
    await provider.orders?.draft(request);
    group.add(2, { lifecycle: "Pending" });
    group.add(3, { lifecycle: "Warmed:Running" });
    group.add(4, { lifecycle: "Terminating:Wait" });
    const listing = await provider.list("all");
    expect([1, 2, 3, 4].map((number) => find(listing, number)?.launchId)).toEqual([null, request.launchId, null, null]);
  });
});

describe("how many the group keeps whatever we end", () => {
  it.each([
    ["holdfast", 2],
    ["external", 5],
  ] as const)("sized by %s: %i, and nothing is known before the first listing", async (scaling, count) => {
    const { group, provider } = stage({ scaling });
    group.size = { min: 2, max: 9, desired: 5 };
    expect(provider.group?.readMinimumCount()).toBe(0);
    await provider.list("all");
    expect(provider.group?.readMinimumCount()).toBe(count);
  });
});

describe("a member that EC2 has called terminated", () => {
  it("is gone, also once EC2 shows it no more and a hook of its group still waits", async () => {
    const { group, provider } = stage();
    group.add(1, { lifecycle: "Terminating:Wait" });
    group.add(2, { lifecycle: "Terminating:Wait", ec2: "terminated" });
    await provider.list("all");
    for (const member of group.members.values()) member.ec2 = null;
    const states = (listing: readonly ObservedMachine[]) => [1, 2].map((number) => find(listing, number)?.state);
    expect(states(await provider.list("all"))).toEqual(["starting", "gone"]);
    expect(states(await provider.list([idOf(1), idOf(2)]))).toEqual(["starting", "gone"]);
  });

  it("is so, too, where it was read by its id", async () => {
    const { group, provider } = stage();
    group.add(1, { lifecycle: "Terminating:Wait", ec2: "terminated" });
    await provider.list([idOf(1)]);
    for (const one of group.members.values()) one.ec2 = null;
    expect(find(await provider.list("all"), 1)?.state).toBe("gone");
  });
});
