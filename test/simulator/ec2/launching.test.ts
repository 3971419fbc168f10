import { describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import type { RunInstancesRequest } from "../../../src/simulator/ec2/api.ts";
import { setQuota, setRoom } from "../../../src/simulator/ec2/control.ts";
import { Ec2Scene, IMAGE, idsOf, launchOf, SPOT, SUBNETS, tagged } from "./ec2-scene.ts";

const ZONE = "eu-west-1a";

describe("RunInstances", () => {
  it("starts what is asked for, in one reservation, pending and then running", () => {
    const scene = new Ec2Scene();
    const ids = scene.run(3);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^i-[0-9a-f]{17}$/);
    expect(ids.map((id) => scene.phase(id))).toEqual(["pending", "pending", "pending"]);
    scene.pass(MINUTE_MS);
    expect(ids.map((id) => scene.phase(id))).toEqual(["running", "running", "running"]);
    expect(new Set(ids.map((id) => scene.instance(id).reservationId)).size).toBe(1);
  });

  it.each<[what: string, request: RunInstancesRequest, code: string]>([
    ["no image", { ImageId: undefined }, "MissingParameter"],
    ["an image that there is not", { ImageId: "ami-00000000000000000" }, "InvalidAMIID.NotFound"],
    ["an image that is none", { ImageId: "image" }, "InvalidAMIID.Malformed"],
    ["no count", { MinCount: undefined }, "MissingParameter"],
    ["a least above the most", { MinCount: 3, MaxCount: 2 }, "InvalidParameterValue"],
    ["a type that there is not", { InstanceType: "c0.nano" }, "InvalidParameterValue"],
    ["a type of another architecture", { InstanceType: "c7g.xlarge" }, "InvalidParameterValue"],
    ["a subnet that there is not", { SubnetId: "subnet-1" }, "InvalidSubnetID.NotFound"],
    ["a group that there is not", { SecurityGroupIds: ["sg-1"] }, "InvalidGroup.NotFound"],
    ["interfaces beside a subnet", { NetworkInterfaces: [{ DeviceIndex: 0 }] }, "InvalidParameterCombination"],
    ["user data that is no Base64", { UserData: "a!" }, "InvalidUserData.Malformed"],
    ["17 KB of user data", { UserData: Buffer.alloc(17_000).toString("base64") }, "InvalidParameterValue"],
    [
      "a template that there is not",
      { LaunchTemplate: { LaunchTemplateName: "x" } },
      "InvalidLaunchTemplateName.NotFoundException",
    ],
    ["a tag of AWS's own", { TagSpecifications: [tagged("instance", { "aws:x": "1" })] }, "InvalidParameterValue"],
    ["a host that there is not", { Placement: { HostId: "h-1" } }, "InvalidHostID.NotFound"],
    [
      "no free host of a group",
      { Placement: { HostResourceGroupArn: "arn:aws:resource-groups:x" } },
      "InsufficientHostCapacity",
    ],
    ["no free host", { Placement: { Tenancy: "host" } }, "InsufficientHostCapacity"],
    ["a token of 65 letters", { ClientToken: "t".repeat(65) }, "InvalidParameterValue"],
    [
      "a price too low",
      { InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice: "0.01" } } },
      "SpotMaxPriceTooLow",
    ],
  ])("refuses %s, and starts nothing", (_what, request, code) => {
    const scene = new Ec2Scene();
    expect(scene.refusal("RunInstances", launchOf(1, request))).toBe(code);
    expect(scene.state.instances.size).toBe(0);
  });

  it("tags what it starts from the first moment on: instance, volume and interface", () => {
    const scene = new Ec2Scene();
    const specifications = ["instance", "volume", "network-interface"].map((kind) => tagged(kind, { owner: kind }));
    const [id = ""] = scene.run(1, { TagSpecifications: specifications });
    expect(scene.instance(id).tags.get("owner")).toBe("instance");
    expect([...scene.state.volumes.values()].map(({ tags }) => tags.get("owner"))).toEqual(["volume"]);
    expect([...scene.state.networkInterfaces.values()].map(({ tags }) => tags.get("owner"))).toEqual([
      "network-interface",
    ]);
  });

  it("puts the call over the template, and tags over tags key by key", () => {
    const scene = new Ec2Scene();
    scene.call("CreateLaunchTemplate", {
      LaunchTemplateName: "runners",
      LaunchTemplateData: {
        ImageId: IMAGE,
        InstanceType: "c5.large",
        InstanceInitiatedShutdownBehavior: "terminate",
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 2 },
        TagSpecifications: [tagged("instance", { pool: "linux", kept: "1" })],
      },
    });
    const [id = ""] = idsOf(
      scene.call("RunInstances", {
        LaunchTemplate: { LaunchTemplateName: "runners", Version: "$Latest" },
        InstanceType: "c5.xlarge",
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [tagged("instance", { pool: "big" })],
      }),
    );
    const { type, settings, tags } = scene.instance(id);
    expect(type).toBe("c5.xlarge");
    expect(settings).toMatchObject({ shutdownBehavior: "terminate", isTokenRequired: true, hopLimit: 2 });
    expect(Object.fromEntries(tags)).toMatchObject({ pool: "big", kept: "1", "aws:ec2launchtemplate:version": "1" });
  });

  it("takes as many as there is room for, between the least and the most", () => {
    const scene = new Ec2Scene();
    setRoom(scene.state, { type: "c5.xlarge", zone: ZONE, market: "on-demand" }, 3);
    expect(scene.refusal("RunInstances", launchOf(4))).toBe("InsufficientInstanceCapacity");
    expect(scene.run(5, { MinCount: 2 })).toHaveLength(3);
    expect(scene.refusal("RunInstances", launchOf(1))).toBe("InsufficientInstanceCapacity");
    expect(scene.refusal("RunInstances", launchOf(1, SPOT))).toBeNull();
    expect(scene.refusal("RunInstances", launchOf(1, { SubnetId: SUBNETS[1] }))).toBeNull();
  });

  it("gives room back when an instance is terminated, and not before", () => {
    const scene = new Ec2Scene({ times: { shuttingDownMs: [20_000, 20_000] } });
    setRoom(scene.state, { type: "c5.xlarge", zone: ZONE, market: "on-demand" }, 1);
    const [id = ""] = scene.run(1);
    scene.pass(MINUTE_MS);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(19_000);
    expect(scene.refusal("RunInstances", launchOf(1))).toBe("InsufficientInstanceCapacity");
    scene.pass(2_000);
    expect(scene.refusal("RunInstances", launchOf(1))).toBeNull();
  });

  it("counts vCPUs by market and family, with each market's own refusal", () => {
    const scene = new Ec2Scene();
    setQuota(scene.state, "c5.xlarge", "on-demand", 32);
    setQuota(scene.state, "c5.xlarge", "spot", 8);
    scene.run(7);
    scene.run(1, { InstanceType: "m5.large" });
    expect(scene.refusal("RunInstances", launchOf(1))).toBe("VcpuLimitExceeded");
    expect(scene.refusal("RunInstances", launchOf(1, { InstanceType: "m5.large" }))).toBeNull();
    expect(scene.refusal("RunInstances", launchOf(1, { InstanceType: "g4dn.xlarge" }))).toBeNull();
    expect(scene.run(2, SPOT)).toHaveLength(2);
    expect(scene.refusal("RunInstances", launchOf(1, SPOT))).toBe("MaxSpotInstanceCountExceeded");
  });

  it("says that a subnet has no address left, and takes one back from what ended", () => {
    const [subnet] = new Ec2Scene().state.options.subnets;
    const scene = new Ec2Scene({ subnets: [{ ...subnet!, addressCount: 2 }] });
    const [id = ""] = scene.run(2);
    expect(scene.refusal("RunInstances", launchOf(1))).toBe("InsufficientFreeAddressesInSubnet");
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(5 * MINUTE_MS);
    expect(scene.refusal("RunInstances", launchOf(1))).toBeNull();
  });

  it("fills a dedicated host, and then says so", () => {
    const scene = new Ec2Scene({ hosts: [{ id: "h-1", zone: ZONE, instanceCountMax: 1 }] });
    const [id = ""] = scene.run(1, { Placement: { Tenancy: "host" } });
    expect(scene.instance(id).hostId).toBe("h-1");
    expect(scene.refusal("RunInstances", launchOf(1, { Placement: { HostId: "h-1" } }))).toBe(
      "InsufficientCapacityOnHost",
    );
  });

  it("lets an instance fail out of pending, with its reason", () => {
    const scene = new Ec2Scene({ failedPendingShare: 1 });
    const [id = ""] = scene.run(1);
    scene.pass(MINUTE_MS);
    expect(scene.phase(id)).toBe("terminated");
    const { Reservations } = scene.call("DescribeInstances", { InstanceIds: [id] });
    expect(Reservations[0].Instances[0].StateReason.Code).toBe("Server.InsufficientInstanceCapacity");
  });

  it("keeps volumes that were not to end with their instance", () => {
    const scene = new Ec2Scene();
    const [id = ""] = scene.run(1, { BlockDeviceMappings: [{ DeviceName: "/dev/sdb", Ebs: { VolumeSize: 100 } }] });
    expect(scene.state.volumes.size).toBe(2);
    scene.call("TerminateInstances", { InstanceIds: [id] });
    scene.pass(5 * MINUTE_MS);
    const [left] = scene.call("DescribeVolumes", {}).Volumes;
    expect(left).toMatchObject({ State: "available", Size: 100, Attachments: [] });
    expect(scene.state.networkInterfaces.size).toBe(0);
    expect(scene.refusal("DeleteVolume", { VolumeId: left.VolumeId })).toBeNull();
    expect(scene.refusal("DeleteVolume", { VolumeId: left.VolumeId })).toBe("InvalidVolume.NotFound");
  });
});

