import { LifecycleState } from "@aws-sdk/client-auto-scaling";
import { describe, expect, it } from "vitest";
import { ProviderError } from "../../../src/domain/errors.ts";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { permitFor } from "../ec2/stage.ts";
import { atMinimum, GROUP, idOf, noAction, stage } from "./stage.ts";

const HOOK = { name: "drain", heartbeatSeconds: 1_800 };
const COMPLETE = ["CompleteLifecycleAction"];
const LEAVE = ["TerminateInstanceInAutoScalingGroup"];
const INSTANCE = ["TerminateInstances"];

/** Of every state that the official client knows, and of one that it does not. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  Pending: LEAVE,
  "Pending:Wait": LEAVE,
  "Pending:Proceed": LEAVE,
  Quarantined: [],
  InService: LEAVE,
  Terminating: [],
  "Terminating:Wait": COMPLETE,
  "Terminating:Proceed": [],
  "Terminating:Retained": LEAVE,
  Terminated: [],
  Detaching: [],
  Detached: INSTANCE,
  EnteringStandby: [],
  Standby: LEAVE,
  ReplacingRootVolume: [],
  "ReplacingRootVolume:Wait": [],
  "ReplacingRootVolume:Proceed": [],
  RootVolumeReplaced: [],
  "Warmed:Pending": INSTANCE,
  "Warmed:Pending:Wait": INSTANCE,
  "Warmed:Pending:Proceed": INSTANCE,
  "Warmed:Pending:Retained": INSTANCE,
  "Warmed:Terminating": [],
  "Warmed:Terminating:Wait": COMPLETE,
  "Warmed:Terminating:Proceed": [],
  "Warmed:Terminating:Retained": INSTANCE,
  "Warmed:Terminated": [],
  "Warmed:Stopped": INSTANCE,
  "Warmed:Running": INSTANCE,
  "Warmed:Hibernated": INSTANCE,
  "Resting:OfALaterYear": [],
};
/** Somebody's hand is on it: asked for again until it is not. */
const ASIDE = /^(?:Quarantined|Detaching|EnteringStandby|ReplacingRootVolume.*|RootVolumeReplaced|Resting.*)$/;

describe("the end of a member in every state of its way", () => {
  it("is told for each state that the API has", () => {
    expect(Object.keys(CALLS).sort()).toEqual([...Object.values(LifecycleState), "Resting:OfALaterYear"].sort());
  });

  it.each(Object.entries(CALLS))("%s", async (lifecycle, calls) => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    group.size = { min: 0, max: 5, desired: 2 };
    const id = group.add(1, { lifecycle });
    const end = provider.terminate(permitFor(idOf(1), clock));
    if (ASIDE.test(lifecycle)) await expect(end).rejects.toMatchObject({ code: "provider-unavailable" });
    else await end;
    expect(group.writes()).toEqual(calls);
    for (const { input } of group.sent.filter(({ call }) => calls.includes(call)))
      expect(input.InstanceIds?.[0] ?? input.InstanceId).toBe(id);
  });

  it("is an instance's where it has left the group", async () => {
    const { group, provider, clock } = stage();
    group.add(1, { group: null });
    await provider.terminate(permitFor(idOf(1), clock));
    expect(group.writes()).toEqual(INSTANCE);
  });

  it.each(["InService", "Terminating:Wait", "Warmed:Running"])(
    "is nothing here where a group of another setting of the pool has it: %s",
    async (lifecycle) => {
      const { group, provider, clock } = stage({}, { otherGroups: ["others"] });
      group.hooks = [HOOK];
      group.add(1, { group: "others", lifecycle });
      await provider.terminate(permitFor(idOf(1), clock));
      expect(group.writes()).toEqual([]);
    },
  );

  it.each(["InService", "Terminating:Wait", "Warmed:Running"])(
    "is refused where a group has it that no setting of the pool names, and said to be: %s",
    async (lifecycle) => {
      const { group, provider, clock } = stage({}, { otherGroups: ["former"] });
      group.add(1, { group: "others", lifecycle });
      await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toMatchObject({
        code: "provider-unavailable",
        message: `ending ${idOf(1)}: it was moved from group runners to group others, which no setting of the pool names; end it there, or detach it from that group, and it is ended as an instance`,
      });
      expect(group.writes()).toEqual([]);
    },
  );
});

