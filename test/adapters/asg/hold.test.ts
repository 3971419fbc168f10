import { describe, expect, it } from "vitest";
import { CALLS_PER_SECOND_MAX, PACE_WAIT_MAX_MS } from "../../../src/adapters/asg/pace.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { START_MS } from "../../domain/builders.ts";
import { ec2Error, throwing } from "../ec2/fake-client.ts";
import { handClock } from "../ec2/stage.ts";
import { GROUP, idOf, noAction, stage } from "./stage.ts";
import { beaten, DRAIN, REGISTER, SHORT, waiting } from "./waiting.ts";

describe("holding a member", () => {
  it("is one call for each hook that waits for it, and no reading besides", async () => {
    const { group, hold, id } = await waiting("Terminating:Wait", { hooks: [DRAIN, SHORT, REGISTER] });
    await hold();
    group.sent.length = 0;
    await hold();
    expect(group.sent.map(({ call }) => call)).toEqual([
      "RecordLifecycleActionHeartbeat",
      "RecordLifecycleActionHeartbeat",
    ]);
    expect(group.sent[0]?.input).toEqual({ AutoScalingGroupName: GROUP, LifecycleHookName: "drain", InstanceId: id });
    expect(beaten(group)).toEqual(["drain", "logs"]);
  });

  it("tells how long the hook waits now, since when it does, and until when it can", async () => {
    const { hold } = await waiting();
    expect(await hold()).toEqual({
      forMs: 30 * MINUTE_MS,
      sinceMs: START_MS,
      untilMs: START_MS + 48 * HOUR_MS,
      isRetained: false,
    });
  });

  it.each([
    ["where the group retains, and its hooks abandon", "Terminating:Wait", "retain", "ABANDON", true],
    ["not where a hook says to go on", "Terminating:Wait", "retain", "CONTINUE", false],
    ["not where the group does not", "Terminating:Wait", "terminate", "ABANDON", false],
    ["not by the hooks of a launch", "Pending:Wait", "retain", "ABANDON", false],
  ])("is of one that is kept running after it %s", async (_where, lifecycle, policy, defaultResult, isRetained) => {
    const hooks = [{ ...DRAIN, defaultResult }, REGISTER];
    const { group, provider, hold } = await waiting(lifecycle, { hooks });
    group.more = { InstanceLifecyclePolicy: { RetentionTriggers: { TerminateHookAbandon: policy } } };
    await provider.list("all");
    expect(await hold()).toMatchObject({ isRetained });
  });

  it("lasts as long as the hook that gives up first", async () => {
    const { hold } = await waiting("Terminating:Wait", { hooks: [DRAIN, SHORT] });
    expect(await hold()).toMatchObject({ forMs: 10 * MINUTE_MS, untilMs: START_MS + 60_000 * SECOND_MS });
  });

  it("is asked of each hook though one of them fails, and failed then", async () => {
    const { group, hold } = await waiting("Terminating:Wait", { hooks: [DRAIN, SHORT] });
    group.answers.RecordLifecycleActionHeartbeat = ({ LifecycleHookName }) => {
      if (LifecycleHookName === "drain") throw ec2Error("InternalFailure", "try again", 500);
      return {};
    };
    await expect(hold()).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(beaten(group)).toEqual(["drain", "logs"]);
  });

  it("is by a hook too that was added a moment before the wait, though others were held by the older ones", async () => {
    const { group, provider, clock, hold } = await waiting();
    await hold();
    clock.pass(10 * SECOND_MS);
    group.hooks = [DRAIN, { name: "added", heartbeatSeconds: 30 }, REGISTER];
    group.add(2, { lifecycle: "Terminating:Wait" });
    clock.pass(SECOND_MS);
    await provider.list("all");
    group.sent.length = 0;
    expect(await provider.group?.hold(idOf(2))).toMatchObject({ forMs: 30 * SECOND_MS });
    expect(beaten(group)).toEqual(["drain", "added"]);
  });

  it("counts from the activity that ends the member, which began before anybody saw it", async () => {
    const { group, hold, id } = await waiting();
    const sinceMs = START_MS - 5 * HOUR_MS;
    group.activities = [
      {
        Description: `Terminating EC2 instance: ${id}`,
        StartTime: new Date(sinceMs),
        StatusCode: "MidTerminatingLifecycleAction",
      },
      {
        Description: `Launching a new EC2 instance: ${id}`,
        StartTime: new Date(START_MS - 1),
        StatusCode: "Successful",
      },
    ];
    expect(await hold()).toMatchObject({ sinceMs, untilMs: sinceMs + 48 * HOUR_MS });
    await hold();
    expect(group.inputs("DescribeScalingActivities")).toHaveLength(1);
  });

  it("asks for the activities once a minute at most, whoever waits, and holds where they cannot be read", async () => {
    const { group, provider, clock } = await waiting();
    for (const number of [2, 3]) group.add(number, { lifecycle: "Terminating:Wait" });
    await provider.list("all");
    group.answers.DescribeScalingActivities = throwing("Throttling");
    for (const number of [1, 2, 3])
      expect(await provider.group?.hold(idOf(number))).toMatchObject({ sinceMs: START_MS });
    expect(group.inputs("DescribeScalingActivities")).toHaveLength(1);
    clock.pass(MINUTE_MS);
    await provider.group?.hold(idOf(1));
    expect(group.inputs("DescribeScalingActivities")).toHaveLength(2);
  });

  it("that waits again is another wait: what began the one before says nothing", async () => {
    const { group, hold, id, provider, clock } = await waiting("Pending:Wait");
    group.activities = [
      {
        Description: `Launching a new EC2 instance: ${id}`,
        StartTime: new Date(START_MS - HOUR_MS),
        StatusCode: "MidLifecycleAction",
      },
    ];
    expect(await hold()).toMatchObject({ sinceMs: START_MS - HOUR_MS });
    for (const lifecycle of ["InService", "Terminating:Wait"]) {
      clock.pass(HOUR_MS);
      group.add(1, { lifecycle });
      await provider.list("all");
    }
    group.activities = [];
    expect(await hold()).toMatchObject({ sinceMs: clock.nowMs() });
  });

  it("is by the launch hooks for one that is coming", async () => {
    const { group, hold } = await waiting("Pending:Wait");
    expect(await hold()).toMatchObject({ forMs: 5 * MINUTE_MS });
    expect(beaten(group)).toEqual(["register"]);
  });

  it.each([
    ["comes into the reserve: launched for it, or returned to it", "Warmed:Pending:Wait"],
    ["is to have another root", "ReplacingRootVolume:Wait"],
    ["waits in a way that nobody knows", "DoneWithSomehow:Wait"],
  ])("is by whichever hook waits for one that %s", async (_what, lifecycle) => {
    const { group, hold } = await waiting(lifecycle);
    await hold();
    expect(beaten(group)).toEqual(["drain", "register"]);
  });

  it.each(["InService", "Terminating", "Terminating:Proceed", "Terminating:Retained", "Standby", "Warmed:Stopped"])(
    "is nothing, and no word to the group, where nothing waits: %s",
    async (lifecycle) => {
      const { group, hold } = await waiting(lifecycle);
      expect(await hold()).toBeNull();
      expect(group.sent.map(({ call }) => call)).toEqual(["DescribeAutoScalingInstances"]);
    },
  );

  it("is nothing for one that no group knows, or another group has", async () => {
    const { group, provider } = stage();
    group.hooks = [DRAIN];
    expect(await provider.group?.hold(idOf(1))).toBeNull();
    group.add(2, { group: "others", lifecycle: "Terminating:Wait" });
    expect(await provider.group?.hold(idOf(2))).toBeNull();
    expect(group.writes()).toEqual([]);
  });

  it("reads one that no listing showed", async () => {
    const { group, provider } = stage();
    group.hooks = [SHORT];
    group.add(1, { lifecycle: "Terminating:Wait" });
    expect(await provider.group?.hold(idOf(1))).toMatchObject({ sinceMs: START_MS });
    expect(beaten(group)).toEqual(["logs"]);
  });

  it("ends without an error where the member has gone on meanwhile", async () => {
    const { group, hold, id } = await waiting();
    group.answers.RecordLifecycleActionHeartbeat = () => {
      group.add(1, { lifecycle: "Terminating:Proceed" });
      throw noAction(id);
    };
    expect(await hold()).toBeNull();
    expect(await hold()).toBeNull();
    expect(beaten(group)).toHaveLength(1);
  });

  it("finds the hook that was put in place of the one it knew", async () => {
    const { group, hold, id } = await waiting();
    await hold();
    group.hooks = [{ name: "new", heartbeatSeconds: 60 }];
    group.answers.RecordLifecycleActionHeartbeat = ({ LifecycleHookName }) => {
      if (LifecycleHookName !== "new") throw noAction(id);
      return {};
    };
    expect(await hold()).toMatchObject({ forMs: MINUTE_MS });
  });

  it("is nothing where its hook was taken away meanwhile", async () => {
    const { group, hold } = await waiting();
    await hold();
    group.hooks = [];
    group.answers.RecordLifecycleActionHeartbeat = throwing(
      "ValidationError",
      "No Lifecycle Hook found with name drain",
    );
    expect(await hold()).toBeNull();
  });

  it("is no endless asking where the member waits and no hook knows of it", async () => {
    const { group, hold, id } = await waiting();
    group.answers.RecordLifecycleActionHeartbeat = () => {
      throw noAction(id);
    };
    expect(await hold()).toBeNull();
    expect(beaten(group)).toHaveLength(2);
  });

  it.each(["Throttling", "InternalFailure", "ResourceContentionFault", "AccessDenied"])(
    "that fails is to be asked for again: %s",
    async (code) => {
      const { group, hold } = await waiting();
      group.answers.RecordLifecycleActionHeartbeat = throwing(code);
      await expect(hold()).rejects.toMatchObject({ code: "provider-unavailable" });
    },
  );
});

