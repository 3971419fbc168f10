import { describe, expect, it } from "vitest";
import type { AsgProvider } from "../../../src/adapters/asg/provider.ts";
import type { ProviderError } from "../../../src/domain/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import type { LaunchRequest } from "../../../src/ports/provider.ts";
import { START_MS } from "../../domain/builders.ts";
import { ec2Error, throwing } from "../ec2/fake-client.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { type FakeGroup, idOf, stage } from "./stage.ts";

async function drafted(provider: AsgProvider, request: LaunchRequest): Promise<LaunchRequest> {
  if (provider.orders === null) throw new Error("it is we who size this group");
  return { ...request, order: await provider.orders.draft(request) };
}

const countOf = (request: LaunchRequest): number => JSON.parse(request.order ?? "{}").count;
const asked = (group: FakeGroup) => group.inputs("SetDesiredCapacity").map((input) => input.DesiredCapacity);
const boundIds = (launched: readonly { readonly providerId: string }[]) => launched.map(({ providerId }) => providerId);

/** As the group does it, as soon as it is told: it launches what is missing. */
function launching(group: FakeGroup, firstNumber: number): void {
  group.answers.SetDesiredCapacity = ({ DesiredCapacity }) => {
    if (group.size === null) return {};
    group.size.desired = DesiredCapacity;
    for (let number = firstNumber; group.members.size < DesiredCapacity; number += 1)
      if (!group.members.has(idOf(number))) group.add(number, { lifecycle: "Pending", launchedAtMs: START_MS });
    return {};
  };
}

