import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { addFault } from "../../../src/simulator/aws/faults.ts";
import { EC2_ERRORS, type Ec2ErrorCode } from "../../../src/simulator/ec2/errors.ts";
import { Ec2Scene, launchOf } from "./ec2-scene.ts";

const CODES = Object.keys(EC2_ERRORS) as Ec2ErrorCode[];

describe("faults", () => {
  it.each(CODES)("%s at launch, list and terminate, before the effect and after it", (code) => {
    for (const effect of ["none", "done"] as const) {
      const scene = new Ec2Scene();
      addFault(scene.state.faults, "RunInstances", { kind: "error", code, effect });
      expect(scene.refusal("RunInstances", launchOf(1))).toBe(code);
      expect(scene.state.instances.size).toBe(effect === "done" ? 1 : 0);
      const [id = ""] = scene.run(1);
      addFault(scene.state.faults, "DescribeInstances", { kind: "error", code, effect });
      expect(scene.refusal("DescribeInstances", {})).toBe(code);
      addFault(scene.state.faults, "TerminateInstances", { kind: "error", code, effect });
      expect(scene.refusal("TerminateInstances", { InstanceIds: [id] })).toBe(code);
      expect(scene.phase(id)).toBe(effect === "done" ? "shutting-down" : "pending");
    }
  });

  it("hit so many calls of their action, in the order given, until they are taken back", () => {
    const scene = new Ec2Scene();
    addFault(scene.state.faults, "DescribeInstances", { kind: "error", code: "InternalError", effect: "none" }, 2);
    const takeBack = addFault(scene.state.faults, "any", { kind: "error", code: "Unavailable", effect: "none" }, 9);
    const said = () => scene.refusal("DescribeInstances", {});
    expect([said(), scene.refusal("DescribeSubnets", {}), said(), said()]).toEqual([
      "InternalError",
      "Unavailable",
      "InternalError",
      "Unavailable",
    ]);
    takeBack();
    expect(said()).toBeNull();
  });

  it("lose answers before the effect and after it", () => {
    for (const effect of ["none", "done"] as const) {
      const scene = new Ec2Scene();
      addFault(scene.state.faults, "RunInstances", { kind: "answer-lost", effect });
      expect(scene.outcome("RunInstances", launchOf(1)).transmission.kind).toBe("answer-lost");
      expect(scene.state.instances.size).toBe(effect === "done" ? 1 : 0);
    }
  });
});

describe("rates", () => {
  const rate = (burst: number, perSecond: number) => ({ burst, perSecond });
  const rates = {
    reading: rate(100, 20),
    unpagedReading: rate(2, 1),
    change: rate(50, 5),
    runInstances: rate(5, 2),
    startedInstances: rate(10, 2),
    endedInstances: rate(10, 20),
    restartedInstances: rate(10, 2),
  };

  it("let so many calls through, and others again with time; what is refused has no effect", () => {
    const scene = new Ec2Scene({ rates });
    const codes = Array.from({ length: 6 }, () => scene.refusal("RunInstances", launchOf(1)));
    expect(codes).toEqual([null, null, null, null, null, "RequestLimitExceeded"]);
    expect(scene.state.instances.size).toBe(5);
    scene.pass(SECOND_MS);
    expect(scene.refusal("RunInstances", launchOf(1))).toBeNull();
    expect(scene.refusal("RunInstances", launchOf(1))).toBeNull();
    expect(scene.refusal("RunInstances", launchOf(1))).toBe("RequestLimitExceeded");
  });

  it("count instances as well as calls", () => {
    const scene = new Ec2Scene({ rates });
    const ids = scene.run(8);
    expect(scene.refusal("RunInstances", launchOf(3))).toBe("RequestLimitExceeded");
    expect(scene.refusal("RunInstances", launchOf(2))).toBeNull();
    expect(scene.refusal("TerminateInstances", { InstanceIds: ids })).toBeNull();
    expect(scene.refusal("TerminateInstances", { InstanceIds: ids })).toBe("RequestLimitExceeded");
    scene.pass(MINUTE_MS);
    expect(scene.refusal("TerminateInstances", { InstanceIds: ids })).toBeNull();
  });

  it("are lower for readings of everything than for those with a filter, a page size or ids", () => {
    const scene = new Ec2Scene({ rates });
    const [id = ""] = scene.run(1);
    const whole = Array.from({ length: 3 }, () => scene.refusal("DescribeInstances", {}));
    expect(whole).toEqual([null, null, "RequestLimitExceeded"]);
    for (const request of [{ MaxResults: 5 }, { InstanceIds: [id] }, { Filters: [{ Name: "tag:a", Values: ["1"] }] }])
      expect(scene.refusal("DescribeInstances", request)).toBeNull();
  });

  it("count every call, refused or not", () => {
    const scene = new Ec2Scene({ rates });
    for (let count = 0; count < 7; count += 1) scene.outcome("RunInstances", launchOf(1));
    expect(scene.state.callCounts.get("RunInstances")).toBe(7);
  });
});