describe("holding a member that was held before, and that a reading does not show so", () => {
  const WAITS = { place: "serving", departure: "waits" } as const;

  /** Held once; by what is read now its group has not begun to end it. */
  async function hidden(lifecycle = "InService") {
    const made = await waiting();
    await made.hold();
    made.clock.pass(SECOND_MS);
    made.group.add(1, { lifecycle });
    await made.provider.list("all");
    made.group.sent.length = 0;
    return { ...made, holdOn: () => made.provider.group?.hold(idOf(1), WAITS) };
  }

  it.each(["InService", "Terminating", "Pending:Wait"])(
    "is by its hooks' word, which is newer: %s",
    async (lifecycle) => {
      const { group, id, holdOn } = await hidden(lifecycle);
      group.answers.RecordLifecycleActionHeartbeat = ({ LifecycleHookName }) => {
        if (LifecycleHookName !== "drain") throw noAction(id);
        return {};
      };
      expect(await holdOn()).not.toBeNull();
      expect(beaten(group).at(-1)).toBe("drain");
      expect(group.inputs("DescribeAutoScalingInstances")).toEqual([]);
    },
  );

  it("counts from the beginning that is known", async () => {
    const { group, hold, provider, id, clock } = await waiting();
    const sinceMs = START_MS - HOUR_MS;
    group.activities = [
      { Description: `Terminating EC2 instance: ${id}`, StartTime: new Date(sinceMs), StatusCode: "InProgress" },
    ];
    expect(await hold()).toMatchObject({ sinceMs });
    clock.pass(MINUTE_MS);
    group.add(1, { lifecycle: "InService" });
    await provider.list("all");
    expect(await provider.group?.hold(idOf(1), WAITS)).toMatchObject({ sinceMs });
  });

  it("is nothing once its hooks say so, and a reading by its id agrees", async () => {
    const { group, id, holdOn } = await hidden();
    group.answers.RecordLifecycleActionHeartbeat = () => {
      throw noAction(id);
    };
    expect(await holdOn()).toBeNull();
    expect(group.sent.map(({ call }) => call)).toEqual([
      "RecordLifecycleActionHeartbeat",
      "DescribeAutoScalingInstances",
    ]);
  });

  it("is nothing where another group held it: the hooks of this one were never read", async () => {
    const { group, provider } = stage();
    group.answers.DescribeLifecycleHooks = throwing("ValidationError", "AutoScalingGroup name not found");
    expect(await provider.group?.hold(idOf(1), WAITS)).toBeNull();
    expect(group.sent.map(({ call }) => call)).toEqual(["DescribeAutoScalingInstances"]);
  });

  it("is nothing, and no word to its hooks, where it was last seen where none waits", async () => {
    const { group, provider } = await hidden();
    expect(await provider.group?.hold(idOf(1), { place: "serving", departure: "none" })).toBeNull();
    expect(group.writes()).toEqual([]);
  });
});

