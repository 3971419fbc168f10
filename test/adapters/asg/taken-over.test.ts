/** A process that takes over what another asked of the group, while the group's readings do not show it yet. */
import { describe, expect, it } from "vitest";
import { READING_LAG_MS } from "../../../src/adapters/asg/desired.ts";
import { ABANDONED_AFTER_MS } from "../../../src/adapters/asg/open-launches.ts";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { DraftedLaunch, LaunchRequest } from "../../../src/ports/provider.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { asked, boundIds, drafted, launching } from "./launching.ts";
import { GROUP, idOf, stage } from "./stage.ts";

/** Three were launched by a process that is no more; readings show the group as it was before. */
async function scene() {
  const made = stage();
  const { group, provider, clock, restarted } = made;
  launching(group, 1);
  const request = await drafted(provider, newLaunch(3));
  await provider.launch(request);
  const before = { launchId: request.launchId, order: request.order ?? "", answeredAtMs: clock.nowMs() };
  const old = { AutoScalingGroupName: GROUP, MinSize: 0, MaxSize: 10, DesiredCapacity: 0 };
  group.answers.DescribeAutoScalingGroups = () => ({ AutoScalingGroups: [old] });
  return { ...made, before, provider: restarted() };
}

/** What the next launch of one machine sets the desired capacity to. */
async function askedNext(
  { group, provider }: Awaited<ReturnType<typeof scene>>,
  before: DraftedLaunch | null,
): Promise<readonly number[]> {
  const priorCount = asked(group).length;
  await launchAfter(provider, newLaunch(1), before).catch(() => undefined);
  return [...new Set(asked(group).slice(priorCount))];
}

async function launchAfter(provider: AsgProvider, request: LaunchRequest, before: DraftedLaunch | null) {
  return provider.launch(await drafted(provider, { ...request, before }));
}

describe("what a process before this one set the desired capacity to", () => {
  it("is known by the launch that it was for", async () => {
    const made = await scene();
    expect(await askedNext(made, made.before)).toEqual([3]);
  });

  it.each([
    ["while that launch is not answered", {}],
    ["though it was answered by a clock that is ahead", { answeredAtMs: Number.MAX_SAFE_INTEGER }],
  ])("is known %s", async (_when, change) => {
    const made = await scene();
    expect(await askedNext(made, { ...made.before, answeredAtMs: null, ...change })).toEqual([3]);
  });

  it("is known by the launch after it, too, which may have been drafted from an old reading", async () => {
    const made = await scene();
    const { provider, before, restarted } = made;
    const next = await drafted(provider, { ...newLaunch(1), before });
    const known = { launchId: next.launchId, order: next.order ?? "", answeredAtMs: made.clock.nowMs() };
    expect(await askedNext({ ...made, provider: restarted() }, known)).toEqual([4]);
  });

  it("counts no longer than readings can be without it: who came for it has ended, perhaps", async () => {
    const made = await scene();
    made.clock.pass(READING_LAG_MS);
    expect(await askedNext(made, made.before)).toEqual([1]);
  });

  it.each([
    ["of another group", { group: "others" }],
    ["of a group of that name elsewhere", { region: "eu-north-1" }],
  ])("says nothing %s", async (_what, elsewhere) => {
    const made = await scene();
    const order = JSON.parse(made.before.order);
    const before = { ...made.before, order: JSON.stringify({ ...order, target: { ...order.target, ...elsewhere } }) };
    expect(await askedNext(made, before)).toEqual([1]);
  });

  it.each([
    ["an older version drafted, or another kind", "{}"],
    ["another kind drafted in its own words", "null"],
  ])("is unknown of what %s", async (_who, order) => {
    const made = await scene();
    expect(await askedNext(made, { ...made.before, order })).toEqual([1]);
  });
});

it("what a process set itself it knows better: who has ended since is not asked for again", async () => {
  const { group, provider, clock } = stage();
  launching(group, 1);
  const request = await drafted(provider, newLaunch(3));
  await provider.launch(request);
  await provider.terminate(permitFor(idOf(1), clock));
  group.members.delete(idOf(1));
  launching(group, 9);
  const before = { launchId: request.launchId, order: request.order ?? "", answeredAtMs: clock.nowMs() };
  await launchAfter(provider, newLaunch(1), before);
  expect(asked(group)).toEqual([3, 3]);
  expect(group.members.size).toBe(3);
});

describe("a launch that is carried out by another process than drafted it", () => {
  it("sets no less than that may have", async () => {
    const made = stage();
    const { group, provider, restarted } = made;
    for (const number of [1, 2]) group.add(number);
    group.size = { min: 0, max: 10, desired: 2 };
    const request = await drafted(provider, newLaunch(3));
    group.answers.SetDesiredCapacity = () => ({});
    await provider.launch(request).catch(() => undefined);
    // One of those before has left since, and the reading of it is newer than that of the number.
    group.members.delete(idOf(1));
    await restarted()
      .launch(request)
      .catch(() => undefined);
    expect(new Set(asked(group))).toEqual(new Set([5]));
  });

  it("asks for nothing where that is of a backup's time, and neither does it count for the next", async () => {
    const { group, provider, clock, restarted } = stage();
    const old = await drafted(provider, newLaunch(3));
    clock.pass(ABANDONED_AFTER_MS);
    const later = restarted();
    expect(await later.launch(old)).toEqual([]);
    group.answers.SetDesiredCapacity = () => {
      group.add(1, { lifecycle: "Pending", launchedAtMs: clock.nowMs() });
      return {};
    };
    expect(boundIds(await launchAfter(later, newLaunch(1), null))).toEqual([idOf(1)]);
    expect(asked(group)).toEqual([1]);
  });
});

it("a launch never asks for more than it stored", async () => {
  const { group, provider } = stage();
  const request = await drafted(provider, newLaunch(2));
  // Somebody else's three were there, and the reading that it was drafted from did not show them.
  for (const number of [1, 2, 3]) group.add(number);
  const order = JSON.parse(request.order ?? "{}");
  const known = { ...request, order: JSON.stringify({ ...order, before: [idOf(1), idOf(2), idOf(3)] }) };
  await provider.launch(known).catch(() => undefined);
  expect(asked(group)).toEqual([2]);
});
