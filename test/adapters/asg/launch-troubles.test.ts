/** A launch where readings are old, answers are lost and the process ends. */
import { describe, expect, it } from "vitest";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import { START_MS } from "../../domain/builders.ts";
import { ec2Error } from "../ec2/fake-client.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { asked, boundIds, drafted, launching } from "./launching.ts";
import { idOf, stage } from "./stage.ts";

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

  it("never lowers what was set by a call whose answer was lost", async () => {
    const { group, provider } = stage();
    const request = await drafted(provider, newLaunch(3));
    group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
      if (group.size !== null) group.size.desired = DesiredCapacity;
      for (let number = 1; number <= 3; number += 1) group.add(number, { lifecycle: "Pending" });
      throw ec2Error("TimeoutError", "no answer", 500);
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
  });

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
