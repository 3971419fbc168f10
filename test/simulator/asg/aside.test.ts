import { expect, it } from "vitest";
import { HOUR_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP } from "./asg-scene.ts";

const leave = (InstanceIds: readonly string[], ShouldDecrementDesiredCapacity: boolean) => ({
  AutoScalingGroupName: GROUP,
  InstanceIds,
  ShouldDecrementDesiredCapacity,
});

it("puts a member aside with its machine running, replaced or not, and takes it back", () => {
  const scene = new AsgScene({ desired: 2, hooks: [DRAIN], maxSize: 3 });
  const [id = "", other = ""] = scene.ids();
  scene.call("EnterStandby", leave([id], true));
  expect([scene.stateOf(id), scene.instance(id).targetLifecycleState]).toEqual(["EnteringStandby", "Standby"]);
  scene.pass(A_WHILE_MS);
  expect([scene.stateOf(id), scene.phase(id), scene.group.desired]).toEqual(["Standby", "running", 1]);
  scene.call("EnterStandby", leave([other], false));
  scene.pass(A_WHILE_MS);
  expect(scene.ids()).toHaveLength(1);
  scene.call("ExitStandby", { AutoScalingGroupName: GROUP, InstanceIds: [id] });
  scene.pass(5 * SECOND_MS);
  expect([scene.stateOf(id), scene.group.desired]).toEqual(["InService", 2]);
  scene.terminate(other);
  scene.pass(2 * SECOND_MS);
  expect(scene.stateOf(other)).toBe("Terminating:Wait");
});

it("never scales in one that stands by", () => {
  const scene = new AsgScene({ desired: 1 });
  const id = scene.first;
  scene.call("EnterStandby", leave([id], true));
  scene.pass(HOUR_MS);
  expect(scene.stateOf(id)).toBe("Standby");
});

it("takes nobody back beyond the greatest size, puts nobody aside below the least, and only who is in service", () => {
  const scene = new AsgScene({ desired: 1, maxSize: 1, minSize: 1 });
  const id = scene.first;
  expect(scene.refusal("EnterStandby", leave([id], true))).toMatch(/desiredSize equals minSize/);
  scene.call("EnterStandby", leave([id], false));
  scene.pass(A_WHILE_MS);
  expect(scene.refusal("ExitStandby", { AutoScalingGroupName: GROUP, InstanceIds: [id] })).toMatch(/maximum size 1/);
  expect(scene.refusal("EnterStandby", leave([id], false))).toMatch(/is not in InService/);
  expect(scene.refusal("EnterStandby", leave(["i-0123456789abcdef0"], false))).toMatch(/not part of/);
});

it("gives a machine away: without its group's tag, and running on", () => {
  const scene = new AsgScene({ desired: 1, hooks: [DRAIN] });
  const id = scene.first;
  scene.call("DetachInstances", leave([id], true));
  expect([scene.stateOf(id), scene.instance(id).targetLifecycleState]).toEqual(["Detaching", "Detached"]);
  scene.pass(A_WHILE_MS);
  expect([scene.stateOf(id), scene.phase(id), scene.group.desired]).toEqual([null, "running", 0]);
  expect(scene.instance(id).tags.has("aws:autoscaling:groupName")).toBe(false);
});
