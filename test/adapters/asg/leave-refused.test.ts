/** Ends of members that are refused: which are asked for again, and what a permit that has expired opens. */
import { describe, expect, it } from "vitest";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { ec2Error, throwing } from "../ec2/fake-client.ts";
import { permitFor } from "../ec2/stage.ts";
import { idOf, stage } from "./stage.ts";

const HOOK = { name: "drain", heartbeatSeconds: 1_800 };

describe("a refusal that passes", () => {
  it.each([
    ["ScalingActivityInProgressFault", "a scaling activity is in progress"],
    ["ResourceContentionFault", "you already have a pending update"],
    ["Throttling", "Rate exceeded"],
    ["InternalFailure", "try again"],
  ])("%s is asked for again by the next pass", async (code, text) => {
    const { group, provider, clock } = stage();
    group.add(1);
    group.answers.TerminateInstanceInAutoScalingGroup = throwing(code, text);
    const end = provider.terminate(permitFor(idOf(1), clock));
    await expect(end).rejects.toMatchObject({ code: "provider-unavailable", message: expect.stringContaining(text) });
    expect(group.inputs("TerminateInstanceInAutoScalingGroup")).toHaveLength(1);
  });

  it("of one member keeps no other from being ended", async () => {
    const { group, provider, clock } = stage();
    for (const number of [1, 2, 3]) group.add(number);
    group.answers.TerminateInstanceInAutoScalingGroup = ({ InstanceId }) => {
      if (InstanceId === idOf(1)) throw ec2Error("ResourceContentionFault");
      return {};
    };
    const ends = await Promise.allSettled(
      [1, 2, 3].map((number) => provider.terminate(permitFor(idOf(number), clock))),
    );
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });

  it("of a reading is of all whom it was for, which are read again by the next pass", async () => {
    const { group, provider, clock } = stage();
    for (const number of [1, 2, 3]) group.add(number);
    group.answers.DescribeAutoScalingInstances = () => {
      clock.pass(5 * SECOND_MS);
      throw ec2Error("Throttling");
    };
    const ends = await Promise.allSettled(
      [1, 2, 3].map((number) => provider.terminate(permitFor(idOf(number), clock))),
    );
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(group.sent.map(({ call }) => call)).toEqual(["DescribeAutoScalingInstances"]);
  });

  it("names what a person may mend where it is the credentials'", async () => {
    const { group, provider, clock } = stage();
    group.add(1);
    group.answers.TerminateInstanceInAutoScalingGroup = throwing("AccessDenied", "is not authorized to perform", 403);
    const end = provider.terminate(permitFor(idOf(1), clock));
    await expect(end).rejects.toMatchObject({
      code: "provider-unavailable",
      message: expect.stringContaining("holdfast check --iam"),
    });
  });
});

describe("a permit", () => {
  it.each([
    ["InService", "TerminateInstanceInAutoScalingGroup"],
    ["Terminating:Wait", "CompleteLifecycleAction"],
    ["Warmed:Running", "TerminateInstances"],
  ])("that has expired ends nothing: %s", async (lifecycle, call) => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    group.add(1, { lifecycle });
    const permit = permitFor(idOf(1), clock);
    clock.pass(30 * SECOND_MS);
    await expect(provider.terminate(permit)).rejects.toMatchObject({ code: "permit-stale" });
    expect(group.inputs(call)).toEqual([]);
  });

  it("is looked at before each call, and not before the first only", async () => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK, { name: "logs" }];
    group.add(1, { lifecycle: "Terminating:Wait" });
    group.answers.CompleteLifecycleAction = () => {
      clock.pass(30 * SECOND_MS);
      return {};
    };
    await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toMatchObject({ code: "permit-stale" });
    expect(group.inputs("CompleteLifecycleAction")).toHaveLength(1);
  });

  it("is made, and not written down", async () => {
    const { group, provider, clock } = stage();
    group.add(1);
    const permit = { ...permitFor(idOf(1), clock) };
    await expect(provider.terminate(permit as never)).rejects.toMatchObject({ code: "permit-stale" });
    expect(group.writes()).toEqual([]);
  });
});
