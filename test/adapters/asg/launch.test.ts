import { describe, expect, it } from "vitest";
import type { ProviderError } from "../../../src/domain/errors.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { throwing } from "../ec2/fake-client.ts";
import { handClock, newLaunch } from "../ec2/stage.ts";
import { asked, boundIds, countOf, drafted, launching } from "./launching.ts";
import { type FakeGroup, idOf, stage } from "./stage.ts";

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
    const request = await drafted(provider, newLaunch(2));
    group.add(2);
    group.add(3, { lifecycle: "Terminating:Wait" });
    await expect(provider.launch(request)).rejects.toThrow("0 of 2 machines have come");
    expect(asked(group)[0]).toBe(3);
    group.size.desired = 3;
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

  it("counts whom the group has started by itself, and nobody has a row of, for the pool's maximum", async () => {
    const { group, provider, restarted } = stage();
    group.size = { min: 0, max: 100, desired: 8 };
    for (let number = 1; number <= 8; number += 1) group.add(number);
    expect(countOf(await drafted(provider, newLaunch(5)))).toBe(2);
    group.add(9);
    group.add(10);
    await expect(drafted(restarted(), newLaunch(1))).rejects.toMatchObject({
      code: "provider-capacity",
      message: expect.stringContaining("`machines.max` is 10"),
      retryAfterMs: 15 * SECOND_MS,
    });
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

  it("of an order from the future, before the clock was set back, is over: nobody knows how old it is", async () => {
    const { group, provider, clock, restarted } = stage();
    const request = await drafted(provider, newLaunch(1));
    const order = JSON.parse(request.order ?? "");
    const late = { ...request, order: JSON.stringify({ ...order, draftedAtMs: order.draftedAtMs + HOUR_MS }) };
    // Who came since may have had a row, and a ticket, of which a store that was restored knows nothing.
    group.add(1, { lifecycle: "Pending", launchedAtMs: clock.nowMs() });
    expect(await restarted().launch(late)).toEqual([]);
    expect(asked(group)).toEqual([]);
  });

  it("holds up nobody for as long as the clock was set back by", async () => {
    const backClock = handClock();
    const { provider } = stage({}, {}, backClock);
    await drafted(provider, newLaunch(1));
    backClock.pass(-HOUR_MS);
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
    // Its order knows of no number above the first one's: the next launch asks for what is still missing.
    expect(await waiting).toEqual([]);
    expect(asked(group)).toEqual([1]);
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
