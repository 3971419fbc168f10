/** Who raises the desired capacity and who lowers it, when their calls are on their way at the same time. */
import { describe, expect, it } from "vitest";
import { SECOND_MS } from "../../../src/domain/units.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { asked, boundIds, drafted, launching } from "./launching.ts";
import { idOf, stage } from "./stage.ts";

/** More turns of the loop than any call takes that nothing holds up. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Two members; calls that change the number wait for their latches, after their effect or before it. */
function scene() {
  const made = stage();
  const { group } = made;
  group.size = { min: 0, max: 10, desired: 2 };
  group.add(1);
  group.add(2);
  const end = () => {
    if (group.size !== null) group.size.desired -= 1;
    group.members.delete(idOf(1));
    return {};
  };
  return { ...made, end };
}

/** A launch whose raise is on its way, and is answered when it is let. */
async function raising() {
  const made = scene();
  const { group, provider } = made;
  const { resolve: open, promise: opened } = Promise.withResolvers<void>();
  const request = await drafted(provider, newLaunch(1));
  launching(group, 9);
  const launchMore = group.answers.SetDesiredCapacity;
  group.answers.SetDesiredCapacity = (input, count) => opened.then(() => launchMore?.(input, count));
  const launched = provider.launch(request);
  await idle();
  return { ...made, open, launched };
}

describe("the desired capacity", () => {
  it("is raised from what an end has made of it, where that is on its way: the end is not undone", async () => {
    const { group, provider, clock, end } = scene();
    const { resolve: open, promise: opened } = Promise.withResolvers<void>();
    const request = await drafted(provider, newLaunch(1));
    launching(group, 9);
    group.answers.TerminateInstanceInAutoScalingGroup = () => opened.then(end);
    const ended = provider.terminate(permitFor(idOf(1), clock));
    await idle();
    const launched = provider.launch(request);
    await idle();
    open();
    await ended;
    expect(boundIds(await launched)).toEqual([idOf(9)]);
    expect(asked(group)).toEqual([2]);
  });

  it("is never set below what is known, whichever of an end and a raise is answered first", async () => {
    const { group, provider, clock, end } = scene();
    const { resolve: open, promise: opened } = Promise.withResolvers<void>();
    const first = await drafted(provider, newLaunch(1));
    launching(group, 9);
    group.answers.TerminateInstanceInAutoScalingGroup = () => {
      end();
      return opened.then(() => ({}));
    };
    const ended = provider.terminate(permitFor(idOf(1), clock));
    await idle();
    const launched = provider.launch(first);
    await idle();
    open();
    await Promise.all([ended, launched]);
    expect(group.size?.desired).toBe(2);
    const before = { AutoScalingGroupName: "runners", MinSize: 0, MaxSize: 10, DesiredCapacity: 0 };
    group.answers.DescribeAutoScalingGroups = () => ({ AutoScalingGroups: [before] });
    await provider.launch(await drafted(provider, newLaunch(1))).catch(() => undefined);
    expect(Math.min(...asked(group))).toBe(2);
  });

  it("is lowered once a raise has been answered", async () => {
    const { group, provider, clock, open, launched } = await raising();
    const ended = provider.terminate(permitFor(idOf(1), clock));
    await idle();
    expect(group.writes()).toEqual(["SetDesiredCapacity"]);
    open();
    await Promise.all([launched, ended]);
    expect(group.writes()).toEqual(["SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup"]);
    expect(group.size?.desired).toBe(2);
  });

  it("is left alone where a person took the member aside while its end waited: the next pass asks again", async () => {
    const { group, provider, clock, open, launched } = await raising();
    const ended = provider.terminate(permitFor(idOf(1), clock)).catch((error: unknown) => error);
    await idle();
    group.add(1, { lifecycle: "EnteringStandby" });
    clock.pass(5 * SECOND_MS);
    open();
    await launched;
    expect(await ended).toMatchObject({ code: "provider-unavailable" });
    expect(group.writes()).toEqual(["SetDesiredCapacity"]);
  });

  it("keeps nobody waiting whose end cannot lower it, nor anybody for a call that failed", async () => {
    const { group, provider, clock } = scene();
    const { resolve: open, promise: opened } = Promise.withResolvers<void>();
    group.add(3, { lifecycle: "Terminating:Retained" });
    group.answers.TerminateInstanceInAutoScalingGroup = async ({ InstanceId }) => {
      if (InstanceId === idOf(3)) return {};
      await opened;
      throw new Error("no answer");
    };
    const failed = provider.terminate(permitFor(idOf(1), clock)).catch(() => "failed");
    await idle();
    await provider.terminate(permitFor(idOf(3), clock));
    open();
    expect(await failed).toBe("failed");
    group.answers = {};
    await provider.terminate(permitFor(idOf(2), clock));
    expect(group.writes()).toHaveLength(3);
  });
});
