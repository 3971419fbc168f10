import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { scaleByPolicy } from "../../../src/simulator/asg/control.ts";
import { SUBNETS, UNKNOWN } from "../ec2/ec2-scene.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP } from "./asg-scene.ts";

const [FIRST_SUBNET] = SUBNETS;
const ONE_ZONE = { subnetIds: [FIRST_SUBNET] };

describe("scale-in", () => {
  it("takes its victim out of the fullest zone", () => {
    const scene = new AsgScene({ desired: 4 });
    const zones = scene.ids().map((id) => scene.instance(id).zone);
    const fullest = zones.find((zone, index) => zones.indexOf(zone) !== index);
    scene.setDesired(3);
    scene.pass(A_WHILE_MS);
    expect(new Set(scene.ids().map((id) => scene.instance(id).zone)).size).toBe(3);
    expect(fullest).toBeDefined();
  });

  it.each([
    ["OldestInstance", 0],
    ["NewestInstance", 1],
  ])("follows the policy %s", (policy, index) => {
    const scene = new AsgScene({ desired: 1, terminationPolicies: [policy], ...ONE_ZONE });
    scene.setDesired(2);
    scene.pass(A_WHILE_MS);
    const [...both] = scene.ids();
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(both[index] ?? "")).toBeNull();
  });

  it("takes one of an older template first, then the one nearest to the end of its hour", () => {
    const scene = new AsgScene({ desired: 1, ...ONE_ZONE });
    const [old = ""] = scene.ids();
    scene.pass(HOUR_MS / 2);
    scene.setDesired(3);
    scene.pass(A_WHILE_MS);
    const [, second = "", third = ""] = scene.ids();
    Object.assign(scene.member(third), { template: { ...scene.member(third).template, version: 0 } });
    scene.setDesired(2);
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(third)).toBeNull();
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    expect([scene.stateOf(old), scene.stateOf(second)]).toEqual([null, "InService"]);
  });

  it("never takes a protected one, whatever zone it is in", () => {
    const scene = new AsgScene({ desired: 2, ...ONE_ZONE });
    const [kept = "", victim = ""] = scene.ids();
    scene.protect([kept]);
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    expect([scene.stateOf(kept), scene.stateOf(victim)]).toEqual(["InService", null]);
  });

  it("waits where all are protected, says so, and ends the next unprotected one at once", () => {
    const scene = new AsgScene({ desired: 2, isNewProtected: true });
    const [id = "", other = ""] = scene.ids();
    scene.setDesired(1);
    scene.pass(HOUR_MS);
    expect(scene.ids()).toHaveLength(2);
    const { Activities } = scene.call("DescribeScalingActivities", { AutoScalingGroupName: GROUP });
    expect(Activities[0].StatusMessage).toMatch(/all remaining instances are protected from scale in/);
    expect(scene.group.activities.filter(({ statusCode }) => statusCode === "Failed")).toHaveLength(1);
    scene.protect([other], false);
    scene.pass(15 * SECOND_MS);
    expect(scene.ids()).toEqual([id]);
  });

  it("comes of a policy as well, within the bounds, and not while Terminate is suspended", () => {
    const scene = new AsgScene({ desired: 3, minSize: 1 });
    scene.call("SuspendProcesses", { AutoScalingGroupName: GROUP, ScalingProcesses: ["Terminate"] });
    scaleByPolicy(scene.state, GROUP, 0, scene.nowMs);
    scene.pass(HOUR_MS);
    expect(scene.ids()).toHaveLength(3);
    scene.call("ResumeProcesses", { AutoScalingGroupName: GROUP });
    scene.pass(A_WHILE_MS);
    expect(scene.ids()).toHaveLength(1);
  });
});

describe("TerminateInstanceInAutoScalingGroup", () => {
  it("ends a protected member and replaces it, or makes the group smaller", () => {
    const scene = new AsgScene({ desired: 2, isNewProtected: true });
    const [id = "", other = ""] = scene.ids();
    scene.terminate(id);
    scene.pass(A_WHILE_MS);
    expect([scene.stateOf(id), scene.ids().length]).toEqual([null, 2]);
    scene.terminate(other, true);
    scene.pass(A_WHILE_MS);
    expect([scene.group.desired, scene.ids().length]).toEqual([1, 1]);
  });

  it("makes no group smaller than its least", () => {
    const scene = new AsgScene({ desired: 1, minSize: 1 });
    const request = { InstanceId: scene.first, ShouldDecrementDesiredCapacity: true };
    expect(scene.refusal("TerminateInstanceInAutoScalingGroup", request)).toMatch(
      /^ValidationError: Currently, desiredSize equals minSize \(1\)/,
    );
    expect(scene.stateOf(scene.first)).toBe("InService");
  });

  it("refuses one that goes already, one of the warm pool, and one that is in no group", () => {
    const scene = new AsgScene({ desired: 1, hooks: [DRAIN], warmPool: { maxPreparedCount: 2 } });
    const end = (InstanceId: string) =>
      scene.refusal("TerminateInstanceInAutoScalingGroup", { InstanceId, ShouldDecrementDesiredCapacity: false });
    const id = scene.first;
    scene.waiting(id);
    expect(end(id)).toMatch(/^ScalingActivityInProgress/);
    const [warm = ""] = scene.ids("Warmed:Stopped");
    expect(end(warm)).toMatch(/^ValidationError: .* in the warm pool/);
    expect(end(UNKNOWN)).toMatch(/^ValidationError: Instance Id not found - No managed instance found/);
  });
});

describe("SetInstanceProtection", () => {
  const protection = (InstanceIds: readonly string[], ProtectedFromScaleIn: boolean) => ({
    AutoScalingGroupName: GROUP,
    InstanceIds,
    ProtectedFromScaleIn,
  });

  it("is refused while a terminate hook waits, and taking it away is not", () => {
    const scene = new AsgScene({ desired: 2, hooks: [DRAIN] });
    const [id = "", other = ""] = scene.ids();
    scene.waiting(id);
    expect(scene.refusal("SetInstanceProtection", protection([other, id], true))).toBe(
      `ValidationError: The instance ${id} is not in InService or EnteringStandby or Standby.`,
    );
    expect(scene.member(other).isProtected).toBe(false);
    expect(scene.refusal("SetInstanceProtection", protection([id], false))).toBeNull();
  });

  it("is refused in the warm pool, and for more than fifty", () => {
    const scene = new AsgScene({ warmPool: { maxPreparedCount: 1 } });
    const [warm = ""] = scene.ids("Warmed:Stopped");
    for (const isProtected of [true, false])
      expect(scene.refusal("SetInstanceProtection", protection([warm], isProtected))).toMatch(/is not in InService/);
    const many = Array.from({ length: 51 }, () => warm);
    expect(scene.refusal("SetInstanceProtection", protection(many, true))).toMatch(/must not exceed 50/);
  });

  it("is there from the launch on where the group says so", () => {
    const scene = new AsgScene({ desired: 1, isNewProtected: true });
    expect(scene.member(scene.first).isProtected).toBe(true);
    scene.pass(MINUTE_MS);
  });
});