describe("who is held up, by the group alone", () => {
  it("is told in the group and its reserve, and EC2 is not asked", async () => {
    const { group, provider } = await waiting();
    for (const [number, lifecycle] of ["InService", "Terminating", "Warmed:Terminating:Wait", "Pending:Wait"].entries())
      group.add(number + 2, { lifecycle });
    group.answers.DescribeInstances = throwing("RequestLimitExceeded");
    expect(await provider.group?.listHeldUp()).toEqual([
      { providerId: idOf(1), membership: { place: "serving", departure: "waits" }, isGroupLeft: false },
      { providerId: idOf(5), membership: { place: "coming", departure: "none", isPaused: true }, isGroupLeft: false },
      { providerId: idOf(4), membership: { place: "reserve", departure: "waits" }, isGroupLeft: false },
    ]);
    expect(group.sent.map(({ call }) => call)).toEqual(["DescribeAutoScalingGroups", "DescribeWarmPool"]);
  });

  it("is held by what was told, without another reading of it", async () => {
    const { group, provider } = stage();
    group.hooks = [DRAIN];
    group.add(1, { lifecycle: "Terminating:Wait" });
    await provider.group?.listHeldUp();
    expect(await provider.group?.hold(idOf(1))).toMatchObject({ sinceMs: START_MS });
    expect(group.inputs("DescribeAutoScalingInstances")).toEqual([]);
    expect(beaten(group)).toEqual(["drain"]);
  });

  it("is said to be of a group that was left where no setting names it", async () => {
    const { group, provider } = stage({}, { isLeft: true });
    group.add(1, { lifecycle: "Terminating:Wait" });
    expect(await provider.group?.listHeldUp()).toMatchObject([{ providerId: idOf(1), isGroupLeft: true }]);
  });
});

describe("the pace of calls", () => {
  it(`is ${CALLS_PER_SECOND_MAX} a second for a fleet of which all members wait at once`, async () => {
    const clock = handClock();
    let longestMs = 0;
    clock.sleep = async (durationMs) => {
      longestMs = Math.max(longestMs, durationMs);
    };
    const { group, provider } = stage({}, {}, clock);
    group.hooks = [DRAIN];
    for (let number = 1; number <= 500; number += 1) group.add(number, { lifecycle: "Terminating:Wait" });
    await provider.list("all");
    const ids = Array.from({ length: 500 }, (_, index) => idOf(index + 1));
    const holds = await Promise.allSettled(ids.map((id) => provider.group?.hold(id)));
    const heldCount = holds.filter(({ status }) => status === "fulfilled").length;
    expect(heldCount).toBe((PACE_WAIT_MAX_MS / SECOND_MS) * CALLS_PER_SECOND_MAX + 1);
    expect(longestMs).toBe(PACE_WAIT_MAX_MS);
    clock.pass(PACE_WAIT_MAX_MS + SECOND_MS);
    expect(await provider.group?.hold(idOf(500))).not.toBeNull();
  });
});
