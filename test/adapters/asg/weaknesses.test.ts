/**
 * What remained weak in the best published attempt to make a group wait for its jobs (infrahouse/puppet-code #265,
 * terraform-aws-actions-runner 4.2.0), as far as it is a matter of the calls to AWS; by the numbers of the catalogue in
 * docs/design/asg.md. Those of the controllers are in test/controllers/group-weaknesses.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { groupStatements } from "../../../src/adapters/asg/iam.ts";
import { HOUR_MS } from "../../../src/domain/units.ts";
import { throwing } from "../ec2/fake-client.ts";
import { newLaunch, permitFor } from "../ec2/stage.ts";
import { idOf, noAction, OWNER, settingsOf, stage } from "./stage.ts";

const HOOK = { name: "drain", heartbeatSeconds: 1_800 };
const ASG = "src/adapters/asg";
const AWS = "src/adapters/aws";

/** What is written in the adapter, without what is written about it. */
function sources(): string {
  return [ASG, AWS]
    .flatMap((folder) => readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8")))
    .join("\n");
}

/** Every call that a failing group can be met with. */
const FAILURES = [
  "Throttling",
  "InternalFailure",
  "ResourceContentionFault",
  "AccessDenied",
  "ValidationError",
] as const;

describe("3: no heartbeat without somebody who asks for it", () => {
  it("whatever passes: a listing of members that wait holds none of them", async () => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    group.add(1, { lifecycle: "Terminating:Wait" });
    for (let count = 0; count < 48; count += 1) {
      clock.pass(HOUR_MS);
      await provider.list("all");
      await provider.list([idOf(1)]);
    }
    expect(group.inputs("RecordLifecycleActionHeartbeat")).toEqual([]);
  });

  it("nor for a member that goes on, whoever asks", async () => {
    const { group, provider } = stage();
    group.hooks = [HOOK];
    group.add(1, { lifecycle: "Terminating:Proceed" });
    await provider.list("all");
    expect(await provider.group?.hold(idOf(1))).toBeNull();
    expect(group.inputs("RecordLifecycleActionHeartbeat")).toEqual([]);
  });

  it("and a completion that failed is told, so that it is made again", async () => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    group.add(1, { lifecycle: "Terminating:Wait" });
    for (const code of FAILURES) {
      group.answers.CompleteLifecycleAction = throwing(code);
      await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toMatchObject({
        code: "provider-unavailable",
      });
    }
    group.answers = {};
    await provider.terminate(permitFor(idOf(1), clock));
  });
});

describe("5: nobody marks a machine unhealthy", () => {
  it("for no reason: there is no such call", () => {
    expect(sources()).not.toMatch(/SetInstanceHealthCommand|"Unhealthy"/);
  });
});

describe("8: nothing hangs on a protection that a failing call could leave behind, or take off", () => {
  it("because none is taken off", () => {
    expect(sources().match(/\bProtectedFromScaleIn: \w+ \}/g)).toEqual(["ProtectedFromScaleIn: true }"]);
  });

  it.each(FAILURES)(
    "and what we may end is ended with it, and without it where it could not be made: %s",
    async (code) => {
      const { group, provider, clock } = stage();
      group.size = { min: 0, max: 10, desired: 2 };
      group.add(1, { isProtected: true });
      group.add(2, { isProtected: false });
      group.answers.SetInstanceProtection = throwing(code);
      expect((await provider.list("all")).map(({ state }) => state)).toEqual(["running", "running"]);
      for (const number of [1, 2]) await provider.terminate(permitFor(idOf(number), clock));
      expect(group.inputs("TerminateInstanceInAutoScalingGroup")).toHaveLength(2);
    },
  );
});

describe("9: a storm of refusals ends no machine", () => {
  it.each(FAILURES)("%s of every reading is no word about anybody", async (code) => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    group.add(1);
    for (const call of ["DescribeAutoScalingGroups", "DescribeAutoScalingInstances", "DescribeInstances"])
      group.answers[call] = throwing(code, "refused");
    for (const look of ["all", [idOf(1)]] as const)
      await expect(provider.list(look)).rejects.toMatchObject({ code: "provider-unavailable" });
    await expect(provider.terminate(permitFor(idOf(1), clock))).rejects.toMatchObject({ code: "provider-unavailable" });
    expect(group.writes()).toEqual([]);
  });

  it("nor does a member that no answer shows", async () => {
    const { group, provider } = stage();
    group.add(1);
    await provider.list("all");
    group.answers.DescribeInstances = () => ({ Reservations: [] });
    expect(await provider.list("all")).toMatchObject([{ state: "starting" }]);
    group.answers.DescribeAutoScalingInstances = () => ({ AutoScalingInstances: [] });
    expect(await provider.list([idOf(1)])).toMatchObject([{ state: "not-found" }]);
  });
});