describe("a ClientToken", () => {
  const once = launchOf(2, { ClientToken: "launch-1" });

  it("starts once, whatever is repeated, and answers with the same instances as they are now", () => {
    const scene = new Ec2Scene();
    const ids = idsOf(scene.call("RunInstances", once));
    scene.pass(MINUTE_MS);
    const again = scene.call("RunInstances", { ...once });
    expect(idsOf(again)).toEqual(ids);
    expect(again.Instances[0].State.Name).toBe("running");
    expect(scene.state.instances.size).toBe(2);
  });

  it("is refused for another request, whatever differs", () => {
    const scene = new Ec2Scene();
    scene.call("RunInstances", once);
    for (const changed of [
      { MaxCount: 3 },
      { SubnetId: SUBNETS[1] },
      { TagSpecifications: [tagged("instance", { a: "1" })] },
    ])
      expect(scene.refusal("RunInstances", { ...once, ...changed })).toBe("IdempotentParameterMismatch");
    const reversed = Object.fromEntries(Object.entries(once).reverse());
    expect(scene.refusal("RunInstances", reversed)).toBeNull();
    expect(scene.state.instances.size).toBe(2);
  });

  it("shows instances that ended, also when nobody else knows them any more", () => {
    const scene = new Ec2Scene();
    const ids = idsOf(scene.call("RunInstances", once));
    scene.call("TerminateInstances", { InstanceIds: ids });
    scene.pass(2 * HOUR_MS);
    expect(scene.refusal("DescribeInstances", { InstanceIds: ids })).toBe("InvalidInstanceID.NotFound");
    const again = scene.call("RunInstances", once);
    expect(idsOf(again)).toEqual(ids);
    expect(again.Instances[0].State.Name).toBe("terminated");
  });

  it("is forgotten a day after the last of its instances has ended, and no sooner", () => {
    const scene = new Ec2Scene();
    const [first = "", second = ""] = idsOf(scene.call("RunInstances", once));
    scene.call("TerminateInstances", { InstanceIds: [first] });
    scene.pass(3 * DAY_MS);
    scene.call("TerminateInstances", { InstanceIds: [second] });
    scene.pass(DAY_MS);
    expect(idsOf(scene.call("RunInstances", once))).toContain(second);
    scene.pass(5 * MINUTE_MS);
    expect(idsOf(scene.call("RunInstances", once))).not.toContain(second);
  });

  it("is free again after a refusal", () => {
    const scene = new Ec2Scene();
    const pool = { type: "c5.xlarge", zone: ZONE, market: "on-demand" } as const;
    setRoom(scene.state, pool, 0);
    expect(scene.refusal("RunInstances", once)).toBe("InsufficientInstanceCapacity");
    setRoom(scene.state, pool, null);
    expect(scene.refusal("RunInstances", { ...once, MaxCount: 3 })).toBeNull();
  });

  it("is neither used nor answered by a dry run", () => {
    const scene = new Ec2Scene();
    expect(scene.refusal("RunInstances", { ...once, DryRun: true })).toBe("DryRunOperation");
    scene.call("RunInstances", once);
    expect(scene.refusal("RunInstances", { ...once, DryRun: true })).toBe("DryRunOperation");
    expect(scene.state.instances.size).toBe(2);
  });

  it("belongs to one action", () => {
    const scene = new Ec2Scene();
    scene.call("RunInstances", once);
    expect(
      scene.refusal("CreateLaunchTemplate", {
        LaunchTemplateName: "runners",
        ClientToken: "launch-1",
        LaunchTemplateData: { ImageId: IMAGE },
      }),
    ).toBeNull();
  });
});

it("is determined by its seed", () => {
  const course = (seed: number): string => {
    const scene = new Ec2Scene({}, seed);
    const ids = scene.run(3);
    scene.call("TerminateInstances", { InstanceIds: ids.slice(0, 1) });
    scene.pass(30_000);
    return JSON.stringify(scene.call("DescribeInstances", {}));
  };
  expect(course(7)).toBe(course(7));
  expect(course(7)).not.toBe(course(8));
});
