import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { interrupt, powerOff } from "../../../src/simulator/ec2/life.ts";
import { SUBNETS } from "../ec2/ec2-scene.ts";
import { A_WHILE_MS, AsgScene, DRAIN, GROUP } from "./asg-scene.ts";

const NAMED = { AutoScalingGroupName: GROUP };

describe("a member that is unhealthy", () => {
  it("is replaced through its hook although it is protected", () => {
    const scene = new AsgScene({ desired: 1, isNewProtected: true, hooks: [DRAIN] });
    const id = scene.first;
    scene.call("SetInstanceHealth", { InstanceId: id, HealthStatus: "Unhealthy" });
    scene.pass(MINUTE_MS);
    expect([scene.stateOf(id), scene.ids().length]).toEqual(["Terminating:Wait", 1]);
  });

  it("is not while the word comes within the grace period, unless it says that it counts", () => {
    const scene = new AsgScene({ desired: 1, graceSeconds: 3_600 });
    const id = scene.first;
    const word = { InstanceId: id, HealthStatus: "Unhealthy" };
    scene.call("SetInstanceHealth", word);
    scene.pass(MINUTE_MS);
    expect(scene.stateOf(id)).toBe("InService");
    scene.call("SetInstanceHealth", { ...word, ShouldRespectGracePeriod: false });
    scene.pass(MINUTE_MS);
    expect(scene.stateOf(id)).not.toBe("InService");
  });

  it("is left alone while ReplaceUnhealthy is suspended", () => {
    const scene = new AsgScene({ desired: 1, suspended: ["ReplaceUnhealthy", "AZRebalance"] });
    const id = scene.first;
    scene.call("SetInstanceHealth", { InstanceId: id, HealthStatus: "Unhealthy" });
    scene.pass(HOUR_MS);
    expect(scene.stateOf(id)).toBe("InService");
  });

  it("is what its instance's own stop makes of it, some time later", () => {
    const scene = new AsgScene({ desired: 1, hooks: [DRAIN] });
    const id = scene.first;
    powerOff(scene.state.ec2, id, scene.nowMs);
    scene.pass(1);
    expect(scene.stateOf(id)).toBe("InService");
    scene.pass(2 * MINUTE_MS);
    expect(scene.stateOf(id)).toBe("Terminating:Wait");
  });
});

it("spot takes an instance back in two minutes, whatever hook there is, and the group replaces it", () => {
  const scene = new AsgScene({ desired: 1, market: "spot", hooks: [DRAIN] });
  const id = scene.first;
  expect(interrupt(scene.state.ec2, id, scene.nowMs)).toBe(true);
  scene.pass(MINUTE_MS);
  expect(scene.phase(id)).toBe("running");
  scene.pass(5 * MINUTE_MS);
  expect(scene.phase(id)).toBe("terminated");
  expect([scene.stateOf(id), scene.ids().length]).toEqual(["Terminating:Wait", 1]);
});

describe("the greatest lifetime", () => {
  it("replaces one after the other, and no protected one", () => {
    const scene = new AsgScene({ desired: 3, lifetimeSeconds: 86_400 });
    const [kept = "", ...others] = scene.ids();
    scene.protect([kept]);
    scene.pass(DAY_MS - 4 * MINUTE_MS);
    expect(scene.ids()).toEqual([kept, ...others]);
    scene.pass(HOUR_MS);
    expect(scene.stateOf(kept)).toBe("InService");
    expect(others.map((id) => scene.stateOf(id))).toEqual([null, null]);
    expect(scene.ids()).toHaveLength(3);
  });

  it("takes a day at least, or none", () => {
    const scene = new AsgScene();
    expect(scene.refusal("UpdateAutoScalingGroup", { ...NAMED, MaxInstanceLifetime: 3_600 })).toMatch(/86400/);
    expect(scene.refusal("UpdateAutoScalingGroup", { ...NAMED, MaxInstanceLifetime: 0 })).toBeNull();
  });
});

describe("an instance refresh", () => {
  const start = (scene: AsgScene, ScaleInProtectedInstances: string, StandbyInstances = "Ignore") =>
    scene.call("StartInstanceRefresh", { ...NAMED, Preferences: { ScaleInProtectedInstances, StandbyInstances } });
  const status = (scene: AsgScene) => scene.call("DescribeInstanceRefreshes", NAMED).InstanceRefreshes[0].Status;

  it("replaces all, one after the other", () => {
    const scene = new AsgScene({ desired: 3 });
    const before = scene.ids();
    start(scene, "Wait");
    scene.pass(HOUR_MS);
    expect(before.map((id) => scene.stateOf(id))).toEqual([null, null, null]);
    expect([status(scene), scene.ids().length]).toEqual(["Successful", 3]);
  });

  it.each([
    ["Refresh", null, "Successful"],
    ["Ignore", "InService", "Successful"],
    ["Wait", "InService", "Failed"],
  ])("does with protected ones as it is told: %s", (preference, state, outcome) => {
    const scene = new AsgScene({ desired: 1, isNewProtected: true });
    const id = scene.first;
    start(scene, preference);
    scene.pass(HOUR_MS / 2);
    if (preference === "Wait") expect(status(scene)).toBe("InProgress");
    scene.pass(HOUR_MS);
    expect([scene.stateOf(id), status(scene)]).toEqual([state, outcome]);
  });

  it("goes on when one that it waited for is unprotected", () => {
    const scene = new AsgScene({ desired: 1, isNewProtected: true });
    const id = scene.first;
    start(scene, "Wait");
    scene.pass(HOUR_MS / 2);
    scene.protect([id], false);
    scene.pass(HOUR_MS);
    expect([scene.stateOf(id), status(scene)]).toEqual([null, "Successful"]);
  });

  it.each([
    ["Terminate", null],
    ["Ignore", "Standby"],
  ])("does with those that stand by as it is told: %s", (preference, state) => {
    const scene = new AsgScene({ desired: 1 });
    const id = scene.first;
    scene.call("EnterStandby", { ...NAMED, InstanceIds: [id], ShouldDecrementDesiredCapacity: true });
    scene.pass(MINUTE_MS);
    start(scene, "Ignore", preference);
    scene.pass(HOUR_MS / 2);
    expect([scene.stateOf(id), status(scene)]).toEqual([state, "Successful"]);
  });
});

describe("a rebalance of zones", () => {
  /** Two members in one zone, none in the other. */
  function lopsided(setup = {}): AsgScene {
    const scene = new AsgScene({ desired: 2, maxSize: 2, subnetIds: [SUBNETS[0]], suspended: [], ...setup });
    Object.assign(scene.group, { subnetIds: [SUBNETS[0], SUBNETS[1]] });
    return scene;
  }

  it("launches before it ends, one more than the greatest size if need be", () => {
    const scene = lopsided();
    const before = scene.ids();
    const counts = Array.from({ length: A_WHILE_MS / SECOND_MS }, () => {
      scene.pass(SECOND_MS);
      return scene.ids().length;
    });
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([2, 3]);
    expect(scene.ids()).toHaveLength(2);
    expect(before.filter((id) => scene.stateOf(id) === null)).toHaveLength(1);
    expect(new Set(scene.ids().map((id) => scene.instance(id).zone)).size).toBe(2);
  });

  it("is not begun where it is suspended or all are protected", () => {
    for (const setup of [{ suspended: ["AZRebalance"] }, { isNewProtected: true }]) {
      const scene = lopsided(setup);
      const before = scene.ids();
      scene.pass(HOUR_MS);
      expect(scene.ids()).toEqual(before);
    }
  });
});