describe("10: the number that is set is never lower than the one before", () => {
  it("however much of the group a reading leaves out", async () => {
    const { group, provider } = stage();
    group.size = { min: 0, max: 10, desired: 6 };
    for (const number of [1, 2, 3, 4, 5, 6]) group.add(number);
    const request = newLaunch(2);
    const order = (await provider.orders?.draft(request)) ?? null;
    let count = 0;
    group.answers.DescribeAutoScalingGroups = () => {
      count += 1;
      const Instances = [...group.members.keys()]
        .slice(0, count % 4)
        .map((InstanceId) => ({ InstanceId, LifecycleState: "InService" }));
      return {
        AutoScalingGroups: [
          { AutoScalingGroupName: "runners", MinSize: 0, MaxSize: 10, DesiredCapacity: 6, Instances },
        ],
      };
    };
    await provider.launch({ ...request, order }).catch(() => undefined);
    for (const { DesiredCapacity } of group.inputs("SetDesiredCapacity")) expect(DesiredCapacity).toBeGreaterThan(6);
  });
});

describe("11: no machine holds a permission, and ours names its groups", () => {
  it("so a job can end, unprotect or complete none of its neighbours by what Holdfast gave it", () => {
    const statements = groupStatements(OWNER.controllerId, [settingsOf()]);
    for (const { Action, Resource } of statements) {
      const changes = [Action].flat().filter((action) => !/:(?:Describe|Get)/.test(action));
      if (changes.length > 0) expect(Resource).not.toBe("*");
    }
    expect(sources()).not.toMatch(/IamInstanceProfileSpecification|PassRole/);
  });
});

describe("12: the first failure is not the last word", () => {
  it("one member's keeps no other from being ended", async () => {
    const { group, provider, clock } = stage();
    group.hooks = [HOOK];
    for (const number of [1, 2, 3]) group.add(number, { lifecycle: "Terminating:Wait" });
    group.answers.CompleteLifecycleAction = ({ InstanceId }) => {
      if (InstanceId === idOf(1)) throw noAction(InstanceId);
      return {};
    };
    const ends = await Promise.allSettled(
      [1, 2, 3].map((number) => provider.terminate(permitFor(idOf(number), clock))),
    );
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });
});

describe("13: no event has to arrive", () => {
  it("a process that has just begun finds whom its group waits for, holds it and ends it", async () => {
    const made = stage();
    made.group.hooks = [HOOK];
    made.group.add(1, { lifecycle: "Terminating:Wait" });
    const provider = made.restarted();
    expect(await provider.list("all")).toMatchObject([{ membership: { departure: "waits" } }]);
    expect(await provider.group?.hold(idOf(1))).not.toBeNull();
    await provider.terminate(permitFor(idOf(1), made.clock));
    expect(made.group.writes()).toEqual(["CreateTags", "RecordLifecycleActionHeartbeat", "CompleteLifecycleAction"]);
  });
});

describe("16: a member of the reserve is let go by its hook, in whichever state its system is", () => {
  it.each(["running", "stopped", "pending", null])("%s", async (ec2) => {
    const { group, provider, clock } = stage();
    group.hasReserve = true;
    group.hooks = [HOOK];
    group.add(1, { lifecycle: "Warmed:Terminating:Wait", ec2 });
    expect(await provider.list("all")).toMatchObject([{ membership: { place: "reserve", departure: "waits" } }]);
    await provider.terminate(permitFor(idOf(1), clock));
    expect(group.inputs("CompleteLifecycleAction")).toHaveLength(1);
    expect(group.inputs("TerminateInstances")).toEqual([]);
  });

  it("and a group without hooks gets no call about them", async () => {
    const { group, provider } = stage();
    group.add(1, { lifecycle: "Terminating" });
    await provider.list("all");
    expect(await provider.group?.hold(idOf(1))).toBeNull();
    expect(group.writes()).toEqual(["CreateTags"]);
  });
});
