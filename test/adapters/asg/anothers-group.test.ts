/** A group that carries another controller's tag, from the start on or since we had it: whom it starts is not ours. */
import { beforeEach, describe, expect, it } from "vitest";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch } from "../ec2/stage.ts";
import { asked, boundIds, drafted } from "./launching.ts";
import { idOf, OWNER, type Stage, stage } from "./stage.ts";

const ANOTHERS = { Tags: [{ Key: "holdfast:controller", Value: "other" }] };
const OURS = { "holdfast:controller": OWNER.controllerId, "holdfast:pool": OWNER.pool };

let made: Stage;

beforeEach(() => {
  made = stage({}, { machineCountMax: 5 });
});

describe("a group of another controller", () => {
  it("is asked for no machine", async () => {
    made.group.more = ANOTHERS;
    await expect(drafted(made.provider, newLaunch(1))).rejects.toMatchObject({
      code: "provider-invalid",
      message: expect.stringContaining("carries the tag of another controller, holdfast:controller=other"),
    });
  });

  it("is asked for no machine by a launch that was drafted while it was ours, and nobody without our marks answers it", async () => {
    const { group, provider, clock } = made;
    const request = await drafted(provider, newLaunch(2));
    group.more = ANOTHERS;
    if (group.size !== null) group.size.desired = 2;
    for (const [number, tags] of [OURS, {}].entries())
      group.add(number, { lifecycle: "InService", launchedAtMs: clock.nowMs(), tags });
    expect(boundIds(await provider.launch(request))).toEqual([idOf(0)]);
    expect(asked(group)).toEqual([]);
    expect(group.writes()).toEqual([]);
  });

  it("has of ours only those that carry our marks: nobody else is shown, marked or protected", async () => {
    const { group, provider } = made;
    group.add(1, { tags: OURS, isProtected: false });
    group.add(2, { isProtected: false });
    group.more = ANOTHERS;
    expect(boundIds(await provider.list("all"))).toEqual([idOf(1)]);
    expect(group.writes()).toEqual([]);
    const byIds = await provider.list([idOf(1), idOf(2)]);
    expect(byIds.map(({ needsRow = false }) => needsRow)).toEqual([false, true]);
  });

  it("is ours again once the tag is gone", async () => {
    const { group, provider } = made;
    group.add(1);
    group.more = ANOTHERS;
    expect(await provider.list("all")).toEqual([]);
    group.more = {};
    expect(boundIds(await provider.list("all"))).toEqual([idOf(1)]);
  });

  it("stays another's for as long as nobody can say that it is not", async () => {
    const { group, provider } = made;
    group.add(1);
    group.more = ANOTHERS;
    await provider.list("all");
    group.size = null;
    for (let time = 0; time < 3; time += 1) expect(await provider.list("all")).toEqual([]);
    expect((await provider.list([idOf(1)]))[0]).toMatchObject({ needsRow: true });
  });

  it("has nobody held whom we have no row of, not even before it was listed", async () => {
    const { group, provider } = made;
    group.add(1, { lifecycle: "Terminating:Wait" });
    group.more = ANOTHERS;
    expect(await provider.group?.listHeldUp()).toMatchObject([{ providerId: idOf(1), isGroupLeft: true }]);
  });

  it("makes up its minimum of its own members", async () => {
    const { group, provider } = made;
    group.size = { min: 5, max: 10, desired: 5 };
    await provider.list("all");
    expect(provider.group?.readMinimumCount()).toBe(5);
    group.more = ANOTHERS;
    await provider.list("all");
    expect(provider.group?.readMinimumCount()).toBe(0);
  });

  it("says why a launch waits there, and asks nobody to size it", async () => {
    const { group, provider } = made;
    const request = await drafted(provider, newLaunch(2));
    group.more = ANOTHERS;
    if (group.size !== null) group.size.desired = 4;
    const said = await provider.launch(request).catch(({ message }: Error) => message);
    expect(said).toContain("it carries the tag of another controller: holdfast:controller=other");
    expect(said).not.toContain("set-desired-capacity");
  });
});

describe("a check that cannot read", () => {
  it.each([
    ["the group", "DescribeAutoScalingGroups"],
    ["whose its members are", "DescribeInstances"],
  ])("%s leaves open whether the pool may be used", async (_name, call) => {
    const { group, provider } = made;
    group.answers[call] = throwing("Throttling", "Rate exceeded", 400);
    expect((await provider.check()).filter(({ isOpenQuestion }) => isOpenQuestion)).toMatchObject([
      { severity: "warning", finding: expect.stringContaining("Rate exceeded") },
    ]);
  });

  it("whose its members are still says whose the group is", async () => {
    const { group, provider } = made;
    group.more = ANOTHERS;
    group.answers.DescribeInstances = throwing("Throttling", "Rate exceeded", 400);
    expect(await provider.check()).toContainEqual(
      expect.objectContaining({ severity: "error", finding: expect.stringContaining("holdfast:controller=other") }),
    );
  });

  it("its scaling policies leaves nothing open", async () => {
    const { group, provider } = made;
    group.answers.DescribePolicies = throwing("Throttling", "Rate exceeded", 400);
    expect((await provider.check()).filter(({ isOpenQuestion }) => isOpenQuestion)).toEqual([]);
  });
});
