import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import type { CreateFleetRequest, FleetOverride, LaunchTemplateData } from "../../../src/simulator/ec2/api.ts";
import { setQuota, setRoom } from "../../../src/simulator/ec2/control.ts";
import { Ec2Scene, IMAGE, SUBNETS, tagged } from "./ec2-scene.ts";

const [A, B] = SUBNETS;
const ZONES = { [A]: "eu-west-1a", [B]: "eu-west-1b" };

function prepare(scene: Ec2Scene, data: LaunchTemplateData = {}): Ec2Scene {
  scene.call("CreateLaunchTemplate", {
    LaunchTemplateName: "runners",
    LaunchTemplateData: { ImageId: IMAGE, InstanceType: "c5.large", ...data },
  });
  return scene;
}

function fleetOf(
  count: number,
  overrides: readonly FleetOverride[],
  more: CreateFleetRequest = {},
): CreateFleetRequest {
  return {
    Type: "instant",
    LaunchTemplateConfigs: [
      { LaunchTemplateSpecification: { LaunchTemplateName: "runners", Version: "$Latest" }, Overrides: overrides },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: count, DefaultTargetCapacityType: "spot" },
    SpotOptions: { AllocationStrategy: "price-capacity-optimized" },
    ...more,
  };
}

interface Fleet {
  readonly Instances: readonly { InstanceType: string; Lifecycle: string; InstanceIds: readonly string[] }[];
  readonly Errors: readonly {
    ErrorCode: string;
    Lifecycle: string;
    LaunchTemplateAndOverrides: { Overrides: FleetOverride };
  }[];
}

const started = ({ Instances }: Fleet) => Instances.flatMap(({ InstanceIds }) => InstanceIds);
const codes = ({ Errors }: Fleet) => Errors.map(({ ErrorCode }) => ErrorCode);
const pool = (type: string, subnet: typeof A | typeof B, market: "spot" | "on-demand" = "spot") => ({
  type,
  zone: ZONES[subnet] ?? "",
  market,
});
const large: FleetOverride = { InstanceType: "c5.large", SubnetId: A };
const xlarge: FleetOverride = { InstanceType: "c5.xlarge", SubnetId: A };
const largeB: FleetOverride = { InstanceType: "c5.large", SubnetId: B };

