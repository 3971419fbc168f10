/** How far a launch raises its group's desired capacity, whoever comes and whatever readings say. */
import { beforeEach, describe, expect, it } from "vitest";
import { HOUR_MS } from "../../../src/domain/units.ts";
import type { LaunchRequest, LaunchTenure } from "../../../src/ports/provider.ts";
import { newLaunch } from "../ec2/stage.ts";
import { asked, boundIds, drafted } from "./launching.ts";
import { GROUP, idOf, OWNER, type Stage, stage } from "./stage.ts";

const KNOWN = { "holdfast:controller": OWNER.controllerId, "holdfast:known": "yes" };
const ANOTHERS = { "holdfast:controller": "another" };

let made: Stage;
beforeEach(() => {
  made = stage({}, { machineCountMax: 3 });
  made.group.size = { min: 0, max: 40, desired: 0 };
});

const underEpoch = (epoch: number): LaunchTenure => ({ epoch, others: [], leftMs: () => HOUR_MS });

/** Whoever is missing comes at once. */
function obeying(tags: Readonly<Record<string, string>> = {}): void {
  const { group, clock } = made;
  group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
    if (group.size !== null) group.size.desired = DesiredCapacity;
    for (let number = 1; group.members.size < DesiredCapacity; number += 1)
      if (!group.members.has(idOf(number)))
        group.add(number, { lifecycle: "Pending", launchedAtMs: clock.nowMs(), tags: { ...tags } });
    return {};
  };
}

/** Eight members, and readings that all show another maximum than the group has. */
function withMaximum(max: number): void {
  const { group } = made;
  group.answers.DescribeAutoScalingGroups = () => ({
    AutoScalingGroups: [
      {
        AutoScalingGroupName: GROUP,
        MinSize: 0,
        MaxSize: max,
        DesiredCapacity: 8,
        Instances: [...group.members.keys()].map((InstanceId) => ({ InstanceId, LifecycleState: "InService" })),
      },
    ],
  });
}

async function eightMembersAndALaunchOfSeven(): Promise<LaunchRequest> {
  made = stage({}, { machineCountMax: 50 });
  const { group, provider } = made;
  group.size = { min: 0, max: 20, desired: 8 };
  for (let number = 1; number <= 8; number += 1) group.add(number);
  const request = await drafted(provider, newLaunch(7));
  await provider.launch(request, underEpoch(1)).catch(() => undefined);
  expect(asked(group).at(-1)).toBe(15);
  return request;
}

describe("a launch raises the desired capacity", () => {
  it("no second time for those who got rows of their own before it was answered, by a process before", async () => {
    const { group, provider, restarted } = made;
    obeying();
    const request = await drafted(provider, newLaunch(3));
    await provider.launch(request, underEpoch(1));
    expect(asked(group)).toEqual([3]);
    const next = restarted();
    const listing = await next.list("all");
    await next.group?.noteRows(listing.map(({ providerId }) => providerId));
    expect(await next.launch(request, underEpoch(2))).toEqual([]);
    expect(asked(group)).toEqual([3]);
  });

  it.each([
    ["the mark of a row", KNOWN],
    ["another controller's mark", ANOTHERS],
  ])("no second time for those who come with %s, as their template may have it", async (_what, tags) => {
    const { group, provider } = made;
    obeying(tags);
    expect(await provider.launch(await drafted(provider, newLaunch(3)))).toEqual([]);
    expect(asked(group)).toEqual([3]);
  });

  it("to no more than `machines.max`, where the group owes somebody already", async () => {
    const { group, provider } = made;
    group.size = { min: 0, max: 40, desired: 2 };
    group.add(1);
    const request = await drafted(provider, newLaunch(2));
    obeying();
    group.size.desired = 1;
    group.add(2, { tags: { ...ANOTHERS } });
    await provider.launch(request);
    expect(asked(group)).toEqual([3]);
  });

  it("to nothing, where the group is about to bring all that it wants", async () => {
    const { group, provider } = made;
    obeying();
    await provider.launch(await drafted(provider, newLaunch(3)));
    group.members.delete(idOf(1));
    group.members.delete(idOf(2));
    if (group.size !== null) group.size.desired = 2;
    const next = provider.launch(await drafted(provider, newLaunch(1)));
    await expect(next).rejects.toThrow("0 of 1 machines have come");
    expect(asked(group)).toEqual([3]);
  });

  it("to its maximum, and waits for no number above it, which nobody can have set", async () => {
    made = stage({}, { machineCountMax: 50 });
    const { group, provider, restarted } = made;
    group.size = { min: 0, max: 10, desired: 9 };
    for (let number = 1; number <= 8; number += 1) group.add(number);
    const request = await drafted(provider, newLaunch(2));
    obeying();
    expect(await restarted().launch(request, underEpoch(2))).toHaveLength(2);
    expect(asked(group)).toEqual([10]);
  });

  it("for the rest in the next launch, where a person attached somebody meanwhile", async () => {
    const { group, provider, clock } = made;
    const request = await drafted(provider, newLaunch(1));
    group.add(1, { launchedAtMs: clock.nowMs() - HOUR_MS });
    if (group.size !== null) group.size.desired = 1;
    expect(await provider.launch(request)).toEqual([]);
    obeying();
    expect(boundIds(await provider.launch(await drafted(provider, newLaunch(1))))).toEqual([idOf(2)]);
    expect(asked(group)).toEqual([2]);
  });

  it("to nothing less than it set, where a reading shows the maximum of before", async () => {
    const request = await eightMembersAndALaunchOfSeven();
    withMaximum(12);
    const { group, provider } = made;
    await expect(provider.launch(request, underEpoch(1))).rejects.toThrow("shows 8 of at most 12");
    expect(asked(group).filter((count) => count < 15)).toEqual([]);
  });

  it("to nothing less than another process may have set, where a reading shows the maximum of before", async () => {
    const request = await eightMembersAndALaunchOfSeven();
    withMaximum(12);
    const { group, restarted } = made;
    await expect(restarted().launch(request, underEpoch(2))).rejects.toThrow("may have set 15 a moment ago");
    expect(asked(group).filter((count) => count < 15)).toEqual([]);
  });
});
