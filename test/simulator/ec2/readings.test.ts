import { describe, expect, it } from "vitest";
import { MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { changeInstance } from "../../../src/simulator/ec2/control.ts";
import type { Ec2Lags } from "../../../src/simulator/ec2/options.ts";
import { Ec2Scene, idsOf, launchOf, SPOT, SUBNETS, tagged, UNKNOWN } from "./ec2-scene.ts";

const withLags = (lags: Partial<Ec2Lags>) => new Ec2Scene({ lags });

describe("DescribeInstances by ids", () => {
  it("fails as a whole for one id that is not found, and names it", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1);
    const { result } = scene.outcome("DescribeInstances", { InstanceIds: [id, UNKNOWN] });
    expect(result).toEqual({
      kind: "refused",
      code: "InvalidInstanceID.NotFound",
      message: `The instance ID '${UNKNOWN}' does not exist`,
    });
    const both = scene.outcome("DescribeInstances", { InstanceIds: [UNKNOWN, "i-0123456789abcdef1"] }).result;
    expect(both).toMatchObject({
      message: `The instance IDs '${UNKNOWN}, i-0123456789abcdef1' do not exist`,
    });
  });

  it("does not take a page size beside ids", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1);
    expect(scene.refusal("DescribeInstances", { InstanceIds: [id], MaxResults: 5 })).toBe(
      "InvalidParameterCombination",
    );
  });

  it("does not find a fresh instance for a while; a listing shows it later still", () => {
    const scene = withLags({ freshIdMs: [30_000, 30_000], listingMs: [90_000, 90_000] });
    const [id = ""] = scene.run(1);
    const byId = () => scene.refusal("DescribeInstances", { InstanceIds: [id] });
    expect(byId()).toBe("InvalidInstanceID.NotFound");
    expect(scene.refusal("TerminateInstances", { InstanceIds: [id] })).toBe("InvalidInstanceID.NotFound");
    scene.pass(30 * SECOND_MS);
    expect(byId()).toBeNull();
    expect(scene.listed()).toEqual([]);
    scene.pass(60 * SECOND_MS);
    expect(scene.listed()).toEqual([id]);
  });

  it("shows a token's instances whatever lags", () => {
    const scene = withLags({ freshIdMs: [30_000, 30_000], listingMs: [90_000, 90_000] });
    const once = launchOf(2, { ClientToken: "launch-1" });
    const ids = idsOf(scene.call("RunInstances", once));
    expect(idsOf(scene.call("RunInstances", once))).toEqual(ids);
  });

  it("tells the truth of a state while a listing tells the last one", () => {
    const scene = withLags({ stateMs: [20_000, 20_000] });
    const [id = ""] = scene.run(1);
    scene.pass(MINUTE_MS);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    const stateBy = (request: object) =>
      scene.call("DescribeInstances", request).Reservations[0].Instances[0].State.Name;
    expect(stateBy({ InstanceIds: [id] })).toBe("shutting-down");
    expect(stateBy({})).toBe("running");
    const alive = [{ Name: "instance-state-name", Values: ["running"] }];
    expect(scene.listed({ Filters: alive })).toEqual([id]);
    scene.pass(21 * SECOND_MS);
    expect(scene.listed({ Filters: alive })).toEqual([]);
  });

  it("can be told to lack an instance, in listings or everywhere", () => {
    const scene = new Ec2Scene();
    const [one = "", other = ""] = scene.run(2);
    changeInstance(scene.state, one, { hiddenFrom: "listings" });
    expect(scene.listed()).toEqual([other]);
    expect(scene.refusal("DescribeInstances", { InstanceIds: [one] })).toBeNull();
    changeInstance(scene.state, one, { hiddenFrom: "everybody" });
    expect(scene.refusal("DescribeInstances", { InstanceIds: [one] })).toBe("InvalidInstanceID.NotFound");
  });
});