describe("the desired capacity", () => {
  const ended = async (
    size: { min: number; max: number; desired: number },
    lifecycle = "InService",
    scaling: "holdfast" | "external" = "holdfast",
    memberCount = 2,
  ) => {
    const { group, provider, clock } = stage({ scaling });
    group.size = size;
    group.add(1, { lifecycle });
    for (let number = 2; number <= memberCount; number += 1) group.add(number);
    await provider.terminate(permitFor(idOf(1), clock));
    return group.inputs("TerminateInstanceInAutoScalingGroup").map((input) => input.ShouldDecrementDesiredCapacity);
  };

  it("is lowered by a member's end", async () => {
    expect(await ended({ min: 0, max: 5, desired: 2 })).toEqual([true]);
  });

  it.each([
    ["at the group's minimum", { min: 2, max: 5, desired: 2 }, "InService"],
    ["for one in standby, which it does not count", { min: 0, max: 5, desired: 2 }, "Standby"],
    ["for one that the group has let go of", { min: 0, max: 5, desired: 2 }, "Terminating:Retained"],
    ["where it is below the members already", { min: 0, max: 5, desired: 1 }, "InService"],
  ] as const)("is not lowered %s", async (_name, size, lifecycle) => {
    expect(await ended({ ...size }, lifecycle)).toEqual([false]);
  });

  it("is somebody else's where the group is sized by others", async () => {
    expect(await ended({ min: 0, max: 5, desired: 2 }, "InService", "external")).toEqual([false]);
  });

  it("is lowered no further than the minimum by endings of one moment", async () => {
    const { group, provider, clock } = stage();
    group.size = { min: 1, max: 5, desired: 3 };
    for (const number of [1, 2, 3]) group.add(number);
    await Promise.all([1, 2, 3].map((number) => provider.terminate(permitFor(idOf(number), clock))));
    const asked = group.inputs("TerminateInstanceInAutoScalingGroup");
    expect(asked.map((input) => input.ShouldDecrementDesiredCapacity)).toEqual([true, true, false]);
    expect(group.size.desired).toBe(1);
  });

  it("stays where somebody put the member aside while others of its moment were ended", async () => {
    const { group, provider, clock } = stage();
    group.size = { min: 0, max: 5, desired: 3 };
    for (const number of [1, 2, 3]) group.add(number);
    group.answers.TerminateInstanceInAutoScalingGroup = () => {
      clock.pass(5 * SECOND_MS);
      group.add(2, { lifecycle: "Standby" });
      return {};
    };
    await Promise.all([1, 2].map((number) => provider.terminate(permitFor(idOf(number), clock))));
    const asked = group.inputs("TerminateInstanceInAutoScalingGroup");
    expect(asked.map((input) => input.ShouldDecrementDesiredCapacity)).toEqual([true, false]);
  });

  it("stays where the group refuses to lower it: the member is ended all the same", async () => {
    const { group, provider, clock } = stage();
    group.size = { min: 0, max: 5, desired: 2 };
    group.add(1);
    group.answers.TerminateInstanceInAutoScalingGroup = ({ ShouldDecrementDesiredCapacity }) => {
      if (ShouldDecrementDesiredCapacity) throw atMinimum();
      return {};
    };
    await provider.terminate(permitFor(idOf(1), clock));
    const asked = group.inputs("TerminateInstanceInAutoScalingGroup");
    expect(asked.map((input) => input.ShouldDecrementDesiredCapacity)).toEqual([true, false]);
  });

  it("is lowered once for a member whose end was asked for twice, because the answer was lost", async () => {
    const { group, provider, clock } = stage();
    group.size = { min: 0, max: 5, desired: 2 };
    group.add(1);
    group.add(2);
    group.answers.TerminateInstanceInAutoScalingGroup = throwing("TimeoutError", "no answer", 500);
    await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toBeInstanceOf(ProviderError);
    group.answers = {};
    await provider.terminate(permitFor(idOf(1), clock));
    const asked = group.inputs("TerminateInstanceInAutoScalingGroup");
    expect(asked.map((input) => input.ShouldDecrementDesiredCapacity)).toEqual([true, false]);
  });
});