describe("CreateFleet", () => {
  it("takes the cheapest of the pools with room, and says of each instance what it is", () => {
    const scene = prepare(new Ec2Scene());
    const fleet = scene.call("CreateFleet", fleetOf(2, [xlarge, large])) as Fleet;
    expect(fleet.Instances).toMatchObject([
      { InstanceType: "c5.large", Lifecycle: "spot", LaunchTemplateAndOverrides: { Overrides: { SubnetId: A } } },
    ]);
    expect(started(fleet)).toHaveLength(2);
    expect(fleet.Errors).toEqual([]);
  });

  it("gives a part, with an error for each override that gave too little and none for each instance", () => {
    const scene = prepare(new Ec2Scene());
    setRoom(scene.state, pool("c5.large", A), 2);
    setRoom(scene.state, pool("c5.xlarge", A), 0);
    setRoom(scene.state, pool("c5.large", B), 1, "UnfulfillableCapacity");
    const fleet = scene.call("CreateFleet", fleetOf(9, [large, xlarge, largeB])) as Fleet;
    expect(started(fleet)).toHaveLength(3);
    expect(codes(fleet).sort()).toEqual([
      "InsufficientInstanceCapacity",
      "InsufficientInstanceCapacity",
      "UnfulfillableCapacity",
    ]);
    expect(scene.state.instances.size).toBe(3);
  });

  it("may report errors beside a whole success", () => {
    const scene = prepare(new Ec2Scene());
    setRoom(scene.state, pool("c5.large", A), 1);
    const request = fleetOf(3, [large, xlarge], { SpotOptions: { AllocationStrategy: "lowest-price" } });
    const fleet = scene.call("CreateFleet", request) as Fleet;
    expect(started(fleet)).toHaveLength(3);
    expect(codes(fleet)).toEqual(["InsufficientInstanceCapacity"]);
  });

  it("says wrong settings per override, in an answer that is a success, and goes on with the others", () => {
    const scene = prepare(new Ec2Scene());
    const wrong = [
      { InstanceType: "c7g.xlarge", SubnetId: A },
      { InstanceType: "c5.large", SubnetId: "subnet-1" },
      large,
    ];
    const fleet = scene.call("CreateFleet", fleetOf(1, wrong)) as Fleet;
    expect(codes(fleet)).toEqual(["InvalidParameterValue", "InvalidSubnetID.NotFound"]);
    expect(started(fleet)).toHaveLength(1);
    const nowhere = prepare(
      new Ec2Scene({ instanceTypes: [{ ...scene.state.options.instanceTypes[0]!, zones: ["eu-west-1b"] }] }),
    );
    expect(codes(nowhere.call("CreateFleet", fleetOf(1, [large])))).toEqual(["InvalidFleetConfiguration"]);
  });

  it("has a part on demand, with quotas of each market's own", () => {
    const scene = prepare(new Ec2Scene());
    setQuota(scene.state, "c5.large", "on-demand", 2);
    setQuota(scene.state, "c5.large", "spot", 4);
    const TargetCapacitySpecification = {
      TotalTargetCapacity: 6,
      OnDemandTargetCapacity: 2,
      DefaultTargetCapacityType: "spot",
    };
    const fleet = scene.call("CreateFleet", fleetOf(6, [large], { TargetCapacitySpecification })) as Fleet;
    expect(fleet.Instances.map(({ Lifecycle, InstanceIds }) => [Lifecycle, InstanceIds.length])).toEqual([
      ["on-demand", 1],
      ["spot", 2],
    ]);
    expect(fleet.Errors.map(({ ErrorCode, Lifecycle }) => [Lifecycle, ErrorCode])).toEqual([
      ["on-demand", "VcpuLimitExceeded"],
      ["spot", "MaxSpotInstanceCountExceeded"],
    ]);
  });

  it("starts nothing where the least cannot be had, and takes no room for it", () => {
    const scene = prepare(new Ec2Scene());
    setRoom(scene.state, pool("c5.large", A), 2);
    const request = fleetOf(3, [large], { SpotOptions: { AllocationStrategy: "lowest-price", MinTargetCapacity: 3 } });
    const fleet = scene.call("CreateFleet", request) as Fleet;
    expect(started(fleet)).toEqual([]);
    expect(codes(fleet)).toEqual(["InsufficientInstanceCapacity"]);
    expect(scene.state.instances.size + scene.state.volumes.size).toBe(0);
    expect(scene.listed()).toEqual([]);
    expect(started(scene.call("CreateFleet", fleetOf(2, [large])))).toHaveLength(2);
  });

  it.each<[strategy: string, types: readonly string[]]>([
    ["lowest-price", ["c5.large", "c5.large", "c5.large", "c5.large"]],
    ["diversified", ["c5.large", "c5.large", "c5.xlarge", "c5.xlarge"]],
    ["capacity-optimized-prioritized", ["c5.xlarge", "c5.xlarge", "c5.xlarge", "c5.xlarge"]],
  ])("allocates by %s", (AllocationStrategy, types) => {
    const scene = prepare(new Ec2Scene());
    const overrides = [
      { ...large, Priority: 2 },
      { ...xlarge, Priority: 1 },
    ];
    scene.call("CreateFleet", fleetOf(4, overrides, { SpotOptions: { AllocationStrategy } }));
    expect([...scene.state.instances.values()].map(({ type }) => type).sort()).toEqual([...types].sort());
  });

  it("is answered again word for word under its token, and refused for another request", () => {
    const scene = prepare(new Ec2Scene());
    setRoom(scene.state, pool("c5.large", A), 1);
    const request = fleetOf(3, [large], { ClientToken: "launch-1" });
    const first = scene.call("CreateFleet", request);
    setRoom(scene.state, pool("c5.large", A), null);
    scene.call("TerminateInstances", { InstanceIds: started(first) });
    scene.pass(5 * MINUTE_MS);
    expect(scene.call("CreateFleet", request)).toEqual(first);
    expect(scene.state.instances.size).toBe(1);
    expect(scene.refusal("CreateFleet", fleetOf(4, [large], { ClientToken: "launch-1" }))).toBe(
      "IdempotentParameterMismatch",
    );
  });

  it("tags instances by its own words and AWS's; volumes only by the template", () => {
    const scene = prepare(new Ec2Scene(), { TagSpecifications: [tagged("volume", { pool: "linux" })] });
    const TagSpecifications = [tagged("instance", { launch: "l-1" }), tagged("fleet", { launch: "l-1" })];
    const fleet = scene.call("CreateFleet", fleetOf(1, [large], { TagSpecifications }));
    const [instance] = scene.state.instances.values();
    expect(Object.fromEntries(instance?.tags ?? [])).toMatchObject({
      launch: "l-1",
      "aws:ec2:fleet-id": fleet.FleetId,
    });
    expect([...scene.state.volumes.values()].map(({ tags }) => tags.get("pool"))).toEqual(["linux"]);
    const wrong = fleetOf(1, [large], { TagSpecifications: [tagged("volume", { launch: "l-1" })] });
    expect(scene.refusal("CreateFleet", wrong)).toBe("InvalidParameterValue");
  });

  it("puts an override's subnet into the interfaces that the template describes", () => {
    const group = "sg-0a1b2c3d4e5f60718";
    const scene = prepare(new Ec2Scene(), { NetworkInterfaces: [{ DeviceIndex: 0, Groups: [group] }] });
    scene.call("CreateFleet", fleetOf(1, [largeB]));
    const [one] = scene.state.networkInterfaces.values();
    expect(one).toMatchObject({ subnetId: B, securityGroupIds: [group] });
  });

  it.each<[what: string, request: CreateFleetRequest, code: string]>([
    ["a fleet that is not instant", fleetOf(1, [large], { Type: "maintain" }), "UnsupportedOperation"],
    ["no target", fleetOf(1, [large], { TargetCapacitySpecification: undefined }), "MissingParameter"],
    ["a target of 0", fleetOf(0, [large]), "InvalidParameterValue"],
    [
      "a strategy that there is not",
      fleetOf(1, [large], { SpotOptions: { AllocationStrategy: "best" } }),
      "InvalidParameterValue",
    ],
    ["a dry run", fleetOf(1, [large], { DryRun: true }), "DryRunOperation"],
  ])("refuses %s", (_what, request, code) => {
    const scene = prepare(new Ec2Scene());
    expect(scene.refusal("CreateFleet", request)).toBe(code);
    expect(scene.state.instances.size).toBe(0);
  });

  it("refuses a template that decides on the market, and one that there is not", () => {
    const scene = prepare(new Ec2Scene(), { InstanceMarketOptions: { MarketType: "spot" } });
    expect(scene.refusal("CreateFleet", fleetOf(1, [large]))).toBe("InvalidParameterCombination");
    expect(new Ec2Scene().refusal("CreateFleet", fleetOf(1, [large]))).toBe(
      "InvalidLaunchTemplateName.NotFoundException",
    );
  });
});
