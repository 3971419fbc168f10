import { describe, expect, it } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { changeInstance, setQuota, setRoom } from "../../../src/simulator/ec2/control.ts";
import { interrupt, nextDueMs, powerOff } from "../../../src/simulator/ec2/life.ts";
import { Ec2Scene, SPOT, SUBNETS, UNKNOWN } from "./ec2-scene.ts";

const PERSISTENT = {
  InstanceMarketOptions: {
    MarketType: "spot",
    SpotOptions: { SpotInstanceType: "persistent", InstanceInterruptionBehavior: "stop" },
  },
} as const;

function running(count: number, ...[request, options]: [Parameters<Ec2Scene["run"]>[1]?, object?]) {
  const scene = new Ec2Scene(options);
  const ids = scene.run(count, request);
  scene.pass(MINUTE_MS);
  return { scene, ids, id: ids[0] ?? "" };
}

describe("TerminateInstances", () => {
  it("shuts down, then is terminated for an hour, then nobody knows it", () => {
    const { scene, id } = running(1);
    const { TerminatingInstances } = scene.call("TerminateInstances", { InstanceIds: [id] });
    expect(TerminatingInstances).toEqual([
      {
        InstanceId: id,
        CurrentState: { Code: 32, Name: "shutting-down" },
        PreviousState: { Code: 16, Name: "running" },
      },
    ]);
    scene.pass(2 * MINUTE_MS);
    expect(scene.phase(id)).toBe("terminated");
    const { Reservations } = scene.call("DescribeInstances", { InstanceIds: [id] });
    expect(Reservations[0].Instances[0]).toMatchObject({
      State: { Code: 48, Name: "terminated" },
      StateTransitionReason: "User initiated (2026-05-04 04:23:10 GMT)",
      StateReason: { Code: "Client.UserInitiatedShutdown" },
    });
    scene.pass(50 * MINUTE_MS);
    expect(scene.listed()).toEqual([id]);
    scene.pass(HOUR_MS);
    expect(scene.listed()).toEqual([]);
    expect(scene.refusal("TerminateInstances", { InstanceIds: [id] })).toBe("InvalidInstanceID.NotFound");
    expect(nextDueMs(scene.state)).toBeNull();
  });

  it("takes an ended instance once more, and a stopped one", () => {
    const { scene, id } = running(1);
    scene.call("StopInstances", { InstanceIds: [id] });
    scene.pass(2 * MINUTE_MS);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(2 * MINUTE_MS);
    expect(scene.call("TerminateInstances", { InstanceIds: [id] }).TerminatingInstances[0].CurrentState.Name).toBe(
      "terminated",
    );
  });

  it("does nothing for a batch with one id that is not found, or that is none", () => {
    const { scene, ids } = running(2);
    expect(scene.refusal("TerminateInstances", { InstanceIds: [...ids, UNKNOWN] })).toBe("InvalidInstanceID.NotFound");
    expect(scene.refusal("TerminateInstances", { InstanceIds: [...ids, "m-1"] })).toBe("InvalidInstanceID.Malformed");
    expect(scene.refusal("TerminateInstances", { InstanceIds: [] })).toBe("MissingParameter");
    expect(ids.map((id) => scene.phase(id))).toEqual(["running", "running"]);
  });

  it("keeps a protected instance and its zone's others, and ends those of other zones although the call fails", () => {
    const scene = new Ec2Scene();
    const [kept = "", beside = ""] = scene.run(2);
    const [elsewhere = ""] = scene.run(1, { SubnetId: SUBNETS[1] });
    scene.call("ModifyInstanceAttribute", { InstanceId: kept, DisableApiTermination: { Value: true } });
    const batch = { InstanceIds: [kept, beside, elsewhere] };
    expect(scene.refusal("TerminateInstances", batch)).toBe("OperationNotPermitted");
    expect([kept, beside, elsewhere].map((id) => scene.phase(id))).toEqual(["pending", "pending", "shutting-down"]);
    scene.call("ModifyInstanceAttribute", { InstanceId: kept, DisableApiTermination: { Value: false } });
    expect(scene.refusal("TerminateInstances", batch)).toBeNull();
  });

  it("sometimes says what it always says, and changes nothing", () => {
    const { scene, id } = running(1);
    changeInstance(scene.state, id, { ignoredEndingCount: 1 });
    const said = scene.call("TerminateInstances", { InstanceIds: [id] });
    expect(said.TerminatingInstances[0].CurrentState.Name).toBe("shutting-down");
    expect(scene.phase(id)).toBe("running");
    scene.call("TerminateInstances", { InstanceIds: [id] });
    expect(scene.phase(id)).toBe("shutting-down");
    const stubborn = running(1, {}, { ignoredEndingShare: 1 });
    stubborn.scene.call("TerminateInstances", { InstanceIds: [stubborn.id] });
    expect(stubborn.scene.phase(stubborn.id)).toBe("running");
  });
});