describe("a launch", () => {
  it("raises the desired capacity by what is missing, and binds who comes in the order of ids", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 1 };
    group.add(1);
    launching(group, 2);
    const request = await drafted(provider, newLaunch(2));
    const launched = await provider.launch(request);
    expect(asked(group)).toEqual([3]);
    expect(group.inputs("SetDesiredCapacity")[0]).toMatchObject({
      AutoScalingGroupName: "runners",
      HonorCooldown: false,
    });
    expect(launched).toEqual([
      { machineId: request.machines[0]?.machineId, providerId: idOf(2) },
      { machineId: request.machines[1]?.machineId, providerId: idOf(3) },
    ]);
  });

  it("counts whom the group owes already", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 4 };
    group.add(1);
    const request = await drafted(provider, newLaunch(2));
    group.answers.DescribeScalingActivities = () => ({ Activities: [] });
    await expect(provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(asked(group)).toEqual([]);
  });

  it("makes good a shortfall that somebody left who lowered the number under protected members", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 1 };
    for (const number of [1, 2, 3]) group.add(number);
    launching(group, 4);
    await provider.launch(await drafted(provider, newLaunch(1)));
    expect(asked(group)).toEqual([4]);
  });

  it("is cut to what the group's maximum leaves", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 3, desired: 2 };
    group.add(1);
    group.add(2);
    launching(group, 3);
    const request = await drafted(provider, newLaunch(4));
    expect(countOf(request)).toBe(1);
    expect(boundIds(await provider.launch(request))).toEqual([idOf(3)]);
    expect(asked(group)).toEqual([3]);
  });

  it("is refused where nothing is left, with what would help", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 1, desired: 1 };
    group.add(1);
    await expect(drafted(provider, newLaunch(1))).rejects.toMatchObject({
      code: "provider-quota",
      message: expect.stringContaining("--max-size 2"),
    });
    expect(group.writes()).toEqual([]);
  });

  it.each([
    [
      "of a group that is not there",
      (group: FakeGroup) => {
        group.size = null;
      },
      "no group of this name",
    ],
    [
      "of one that counts processors",
      (group: FakeGroup) => {
        group.more = { DesiredCapacityType: "vcpu" };
      },
      "DesiredCapacityType",
    ],
  ])("is refused as wrong settings: %s", async (_name, change, word) => {
    const { group, provider } = stage();
    change(group);
    await expect(drafted(provider, newLaunch(1))).rejects.toMatchObject({
      code: "provider-invalid",
      message: expect.stringContaining(word),
    });
  });

  it("binds who comes out of the reserve", async () => {
    const { group, provider } = stage();
    group.hasReserve = true;
    group.add(7, { lifecycle: "Warmed:Stopped", ec2: "stopped" });
    const request = await drafted(provider, newLaunch(1));
    group.answers.SetDesiredCapacity = () => {
      group.add(7, { lifecycle: "Pending:Wait" });
      return {};
    };
    expect(boundIds(await provider.launch(request))).toEqual([idOf(7)]);
  });

  it("takes nobody who was there before, or who is on the way out again", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 1 };
    group.add(1);
    group.add(2, { lifecycle: "Standby" });
    const request = await drafted(provider, newLaunch(1));
    group.add(2);
    group.add(3, { lifecycle: "Terminating:Wait" });
    launching(group, 9);
    await provider.launch(request).catch(() => undefined);
    group.size.desired = 9;
    group.add(9, { lifecycle: "Pending" });
    expect(boundIds(await provider.launch(request))).toEqual([idOf(9)]);
  });

  it("takes nobody whom one reading left out, and the listing before showed", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 2 };
    group.add(1);
    group.add(2);
    await provider.list("all");
    group.answers.DescribeAutoScalingGroups = () => ({
      AutoScalingGroups: [
        {
          AutoScalingGroupName: "runners",
          MaxSize: 10,
          DesiredCapacity: 2,
          Instances: [{ InstanceId: idOf(1), LifecycleState: "InService" }],
        },
      ],
    });
    const request = await drafted(provider, newLaunch(1));
    delete group.answers.DescribeAutoScalingGroups;
    launching(group, 3);
    expect(boundIds(await provider.launch(request))).toEqual([idOf(3)]);
  });

  it("says what the group could not launch for, and asks nobody twice meanwhile", async () => {
    const { group, provider } = stage();
    group.activities = [
      { StatusCode: "Failed", StartTime: new Date(START_MS), StatusMessage: "Access denied when launching" },
    ];
    const request = await drafted(provider, newLaunch(1));
    const failure = (await provider.launch(request).catch((error: unknown) => error)) as ProviderError;
    expect(failure.code).toBe("provider-unavailable");
    expect(failure.message).toContain("Access denied when launching");
    expect(new Set(asked(group))).toEqual(new Set([1]));
    expect(provider.orders?.readObstacles()).toEqual([expect.stringContaining("Access denied when launching")]);
  });

  it("is answered with what is there after ten minutes: the wish stays with the group", async () => {
    const { group, provider, clock } = stage();
    const request = await drafted(provider, newLaunch(2));
    await expect(provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
    group.add(3, { lifecycle: "Pending" });
    clock.pass(10 * MINUTE_MS);
    expect(boundIds(await provider.launch(request))).toEqual([idOf(3)]);
    expect(group.size?.desired).toBe(2);
  });

  it("is one at a time: another is refused until the one before is answered", async () => {
    const { group, provider } = stage();
    const first = await drafted(provider, newLaunch(1));
    await expect(drafted(provider, newLaunch(1))).rejects.toMatchObject({
      code: "provider-capacity",
      retryAfterMs: 5 * SECOND_MS,
    });
    group.add(1, { lifecycle: "Pending" });
    await provider.launch(first);
    await drafted(provider, newLaunch(1));
  });

  it("is let go of where nobody asked for it for long", async () => {
    const { provider, clock } = stage();
    await drafted(provider, newLaunch(1));
    clock.pass(20 * MINUTE_MS);
    await drafted(provider, newLaunch(1));
  });

  it("waits for one that was drafted before, also where its draft is of another process", async () => {
    const made = stage();
    const first = await drafted(made.provider, newLaunch(1));
    const again = made.restarted();
    await expect(again.launch(first)).rejects.toMatchObject({ code: "provider-unavailable" });
    await expect(drafted(again, newLaunch(1))).rejects.toMatchObject({ code: "provider-capacity" });
  });

  it("gives nobody to two launches, and a repeat what it gave before", async () => {
    const { group, provider } = stage();
    const first = await drafted(provider, newLaunch(1));
    group.add(2, { lifecycle: "Pending" });
    const answered = await provider.launch(first);
    const second = await drafted(provider, newLaunch(1));
    group.add(1, { lifecycle: "Pending" });
    expect(boundIds(await provider.launch(second))).toEqual([idOf(1)]);
    expect(await provider.launch(first)).toEqual(answered);
  });

  it("is refused for good where the credentials may not, and others are drafted then", async () => {
    const { group, provider } = stage();
    group.answers.SetDesiredCapacity = throwing("AccessDenied", "is not authorized", 403);
    await expect(provider.launch(await drafted(provider, newLaunch(1)))).rejects.toMatchObject({
      code: "provider-invalid",
    });
    await drafted(provider, newLaunch(1));
  });

  it.each(["ScalingActivityInProgressFault", "ResourceContentionFault", "Throttling", "ValidationError"])(
    "is repeated as it is after %s",
    async (code) => {
      const { group, provider } = stage();
      const request = await drafted(provider, newLaunch(1));
      group.answers.SetDesiredCapacity = throwing(code);
      await expect(provider.launch(request)).rejects.toMatchObject({ code: "provider-unavailable" });
      launching(group, 1);
      expect(await provider.launch(request)).toHaveLength(1);
    },
  );

  it("asks the group for about 50 s, and no more often than every 5 s", async () => {
    const { group, provider, clock } = stage();
    const sleeps: number[] = [];
    const request = await drafted(provider, newLaunch(1));
    clock.sleep = async (durationMs) => {
      sleeps.push(durationMs);
      clock.pass(durationMs);
    };
    const before = group.inputs("DescribeAutoScalingGroups").length;
    await provider.launch(request).catch(() => undefined);
    expect(new Set(sleeps)).toEqual(new Set([5 * SECOND_MS]));
    expect(group.inputs("DescribeAutoScalingGroups").length - before).toBeLessThanOrEqual(10);
  });

  it("asks for no more than the maximum, whoever lowered that since it was drafted", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 1 };
    group.add(1);
    const request = await drafted(provider, newLaunch(2));
    group.size.max = 1;
    await provider.launch(request).catch(() => undefined);
    expect(asked(group)).toEqual([]);
    group.size.max = 2;
    await provider.launch(request).catch(() => undefined);
    expect(new Set(asked(group))).toEqual(new Set([2]));
  });

  it("takes nobody who came for another, and asks for nobody meanwhile, though both were drafted before any came", async () => {
    const made = stage();
    const { group, provider } = made;
    const first = await drafted(provider, newLaunch(1));
    const second = await drafted(made.restarted(), newLaunch(1));
    await expect(provider.launch(second)).rejects.toThrow("is still about launch");
    expect(asked(group)).toEqual([]);
    launching(group, 1);
    expect(boundIds(await provider.launch(first))).toEqual([idOf(1)]);
    const waiting = provider.launch(second);
    const [listed] = await provider.list("all");
    expect(listed).toMatchObject({ providerId: idOf(1), launchId: null });
    expect(boundIds(await waiting)).toEqual([idOf(2)]);
  });

  it("tells of failures since it was drafted, and of no older one", async () => {
    const { group, provider } = stage();
    group.activities = [{ StatusCode: "Failed", StartTime: new Date(START_MS - 1), StatusMessage: "long ago" }];
    const failure = (await provider
      .launch(await drafted(provider, newLaunch(1)))
      .catch((error) => error)) as ProviderError;
    expect(failure.message).not.toContain("long ago");
  });

  it("is none of ours where others size the group, also where it was drafted while we did", async () => {
    const external = stage({ scaling: "external" });
    expect(external.provider.orders).toBeNull();
    const request = await drafted(stage().provider, newLaunch(1));
    expect(await external.provider.launch(request)).toEqual([]);
    expect(external.group.sent).toEqual([]);
  });
});

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