describe("a listing", () => {
  it("filters by tags, states, tokens and markets; several values are any of them, several filters all", () => {
    const scene = new Ec2Scene();
    const [ours = ""] = scene.run(1, {
      ClientToken: "launch-1",
      TagSpecifications: [tagged("instance", { "holdfast:pool": "linux", "holdfast:launch": "l-1" })],
    });
    const [other = ""] = scene.run(1, { ...SPOT, TagSpecifications: [tagged("instance", { "holdfast:pool": "big" })] });
    const [foreign = ""] = scene.run(1);
    const by = (...filters: [string, ...string[]][]) =>
      scene.listed({ Filters: filters.map(([Name, ...Values]) => ({ Name, Values })) });
    expect(by(["tag:holdfast:pool", "linux", "big"])).toEqual([ours, other]);
    expect(by(["tag:holdfast:pool", "*"], ["tag-key", "holdfast:launch"])).toEqual([ours]);
    expect(by(["client-token", "launch-1"])).toEqual([ours]);
    expect(by(["instance-lifecycle", "spot"])).toEqual([other]);
    expect(by(["instance-id", foreign, UNKNOWN])).toEqual([foreign]);
    scene.call("TerminateInstances", { InstanceIds: [foreign] });
    expect(by(["instance-state-name", "pending", "running"])).toEqual([ours, other]);
    expect(scene.refusal("DescribeInstances", { Filters: [{ Name: "colour", Values: ["red"] }] })).toBe(
      "InvalidParameterValue",
    );
  });

  it("comes in pages, whatever starts and ends in between, and cuts reservations in two", () => {
    const scene = new Ec2Scene();
    const ids = scene.run(12);
    const seen: string[] = [];
    let token: string | undefined;
    let pageCount = 0;
    do {
      const page = scene.call("DescribeInstances", {
        MaxResults: 5,
        ...(token === undefined ? {} : { NextToken: token }),
      });
      seen.push(...page.Reservations.flatMap(idsOf));
      token = page.NextToken;
      pageCount += 1;
      if (pageCount === 1) scene.run(1);
    } while (token !== undefined && pageCount < 9);
    expect(seen.slice(0, 12)).toEqual(ids);
    expect(seen).toHaveLength(13);
    expect(pageCount).toBe(3);
  });

  it("shows a thousand at most, and refuses other sizes and tokens", () => {
    const scene = new Ec2Scene();
    const [subnet] = scene.state.options.subnets;
    const large = new Ec2Scene({ subnets: [{ ...subnet!, addressCount: 5_000 }] });
    large.run(1_001);
    const page = large.call("DescribeInstances", {});
    expect(page.Reservations.flatMap(idsOf)).toHaveLength(1_000);
    expect(large.listed({ NextToken: page.NextToken })).toHaveLength(1);
    expect(scene.refusal("DescribeInstances", { MaxResults: 4 })).toBe("InvalidParameterValue");
    expect(scene.refusal("DescribeInstances", { MaxResults: 1_001 })).toBe("InvalidParameterValue");
    expect(scene.refusal("DescribeInstances", { NextToken: "x" })).toBe("InvalidNextToken");
  });
});

describe("permissions", () => {
  it("that hang on a tag: 403 for what lacks it, and for what nobody knows any more", () => {
    const scene = new Ec2Scene({ tagScope: { key: "owner", value: "us" } });
    const [ours = ""] = scene.run(1, { TagSpecifications: [tagged("instance", { owner: "us" })] });
    const [theirs = ""] = scene.run(1);
    expect(scene.refusal("TerminateInstances", { InstanceIds: [ours, theirs] })).toBe("UnauthorizedOperation");
    expect(scene.refusal("TerminateInstances", { InstanceIds: [UNKNOWN] })).toBe("UnauthorizedOperation");
    expect(scene.phase(ours)).toBe("pending");
    expect(scene.refusal("TerminateInstances", { InstanceIds: [ours] })).toBeNull();
    expect(scene.refusal("DescribeInstances", { InstanceIds: [UNKNOWN] })).toBe("InvalidInstanceID.NotFound");
  });

  it("are tried by dry runs, which change nothing", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1);
    const tries = [
      ["RunInstances", launchOf(1, { DryRun: true })],
      ["TerminateInstances", { InstanceIds: [id], DryRun: true }],
      ["StopInstances", { InstanceIds: [id], DryRun: true }],
      ["DescribeInstances", { DryRun: true }],
      ["CreateTags", { Resources: [id], Tags: [{ Key: "a", Value: "1" }], DryRun: true }],
      ["CreateLaunchTemplate", { LaunchTemplateName: "abc", LaunchTemplateData: { ImageId: "x" }, DryRun: true }],
    ] as const;
    scene.pass(MINUTE_MS);
    for (const [action, request] of tries)
      expect([action, scene.refusal(action, request)]).toEqual([action, "DryRunOperation"]);
    for (const [action] of tries) scene.state.denied.add(action);
    for (const [action, request] of tries)
      expect([action, scene.refusal(action, request)]).toEqual([action, "UnauthorizedOperation"]);
    expect(scene.state.instances.size).toBe(1);
    expect(scene.phase(id)).toBe("running");
    expect(scene.instance(id).tags.size).toBe(0);
    expect(scene.state.launchTemplates.size).toBe(0);
  });
});