describe("StopInstances and StartInstances", () => {
  it("stop and start again, with the same id", () => {
    const { scene, id } = running(1);
    scene.call("StopInstances", { InstanceIds: [id] });
    expect(scene.phase(id)).toBe("stopping");
    scene.pass(2 * MINUTE_MS);
    expect(scene.phase(id)).toBe("stopped");
    scene.call("StartInstances", { InstanceIds: [id] });
    expect(scene.phase(id)).toBe("pending");
    scene.pass(MINUTE_MS);
    expect(scene.phase(id)).toBe("running");
    expect(scene.listed()).toEqual([id]);
  });

  it("needs room to start again: capacity that others took, quota that others use", () => {
    const { scene, id } = running(1);
    const pool = { type: "c5.xlarge", zone: "eu-west-1a", market: "on-demand" } as const;
    scene.call("StopInstances", { InstanceIds: [id] });
    scene.pass(2 * MINUTE_MS);
    setRoom(scene.state, pool, 0);
    expect(scene.refusal("StartInstances", { InstanceIds: [id] })).toBe("InsufficientInstanceCapacity");
    setRoom(scene.state, pool, null);
    setQuota(scene.state, "c5.xlarge", "on-demand", 4);
    scene.run(1);
    expect(scene.refusal("StartInstances", { InstanceIds: [id] })).toBe("VcpuLimitExceeded");
  });

  it("gives its room back once, by the stop", () => {
    const { scene, id } = running(1);
    const pool = { type: "c5.xlarge", zone: "eu-west-1a", market: "on-demand" } as const;
    setRoom(scene.state, pool, 0);
    scene.call("StopInstances", { InstanceIds: [id] });
    scene.pass(2 * MINUTE_MS);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(2 * MINUTE_MS);
    expect(scene.run(2, { MinCount: 1 })).toHaveLength(1);
  });

  it("refuses what cannot be stopped or started", () => {
    const { scene, id } = running(1);
    const [fresh = ""] = scene.run(1);
    const [spot = ""] = scene.run(1, SPOT);
    expect(scene.refusal("StopInstances", { InstanceIds: [fresh] })).toBe("IncorrectInstanceState");
    expect(scene.refusal("StopInstances", { InstanceIds: [spot] })).toBe("UnsupportedOperation");
    scene.call("ModifyInstanceAttribute", { InstanceId: id, DisableApiStop: { Value: true } });
    expect(scene.refusal("StopInstances", { InstanceIds: [id] })).toBe("OperationNotPermitted");
    scene.call("TerminateInstances", { InstanceIds: [id] });
    expect(scene.refusal("StartInstances", { InstanceIds: [id] })).toBe("IncorrectInstanceState");
  });
});

describe("what happens on a host", () => {
  it.each(["terminate", "stop"] as const)("a shutdown of its own: %s, as it was started to", (behavior) => {
    const { scene, id } = running(1, { InstanceInitiatedShutdownBehavior: behavior });
    powerOff(scene.state, id, scene.nowMs);
    scene.pass(2 * MINUTE_MS);
    expect(scene.phase(id)).toBe(behavior === "terminate" ? "terminated" : "stopped");
    expect(scene.instance(id).stateReason?.code).toBe("Client.InstanceInitiatedShutdown");
  });

  it("keeps what its console said, and says it in Base64", () => {
    const { scene, id } = running(1);
    expect(scene.call("GetConsoleOutput", { InstanceId: id }).Output).toBeUndefined();
    changeInstance(scene.state, id, { consoleOutput: "kernel panic" });
    const { Output } = scene.call("GetConsoleOutput", { InstanceId: id });
    expect(Buffer.from(Output, "base64").toString()).toBe("kernel panic");
  });
});

describe("spot", () => {
  it("gives two minutes of notice and then takes the instance", () => {
    const { scene, id } = running(1, SPOT);
    expect(interrupt(scene.state, id, scene.nowMs)).toBe(true);
    expect(scene.instance(id).interruption).toEqual({ action: "terminate", atMs: scene.nowMs + 2 * MINUTE_MS });
    scene.pass(2 * MINUTE_MS - SECOND_MS);
    expect(scene.phase(id)).toBe("running");
    scene.pass(SECOND_MS);
    expect(scene.phase(id)).toBe("shutting-down");
    expect(scene.instance(id).stateReason?.code).toBe("Server.SpotInstanceTermination");
  });

  it("takes it at once without a notice, stops what was started to be stopped, and leaves on-demand alone", () => {
    const { scene, id } = running(1, SPOT);
    interrupt(scene.state, id, scene.nowMs, 0);
    expect(scene.phase(id)).toBe("shutting-down");
    const [persistent = ""] = scene.run(1, PERSISTENT);
    scene.pass(MINUTE_MS);
    interrupt(scene.state, persistent, scene.nowMs, 0);
    scene.pass(2 * MINUTE_MS);
    expect(scene.phase(persistent)).toBe("stopped");
    const [ours = ""] = scene.run(1);
    expect(interrupt(scene.state, ours, scene.nowMs)).toBe(false);
    expect(interrupt(scene.state, UNKNOWN, scene.nowMs)).toBe(false);
  });

  it("is forgotten by an instance that ended before it", () => {
    const { scene, id } = running(1, SPOT);
    interrupt(scene.state, id, scene.nowMs);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(5 * MINUTE_MS);
    expect(scene.instance(id).stateReason?.code).toBe("Client.UserInitiatedShutdown");
    expect(scene.instance(id).interruption).toBeNull();
  });
});
