import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { nextDueMs } from "../../../src/simulator/asg/life.ts";
import { setRoom } from "../../../src/simulator/ec2/control.ts";
import { A_WHILE_MS, AsgScene, GROUP } from "./asg-scene.ts";

const BOOT = { name: "bootstrap", transition: "launching", heartbeatTimeoutSeconds: 1_200 } as const;
const POOL = { type: "c5.xlarge", market: "on-demand" } as const;
const ZONES = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

describe("a launch", () => {
  it("comes into service, spread over the zones, marked with its group and its template", () => {
    const scene = new AsgScene({ desired: 3, tags: { team: "ci" } });
    expect(scene.states()).toEqual(["InService", "InService", "InService"]);
    const instances = scene.ids().map((id) => scene.instance(id));
    expect(instances.map(({ zone }) => zone).sort()).toEqual(ZONES);
    const { tags, targetLifecycleState, phase } = scene.instance(scene.first);
    expect(tags.get("aws:autoscaling:groupName")).toBe(GROUP);
    expect(tags.get("aws:ec2launchtemplate:version")).toBe("1");
    expect(tags.get("team")).toBe("ci");
    expect([targetLifecycleState, phase.kind]).toEqual(["InService", "running"]);
  });

  it("does nothing by itself once it is there", () => {
    const scene = new AsgScene({ desired: 1 });
    expect(nextDueMs(scene.state)).toBeNull();
  });

  it("waits for its hook, and is ended and replaced where that is abandoned", () => {
    const scene = new AsgScene({ desired: 1, hooks: [BOOT] });
    const [id = ""] = scene.ids("Pending:Wait");
    expect(scene.instance(id).phase.kind).toBe("running");
    scene.complete(id, "ABANDON", BOOT.name);
    scene.pass(A_WHILE_MS);
    expect(scene.stateOf(id)).toBeNull();
    expect(scene.phase(id)).toBe("terminated");
    const [next = ""] = scene.ids("Pending:Wait");
    scene.complete(next, "CONTINUE", BOOT.name);
    scene.pass(5 * SECOND_MS);
    expect(scene.stateOf(next)).toBe("InService");
  });

  it("is abandoned by a hook's deadline, or goes on by it", () => {
    for (const [defaultResult, states] of [
      ["ABANDON", ["Pending:Wait"]],
      ["CONTINUE", ["InService"]],
    ] as const) {
      const scene = new AsgScene({ desired: 1, hooks: [{ ...BOOT, defaultResult }] });
      const [id = ""] = scene.ids("Pending:Wait");
      scene.pass(1_200 * SECOND_MS);
      expect(scene.states()).toEqual(states);
      expect(scene.stateOf(id) === null).toBe(defaultResult === "ABANDON");
    }
  });

  it("fails without room, says so in an activity, and comes later", () => {
    const scene = new AsgScene({ maxSize: 5 });
    for (const zone of ZONES) setRoom(scene.state.ec2, { ...POOL, zone }, 0);
    scene.setDesired(1);
    scene.pass(A_WHILE_MS);
    expect(scene.states()).toEqual([]);
    const { Activities } = scene.call("DescribeScalingActivities", { AutoScalingGroupName: GROUP });
    expect(Activities[0]).toMatchObject({
      StatusCode: "Failed",
      StatusMessage: expect.stringMatching(/^We currently do not have sufficient c5.xlarge capacity .* failed\.$/),
    });
    for (const zone of ZONES) setRoom(scene.state.ec2, { ...POOL, zone }, null);
    scene.pass(A_WHILE_MS);
    expect(scene.states()).toEqual(["InService"]);
  });

  it("goes to another zone where one has no room, and is tried again where EC2 takes it back", () => {
    const scene = new AsgScene({ maxSize: 5 });
    setRoom(scene.state.ec2, { ...POOL, zone: "eu-west-1a" }, 0);
    scene.setDesired(3);
    scene.pass(A_WHILE_MS);
    expect(scene.ids().map((id) => scene.instance(id).zone)).not.toContain("eu-west-1a");
    const doomed = new AsgScene({ ec2: { failedPendingShare: 1 }, desired: 1 });
    expect(doomed.states()).not.toContain("InService");
    doomed.state.ec2.options = { ...doomed.state.ec2.options, failedPendingShare: 0 };
    doomed.pass(A_WHILE_MS);
    expect(doomed.states()).toEqual(["InService"]);
  });
});

describe("SetDesiredCapacity", () => {
  it("is refused out of bounds", () => {
    const scene = new AsgScene({ minSize: 1, maxSize: 3 });
    const set = (DesiredCapacity: number) => ({ AutoScalingGroupName: GROUP, DesiredCapacity });
    expect(scene.refusal("SetDesiredCapacity", set(4))).toMatch(/^ValidationError: .* 4 is above max value 3/);
    expect(scene.refusal("SetDesiredCapacity", set(0))).toMatch(/^ValidationError: .* 0 is below min value 1/);
    expect(scene.refusal("SetDesiredCapacity", { ...set(2), AutoScalingGroupName: "other" })).toMatch(/not found/);
  });

  it("honours the cooldown only where it is told to", () => {
    const scene = new AsgScene({ maxSize: 5 });
    scene.setDesired(1);
    const honouring = { AutoScalingGroupName: GROUP, DesiredCapacity: 2, HonorCooldown: true };
    expect(scene.refusal("SetDesiredCapacity", honouring)).toMatch(/^ScalingActivityInProgress/);
    scene.setDesired(2);
    scene.pass(HOUR_MS);
    expect(scene.refusal("SetDesiredCapacity", { ...honouring, DesiredCapacity: 3 })).toBeNull();
    scene.pass(MINUTE_MS);
    expect(scene.ids()).toHaveLength(3);
  });
});
