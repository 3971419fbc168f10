/** A launch where readings are old, answers are lost and the process ends. */
import { describe, expect, it } from "vitest";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { ObservedMachine } from "../../../src/domain/observed.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { ec2Error } from "../ec2/fake-client.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { asked, boundIds, drafted, launching } from "./launching.ts";
import { idOf, stage } from "./stage.ts";

const find = (listing: readonly ObservedMachine[], number: number) =>
  listing.find(({ providerId }) => providerId === idOf(number));

describe("a reading of the group that is old", () => {
  it("never lowers the desired capacity", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 0 };
    launching(group, 1);
    await provider.launch(await drafted(provider, newLaunch(3)));
    // As it was before the launch: nobody is there, and nobody is wanted.
    const stale = {
      AutoScalingGroups: [{ AutoScalingGroupName: "runners", MinSize: 0, MaxSize: 10, DesiredCapacity: 0 }],
    };
    group.answers.DescribeAutoScalingGroups = () => stale;
    const request = await drafted(provider, newLaunch(1));
    await provider.launch(request).catch(() => undefined);
    expect(Math.min(...asked(group))).toBe(3);
  });

  it.each(["TimeoutError", "Throttling"])(
    "never lowers what was set by a call that was answered with %s",
    async (code) => {
      const { group, provider } = stage();
      const request = await drafted(provider, newLaunch(3));
      group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
        if (group.size !== null) group.size.desired = DesiredCapacity;
        for (let number = 1; number <= 3; number += 1) group.add(number, { lifecycle: "Pending" });
        throw ec2Error(code, "done all the same", 500);
      };
      await provider.launch(request).catch(() => undefined);
      await provider.launch(request);
      group.answers = {
        DescribeAutoScalingGroups: () => ({
          AutoScalingGroups: [{ AutoScalingGroupName: "runners", MaxSize: 10, DesiredCapacity: 0 }],
        }),
      };
      await provider.launch(await drafted(provider, newLaunch(1))).catch(() => undefined);
      expect(Math.min(...asked(group))).toBe(3);
    },
  );

  it("keeps no wish for machines that have ended since", async () => {
    const { group, provider, clock } = stage();
    launching(group, 1);
    await provider.launch(await drafted(provider, newLaunch(3)));
    for (const number of [1, 2]) {
      await provider.terminate(permitFor(idOf(number), clock));
      group.members.delete(idOf(number));
    }
    launching(group, 9);
    await provider.launch(await drafted(provider, newLaunch(1)));
    expect(asked(group)).toEqual([3, 2]);
  });

  it("does not raise it twice", async () => {
    const { group, provider } = stage();
    const request = await drafted(provider, newLaunch(2));
    const stale = {
      AutoScalingGroups: [{ AutoScalingGroupName: "runners", MinSize: 0, MaxSize: 10, DesiredCapacity: 0 }],
    };
    group.answers.DescribeAutoScalingGroups = () => stale;
    await provider.launch(request).catch(() => undefined);
    expect(Math.max(...asked(group))).toBe(2);
  });
});