describe("the rest of the region", () => {
  it("says what there is, and refuses what there is not", () => {
    const scene = new Ec2Scene({
      instanceTypes: [
        {
          name: "c5.xlarge",
          vcpuCount: 4,
          memoryMib: 8_192,
          architecture: "x86_64",
          hourlyPrice: 1,
          zones: ["eu-west-1a"],
        },
      ],
    });
    expect(
      scene.call("DescribeInstanceTypes", { InstanceTypes: ["c5.xlarge"] }).InstanceTypes[0].VCpuInfo.DefaultVCpus,
    ).toBe(4);
    expect(scene.refusal("DescribeInstanceTypes", { InstanceTypes: ["c0.nano"] })).toBe("InvalidInstanceType");
    expect(
      scene.call("DescribeInstanceTypeOfferings", { LocationType: "availability-zone" }).InstanceTypeOfferings,
    ).toEqual([{ InstanceType: "c5.xlarge", LocationType: "availability-zone", Location: "eu-west-1a" }]);
    expect(scene.refusal("RunInstances", launchOf(1, { SubnetId: SUBNETS[1] }))).toBe("Unsupported");
    const [subnet] = scene.call("DescribeSubnets", { SubnetIds: [SUBNETS[0]] }).Subnets;
    expect(subnet).toMatchObject({ AvailabilityZone: "eu-west-1a", AvailableIpAddressCount: 251 });
    scene.run(1);
    expect(scene.call("DescribeSubnets", {}).Subnets[0].AvailableIpAddressCount).toBe(250);
    expect(scene.refusal("DescribeSubnets", { SubnetIds: ["subnet-1"] })).toBe("InvalidSubnetID.NotFound");
    expect(scene.refusal("DescribeSecurityGroups", { GroupIds: ["sg-1"] })).toBe("InvalidGroup.NotFound");
    expect(scene.refusal("DescribeImages", { ImageIds: ["ami-00000000000000000"] })).toBe("InvalidAMIID.NotFound");
    expect(
      scene.call("DescribeImages", { Filters: [{ Name: "architecture", Values: ["arm64"] }] }).Images,
    ).toHaveLength(1);
  });

  it("says how an instance does: initializing, then ok; only running ones unless all are asked for", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1);
    expect(scene.call("DescribeInstanceStatus", { InstanceIds: [id] }).InstanceStatuses).toEqual([]);
    const all = { InstanceIds: [id], IncludeAllInstances: true };
    expect(scene.call("DescribeInstanceStatus", all).InstanceStatuses[0].InstanceStatus.Status).toBe("not-applicable");
    scene.pass(30 * SECOND_MS);
    expect(scene.call("DescribeInstanceStatus", {}).InstanceStatuses[0].InstanceStatus.Status).toBe("initializing");
    scene.pass(5 * MINUTE_MS);
    expect(scene.call("DescribeInstanceStatus", {}).InstanceStatuses[0].SystemStatus.Status).toBe("ok");
  });

  it("tags and untags what there is", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1);
    scene.call("CreateTags", {
      Resources: [id],
      Tags: [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "2" },
      ],
    });
    scene.call("DeleteTags", { Resources: [id], Tags: [{ Key: "a", Value: "9" }, { Key: "b" }] });
    expect(Object.fromEntries(scene.instance(id).tags)).toEqual({ a: "1" });
    expect(scene.refusal("CreateTags", { Resources: [UNKNOWN], Tags: [{ Key: "a" }] })).toBe(
      "InvalidInstanceID.NotFound",
    );
    const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    expect(scene.refusal("CreateTags", { Resources: [id], Tags: many })).toBe("TagLimitExceeded");
  });
});
