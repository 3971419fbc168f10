/** What a hold reads besides its calls: the group's hooks, and since when a member waits. */
import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { GROUP, idOf } from "./stage.ts";
import { beaten, waiting } from "./waiting.ts";

describe("a group's hooks", () => {
  it("are read once for many holds, and held by what was read where they cannot be", async () => {
    const { group, hold, clock } = await waiting();
    clock.pass(10 * SECOND_MS);
    for (let count = 0; count < 5; count += 1) await hold();
    expect(group.inputs("DescribeLifecycleHooks")).toHaveLength(1);
    clock.pass(10 * MINUTE_MS);
    group.answers.DescribeLifecycleHooks = throwing("Throttling");
    expect(await hold()).not.toBeNull();
    expect(group.inputs("DescribeLifecycleHooks")).toHaveLength(2);
  });

  it("that cannot be read the first time are an error, and no word that there are none", async () => {
    const { hold } = await waiting("Terminating:Wait", { answers: { DescribeLifecycleHooks: throwing("Throttling") } });
    await expect(hold()).rejects.toMatchObject({ code: "provider-unavailable" });
  });

  it("are tried once a minute where they cannot be read, also for those who wait since later than what is known", async () => {
    const { group, provider, hold, clock } = await waiting();
    await hold();
    clock.pass(10 * SECOND_MS);
    const numbers = Array.from({ length: 50 }, (_, index) => index + 2);
    for (const number of numbers) group.add(number, { lifecycle: "Terminating:Wait" });
    await provider.list("all");
    group.answers.DescribeLifecycleHooks = throwing("Throttling");
    group.sent.length = 0;
    for (const number of numbers) await provider.group?.hold(idOf(number));
    expect(beaten(group)).toHaveLength(50);
    expect(group.inputs("DescribeLifecycleHooks")).toHaveLength(1);
    clock.pass(MINUTE_MS);
    await hold();
    expect(group.inputs("DescribeLifecycleHooks")).toHaveLength(2);
  });

  it("are waited for no longer than it takes the shortest to give up, and count once they come", async () => {
    const { group, provider, hold, clock } = await waiting();
    const before = await provider.group?.readHookEdition();
    clock.pass(10 * SECOND_MS);
    const coming = Promise.withResolvers<object>();
    group.answers.DescribeLifecycleHooks = () => coming.promise;
    group.sent.length = 0;
    for (let count = 0; count < 3; count += 1) await hold();
    expect(beaten(group)).toEqual(["drain", "drain", "drain"]);
    expect(group.inputs("DescribeLifecycleHooks")).toHaveLength(1);
    expect(await provider.group?.readHookEdition()).toBe(before);
    coming.resolve({ LifecycleHooks: [] });
    await clock.sleep(0);
    expect(await provider.group?.readHookEdition()).not.toBe(before);
  });
});

it("since when a member waits is waited for no longer than it takes the shortest hook to give up, and counts once it comes", async () => {
  const { group, hold, clock } = await waiting();
  const began = new Date(clock.nowMs() - MINUTE_MS);
  const coming = Promise.withResolvers<object>();
  group.answers.DescribeScalingActivities = () => coming.promise;
  const first = await hold();
  expect(beaten(group)).toEqual(["drain"]);
  const cause = "an instance was taken out of service";
  const activity = {
    ActivityId: "a",
    AutoScalingGroupName: GROUP,
    Cause: cause,
    StartTime: began,
    StatusCode: "MidTerminatingLifecycleAction",
  };
  coming.resolve({ Activities: [{ ...activity, Description: `Terminating EC2 instance: ${idOf(1)}` }] });
  await clock.sleep(0);
  expect((await hold())?.sinceMs).toBeLessThan(first?.sinceMs ?? 0);
});