describe("a launch of which the group starts some and says why no more", () => {
  const failed = (atMs: number) => ({
    StatusCode: "Failed",
    StartTime: new Date(atMs),
    StatusMessage: "Max spot instance count exceeded",
  });

  /** Five are wanted, and so many are there by the end of an attempt. */
  async function started(count: number, failedAtMs: number | null = START_MS) {
    const made = stage();
    const { group, provider, clock } = made;
    group.hasReserve = true;
    await provider.list("all");
    clock.pass(SECOND_MS);
    group.activities = failedAtMs === null ? [] : [failed(failedAtMs)];
    const request = await drafted(provider, newLaunch(5));
    const comes = (number: number) => group.add(number, { lifecycle: "Pending", launchedAtMs: clock.nowMs() });
    group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
      if (group.size !== null) group.size.desired = DesiredCapacity;
      for (let number = 1; number <= count; number += 1) comes(number);
      return {};
    };
    return { ...made, request, comes, launch: () => provider.launch(request) };
  }

  it("is answered with those that came, says why, and leaves the wish with the group", async () => {
    const { group, provider, launch } = await started(3, START_MS + 2 * SECOND_MS);
    expect(boundIds(await launch())).toEqual([idOf(1), idOf(2), idOf(3)]);
    expect(provider.orders?.readObstacles()).toEqual([expect.stringContaining("Max spot instance count exceeded")]);
    expect(group.size?.desired).toBe(5);
  });

  it("gets the same answer again, and who comes later is a newcomer, and no other launch's", async () => {
    const { group, provider, clock, comes, launch } = await started(3, START_MS + 2 * SECOND_MS);
    const answer = await launch();
    await provider.list("all");
    clock.pass(10 * SECOND_MS);
    comes(4);
    expect(await launch()).toEqual(answer);
    expect(find(await provider.list("all"), 4)?.newcomerSinceMs).toEqual(expect.any(Number));
    group.answers = {};
    const next = await drafted(provider, newLaunch(1));
    // The group owes one already: nothing is asked for, and it comes.
    comes(5);
    expect(boundIds(await provider.launch(next))).toEqual([idOf(5)]);
    expect(new Set(asked(group))).toEqual(new Set([5]));
  });

  it("calls one a newcomer that a listing showed while the answer was made without it", async () => {
    const { group, provider, clock, comes, launch } = await started(3, START_MS + 2 * SECOND_MS);
    // Its activities are what it is asked for last.
    group.answers.DescribeScalingActivities = async () => {
      comes(4);
      clock.pass(MINUTE_MS);
      expect(find(await provider.list("all"), 4)?.launchId).not.toBeNull();
      return { Activities: group.activities };
    };
    expect(boundIds(await launch())).toEqual([idOf(1), idOf(2), idOf(3)]);
    clock.pass(MINUTE_MS);
    expect(find(await provider.list("all"), 4)).toMatchObject({ launchId: null, newcomerSinceMs: expect.any(Number) });
  });

  it.each([
    ["none has come", 0, START_MS + 2 * SECOND_MS],
    ["nothing was said since the draft", 3, START_MS],
    ["nothing was said at all", 3, null],
  ])("waits on where %s", async (_where, count, failedAtMs) => {
    const { launch } = await started(count, failedAtMs);
    await expect(launch()).rejects.toMatchObject({ code: "provider-unavailable" });
  });
});

/** What can go wrong with one call: before it was done, or after. */
type Fault = "none" | "refused" | "lost" | "crash-before" | "crash-after";
const FAULTS: readonly Fault[] = ["none", "refused", "lost", "crash-before", "crash-after"];

describe("a launch whose answer is lost, or whose process ends, at any call", () => {
  const schedules = FAULTS.flatMap((first) =>
    FAULTS.flatMap((second) => FAULTS.map((third) => [first, second, third] as const)),
  );

  it.each(schedules)("starts no machine twice: %s, %s, %s", async (...faults) => {
    const made = stage();
    const { group } = made;
    group.size = { min: 0, max: 10, desired: 2 };
    group.add(1);
    group.add(2);
    const request = await drafted(made.provider, newLaunch(2));
    let provider = made.provider;
    let callCount = 0;
    group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
      const fault = faults[callCount] ?? "none";
      callCount += 1;
      const isDone = fault === "none" || fault === "lost" || fault === "crash-after";
      if (isDone && group.size !== null) {
        group.size.desired = DesiredCapacity;
        for (let number = 3; group.members.size < DesiredCapacity; number += 1)
          group.add(number, { lifecycle: "Pending", launchedAtMs: START_MS });
      }
      if (fault.startsWith("crash")) provider = made.restarted();
      if (fault !== "none") throw fault === "refused" ? ec2Error("Throttling") : ec2Error("TimeoutError", "", 500);
      return {};
    };
    let launched: Awaited<ReturnType<AsgProvider["launch"]>> = [];
    for (let attempt = 0; attempt < 5 && launched.length === 0; attempt += 1)
      launched = await provider.launch(request).catch(() => []);
    expect(boundIds(launched)).toEqual([idOf(3), idOf(4)]);
    expect(group.size.desired).toBe(4);
    expect(group.members.size).toBe(4);
  });
});
