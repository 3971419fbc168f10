import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { calmDown } from "../../../src/simulator/asg/control.ts";
import { addFault } from "../../../src/simulator/aws/faults.ts";
import { UNKNOWN } from "../ec2/ec2-scene.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP } from "./asg-scene.ts";

const LAGGING = { asg: { lags: { readingMs: [0, MINUTE_MS] } } } as const;

function shownStates(scene: AsgScene): readonly string[] {
  const { AutoScalingGroups } = scene.call("DescribeAutoScalingGroups", { AutoScalingGroupNames: [GROUP] });
  return AutoScalingGroups[0].Instances.map(({ LifecycleState }: { LifecycleState: string }) => LifecycleState);
}

describe("a reading", () => {
  it("lags behind, each call by a time of its own, so that answers come out of order", () => {
    const scene = new AsgScene({ desired: 1, hooks: [DRAIN], ...LAGGING });
    scene.pass(HOUR_MS);
    const id = scene.first;
    scene.waiting(id);
    const shown = Array.from({ length: 40 }, () => {
      scene.pass(SECOND_MS);
      return shownStates(scene).includes("Terminating:Wait");
    });
    expect(shown.indexOf(true)).toBeLessThan(shown.lastIndexOf(false));
    scene.pass(MINUTE_MS);
    expect(shownStates(scene)).toContain("Terminating:Wait");
  });

  it("lacks a member now and then", () => {
    const scene = new AsgScene({ desired: 3, asg: { lags: { omittedShare: 0.3 } } });
    const counts = Array.from({ length: 30 }, () => shownStates(scene).length);
    expect([Math.min(...counts) < 3, Math.max(...counts)]).toEqual([true, 3]);
    calmDown(scene.state, scene.nowMs);
    expect(shownStates(scene)).toHaveLength(3);
  });

  it("shows who is in the warm pool by its own call alone, and by instance", () => {
    const scene = new AsgScene({ desired: 1, maxSize: 2, warmPool: {} });
    expect(shownStates(scene)).toEqual(["InService"]);
    const { Instances } = scene.call("DescribeWarmPool", { AutoScalingGroupName: GROUP });
    expect(Instances).toMatchObject([{ LifecycleState: "Warmed:Stopped" }]);
    expect(scene.call("DescribeAutoScalingInstances", {}).AutoScalingInstances).toHaveLength(2);
  });

  it("leaves out who is not known, without a word, and takes fifty names at most", () => {
    const scene = new AsgScene({ desired: 1 });
    const read = (InstanceIds: readonly string[]) => scene.call("DescribeAutoScalingInstances", { InstanceIds });
    expect(read([UNKNOWN, scene.first]).AutoScalingInstances).toMatchObject([{ InstanceId: scene.first }]);
    expect(() => read(Array.from({ length: 51 }, () => UNKNOWN))).toThrow(/must not exceed 50/);
    expect(scene.call("DescribeAutoScalingGroups", { AutoScalingGroupNames: ["other"] }).AutoScalingGroups).toEqual([]);
  });

  it("knows an instance that EC2 has forgotten, while its hook waits", () => {
    const scene = new AsgScene({ desired: 1, hooks: [{ ...DRAIN, heartbeatTimeoutSeconds: 7_200 }] });
    const id = scene.first;
    scene.waiting(id);
    scene.state.ec2.known.delete(id);
    scene.state.ec2.due.delete(id);
    scene.pass(MINUTE_MS);
    expect(shownStates(scene)).toContain("Terminating:Wait");
  });
});

describe("a call that meets a fault", () => {
  it.each([
    ["Throttling", "none"],
    ["ResourceContention", "none"],
    ["InternalFailure", "done"],
    ["ScalingActivityInProgress", "none"],
  ] as const)("says %s with the effect %s", (code, effect) => {
    const scene = new AsgScene({ desired: 1, hooks: [DRAIN] });
    const id = scene.first;
    scene.waiting(id);
    addFault(scene.state.faults, "CompleteLifecycleAction", { kind: "error", code, effect });
    const word = { ...scene.action(id), LifecycleActionResult: "CONTINUE" };
    expect(scene.refusal("CompleteLifecycleAction", word)).toMatch(new RegExp(`^${code}`));
    expect(scene.stateOf(id)).toBe(effect === "done" ? "Terminating:Proceed" : "Terminating:Wait");
  });
});

it("is the same from the same seed, and another from another", () => {
  const run = (seed: number) => {
    const scene = new AsgScene({ desired: 3, maxSize: 6, warmPool: {}, hooks: [DRAIN], ...LAGGING }, seed);
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    return JSON.stringify([scene.state.changes, shownStates(scene)]);
  };
  expect(run(1)).toBe(run(1));
  expect(run(1)).not.toBe(run(2));
});