describe("an end that was asked for before", () => {
  const decrements = async (code: string) => {
    const { group, provider, clock } = stage();
    group.size = { min: 0, max: 5, desired: 2 };
    group.add(1);
    group.add(2);
    group.answers.TerminateInstanceInAutoScalingGroup = throwing(code);
    await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toBeInstanceOf(ProviderError);
    group.answers = {};
    await provider.terminate(permitFor(idOf(1), clock));
    const asked = group.inputs("TerminateInstanceInAutoScalingGroup");
    return asked.map((input) => input.ShouldDecrementDesiredCapacity);
  };

  it.each(["Throttling", "ResourceContentionFault", "ScalingActivityInProgressFault", "AccessDenied"])(
    "and refused by %s lowers the desired capacity all the same",
    async (code) => expect(await decrements(code)).toEqual([true, true]),
  );

  it.each(["InternalFailure", "TimeoutError"])("and may have been done (%s) lowers it no second time", async (code) =>
    expect(await decrements(code)).toEqual([true, false]),
  );
});

describe("a member that the group waits for", () => {
  const waiting = () => {
    const made = stage();
    made.group.hooks = [HOOK, { name: "logs" }, { name: "register", transition: "LAUNCHING" }];
    const id = made.group.add(1, { lifecycle: "Terminating:Wait" });
    return { ...made, id, end: () => made.provider.terminate(permitFor(idOf(1), made.clock)) };
  };

  it("is let go by every hook of its end, and by no other", async () => {
    const { group, end, id } = waiting();
    await end();
    expect(group.inputs("CompleteLifecycleAction")).toEqual(
      ["drain", "logs"].map((LifecycleHookName) => ({
        AutoScalingGroupName: GROUP,
        LifecycleHookName,
        InstanceId: id,
        LifecycleActionResult: "CONTINUE",
      })),
    );
  });

  it("is read again where no hook knows of it, which is no error where it has gone on", async () => {
    const { group, end, id } = waiting();
    group.answers.CompleteLifecycleAction = () => {
      const member = group.members.get(id);
      if (member !== undefined) member.lifecycle = "Terminating:Proceed";
      throw noAction(id);
    };
    await end();
    expect(group.inputs("CompleteLifecycleAction")).toHaveLength(2);
    expect(group.inputs("DescribeAutoScalingInstances")).toHaveLength(2);
  });

  it("is let go by a hook that was put in place meanwhile", async () => {
    const { group, end, id } = waiting();
    group.answers.CompleteLifecycleAction = ({ LifecycleHookName }) => {
      if (LifecycleHookName !== "new") throw noAction(id);
      return {};
    };
    group.answers.DescribeLifecycleHooks = (_input, count) => ({
      LifecycleHooks: [
        { LifecycleHookName: count === 1 ? "old" : "new", LifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING" },
      ],
    });
    await end();
    expect(group.inputs("CompleteLifecycleAction").map((input) => input.LifecycleHookName)).toEqual(["old", "new"]);
  });

  it("is asked for again by the next pass where it waits and no hook says for what", async () => {
    const { group, end, id } = waiting();
    group.answers.CompleteLifecycleAction = () => {
      throw noAction(id);
    };
    await expect(end()).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(group.inputs("CompleteLifecycleAction")).toHaveLength(4);
  });
});
