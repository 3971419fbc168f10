import type { LaunchTemplateVersion, ResponseLaunchTemplateData } from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import type { Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { hashTemplate, templateData } from "../../../src/adapters/ec2/template-data.ts";
import { supersededVersions, Templates, templateName } from "../../../src/adapters/ec2/templates.ts";
import { parseControllerId, parsePoolName } from "../../../src/domain/ids.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/domain/units.ts";
import { type Answer, fakeEc2, throwing } from "./fake-client.ts";
import { type HandClock, handClock, NO_PLACE, optionsAt, settingsAt } from "./stage.ts";

const NONE = throwing("InvalidLaunchTemplateName.NotFoundException");

function stage(answers: Record<string, Answer>, changes: Partial<Ec2Settings> = {}, clock: HandClock = handClock()) {
  const ec2 = fakeEc2(answers);
  const options = optionsAt(settingsAt("http://ec2.test", NO_PLACE, changes), clock);
  return { ec2, clock, options, templates: new Templates(ec2.clients, options) };
}

const made: Answer = () => ({ LaunchTemplate: { LaunchTemplateId: "lt-1", LatestVersionNumber: 1 } });

/** A region that keeps versions. */
function keeping(): Record<string, Answer> & { readonly versions: LaunchTemplateVersion[] } {
  const versions: LaunchTemplateVersion[] = [];
  const add = ({ VersionDescription }: { readonly VersionDescription: string }) => {
    const VersionNumber = versions.length + 1;
    versions.push({ LaunchTemplateId: "lt-1", VersionNumber, VersionDescription });
    return VersionNumber;
  };
  const answers = {
    DescribeLaunchTemplateVersions: (input: unknown) =>
      versions.length === 0 ? NONE(input, 1) : { LaunchTemplateVersions: [...versions] },
    CreateLaunchTemplate: (input: never) => ({
      LaunchTemplate: { LaunchTemplateId: "lt-1", LatestVersionNumber: add(input) },
    }),
    CreateLaunchTemplateVersion: (input: never) => ({
      LaunchTemplateVersion: { LaunchTemplateId: "lt-1", VersionNumber: add(input) },
    }),
  };
  return Object.assign(answers as unknown as Record<string, Answer>, { versions }) as never;
}

describe("a pool's template", () => {
  it("has a name that is no other pool's, however controllers and pools are called", () => {
    const named = (controllerId: string, pool: string) =>
      templateName({ controllerId: parseControllerId(controllerId), pool: parsePoolName(pool) });
    expect(named("a", "b-c")).not.toBe(named("a-b", "c"));
    expect(named("a", "b-c")).toMatch(/^[a-zA-Z0-9().\-/_]{3,128}$/);
  });

  it("is made once, whoever asks for it at the same time, and read again after a while", async () => {
    const { ec2, clock, templates } = stage(keeping());
    expect(await Promise.all([templates.ensure(), templates.ensure()])).toEqual([
      { id: "lt-1", version: "1" },
      { id: "lt-1", version: "1" },
    ]);
    await templates.ensure();
    expect(ec2.inputs("CreateLaunchTemplate")).toHaveLength(1);
    expect(ec2.inputs("DescribeLaunchTemplateVersions")).toHaveLength(1);
    clock.pass(10 * MINUTE_MS);
    await templates.ensure();
    expect(ec2.inputs("DescribeLaunchTemplateVersions")).toHaveLength(2);
    expect(ec2.inputs("CreateLaunchTemplateVersion")).toEqual([]);
  });

  it("gets a version for other settings, and the old one back for the old settings", async () => {
    const region = keeping();
    const { options } = stage(region);
    const versionOf = async (controllerUrl: string) => {
      const ec2 = fakeEc2(region);
      return (await new Templates(ec2.clients, { ...options, controllerUrl }).ensure()).version;
    };
    expect([await versionOf("https://a"), await versionOf("https://b"), await versionOf("https://a")]).toEqual([
      "1",
      "2",
      "1",
    ]);
  });

  it("is looked for anew after a launch was refused for its settings", async () => {
    const { ec2, templates } = stage(keeping());
    await templates.ensure();
    templates.forget();
    await templates.ensure();
    expect(ec2.inputs("DescribeLaunchTemplateVersions")).toHaveLength(2);
  });

  it.each<readonly [string, Record<string, Answer>, Partial<Ec2Settings>, string]>([
    [
      "its versions cannot be read",
      { DescribeLaunchTemplateVersions: throwing("Throttling") },
      {},
      "provider-unavailable",
    ],
    [
      "it may not be made",
      { DescribeLaunchTemplateVersions: NONE, CreateLaunchTemplate: throwing("UnauthorizedOperation") },
      {},
      "provider-invalid",
    ],
    // Made a moment ago by a call whose answer was lost: to be seen at the next look.
    [
      "it was just made",
      {
        DescribeLaunchTemplateVersions: NONE,
        CreateLaunchTemplate: throwing("InvalidLaunchTemplateName.AlreadyExistsException"),
      },
      {},
      "provider-unavailable",
    ],
    [
      "its versions have no end",
      { DescribeLaunchTemplateVersions: () => ({ NextToken: "more" }) },
      {},
      "provider-unavailable",
    ],
    [
      "the user's own is not there",
      { DescribeLaunchTemplateVersions: () => ({}) },
      { launchTemplate: { id: "ci", version: "9" } },
      "provider-invalid",
    ],
  ])("fails a launch before it is made where %s", async (_name, answers, changes, code) => {
    await expect(stage(answers, changes).templates.ensure()).rejects.toMatchObject({ code });
  });
});

describe("old versions", () => {
  const version = (VersionNumber: number, CreateTime: Date): LaunchTemplateVersion => ({ VersionNumber, CreateTime });
  const at = (hours: number) => new Date(hours * HOUR_MS);
  const versions = [version(3, at(30)), version(1, at(0)), version(2, at(10))];

  it("are those that another followed a day ago; neither the one in use nor the last", () => {
    expect(supersededVersions(versions, 3, at(30).getTime() + DAY_MS)).toEqual([1, 2]);
    expect(supersededVersions(versions, 3, at(10).getTime() + DAY_MS)).toEqual([1]);
    expect(supersededVersions(versions, 1, at(100).getTime())).toEqual([2]);
  });

  it("are deleted, after the one in use became the default", async () => {
    const clock = handClock(100 * HOUR_MS);
    const { ec2, options } = stage({ DescribeLaunchTemplateVersions: NONE, CreateLaunchTemplate: made }, {}, clock);
    const VersionDescription = `holdfast ${hashTemplate(templateData({ options, base: null, rootDevice: null }))}`;
    const current = { LaunchTemplateId: "lt-1", VersionDescription, ...versions[0] };
    ec2.answers = {
      DescribeLaunchTemplateVersions: () => ({ LaunchTemplateVersions: [...versions.slice(1), current] }),
      ModifyLaunchTemplate: () => ({}),
      DeleteLaunchTemplateVersions: () => ({}),
    };
    expect(await new Templates(ec2.clients, options).ensure()).toEqual({ id: "lt-1", version: "3" });
    expect(ec2.sent.map(({ call }) => call)).toEqual([
      "DescribeLaunchTemplateVersions",
      "ModifyLaunchTemplate",
      "DeleteLaunchTemplateVersions",
    ]);
    expect(ec2.inputs("DeleteLaunchTemplateVersions")[0].Versions).toEqual(["1", "2"]);
    ec2.answers.ModifyLaunchTemplate = throwing("UnauthorizedOperation");
    expect(await new Templates(ec2.clients, options).ensure()).toEqual({ id: "lt-1", version: "3" });
  });
});

describe("what a template says", () => {
  const dataOf = (
    changes: Partial<Ec2Settings>,
    base: ResponseLaunchTemplateData | null = null,
    rootDevice: string | null = null,
  ) =>
    templateData({
      options: optionsAt(settingsAt("http://ec2.test", NO_PLACE, changes), handClock()),
      base,
      rootDevice,
    });
  const BASE: ResponseLaunchTemplateData = {
    ImageId: "ami-theirs",
    InstanceType: "t3.nano",
    KeyName: "their-key",
    DisableApiTermination: true,
    InstanceInitiatedShutdownBehavior: "stop",
    SecurityGroupIds: ["sg-theirs"],
    MetadataOptions: { HttpTokens: "optional", InstanceMetadataTags: "enabled" },
    UserData: Buffer.from("#!/bin/sh\necho theirs\n").toString("base64"),
    TagSpecifications: [
      { ResourceType: "network-interface", Tags: [{ Key: "cost", Value: "ci" }] },
      { ResourceType: "volume", Tags: [{ Key: "cost", Value: "ci" }] },
    ],
    InstanceMarketOptions: { MarketType: "spot" },
  };

  it("is built on the user's own, and over it what a machine of ours must have", () => {
    const data = dataOf({ image: null, securityGroups: [] }, BASE);
    expect(data).toMatchObject({
      ImageId: "ami-theirs",
      KeyName: "their-key",
      SecurityGroupIds: ["sg-theirs"],
      InstanceInitiatedShutdownBehavior: "terminate",
      DisableApiTermination: false,
      MetadataOptions: { HttpTokens: "required", InstanceMetadataTags: "enabled", HttpPutResponseHopLimit: 1 },
    });
    expect(data.InstanceType).toBeUndefined();
    expect(data.InstanceMarketOptions).toBeUndefined();
    expect(Buffer.from(data.UserData ?? "", "base64").toString("utf8")).toContain("echo theirs");
    const interfaces = data.TagSpecifications?.find(({ ResourceType }) => ResourceType === "network-interface");
    expect(interfaces?.Tags?.map(({ Key }) => Key)).toEqual(["cost", "Name", "holdfast:controller", "holdfast:pool"]);
  });

  it("has the pool's image and groups before the template's", () => {
    expect(dataOf({}, BASE)).toMatchObject({ ImageId: NO_PLACE.image, SecurityGroupIds: NO_PLACE.securityGroups });
  });

  it("has an interface in place of groups where the settings or the template speak of one", () => {
    const own = dataOf({ publicAddress: true });
    expect(own.SecurityGroupIds).toBeUndefined();
    expect(own.NetworkInterfaces).toEqual([
      { DeviceIndex: 0, DeleteOnTermination: true, Groups: NO_PLACE.securityGroups, AssociatePublicIpAddress: true },
    ]);
    const NetworkInterfaces = [{ DeviceIndex: 0, SubnetId: "subnet-theirs", Ipv6AddressCount: 1 }];
    const theirs = dataOf({}, { ...BASE, NetworkInterfaces }).NetworkInterfaces?.[0];
    expect(theirs).toMatchObject({ Ipv6AddressCount: 1, DeleteOnTermination: true });
    expect(theirs?.SubnetId).toBeUndefined();
  });

  it("has a root volume that is encrypted and dies with its machine, and so do the others", () => {
    const volume = { sizeGib: 100, type: "gp3", iops: null, throughputMib: 500, kmsKey: null } as const;
    const BlockDeviceMappings = [{ DeviceName: "/dev/sdb", Ebs: { VolumeSize: 8, DeleteOnTermination: false } }];
    expect(dataOf({ volume }, { ...BASE, BlockDeviceMappings }, "/dev/sda1").BlockDeviceMappings).toEqual([
      {
        DeviceName: "/dev/sda1",
        Ebs: { VolumeType: "gp3", VolumeSize: 100, Throughput: 500, Encrypted: true, DeleteOnTermination: true },
      },
      { DeviceName: "/dev/sdb", Ebs: { VolumeSize: 8, DeleteOnTermination: true } },
    ]);
  });

  it("has no volume of the user's template that outlives its machine, also where the settings say nothing of volumes", () => {
    const BlockDeviceMappings = [
      { DeviceName: "/dev/sdb", Ebs: { VolumeSize: 8, DeleteOnTermination: false } },
      { DeviceName: "/dev/sdc", Ebs: { VolumeSize: 8 } },
      { DeviceName: "/dev/sdd", VirtualName: "ephemeral0" },
    ];
    expect(dataOf({}, { ...BASE, BlockDeviceMappings }).BlockDeviceMappings).toEqual([
      { DeviceName: "/dev/sdb", Ebs: { VolumeSize: 8, DeleteOnTermination: true } },
      { DeviceName: "/dev/sdc", Ebs: { VolumeSize: 8, DeleteOnTermination: true } },
      { DeviceName: "/dev/sdd", VirtualName: "ephemeral0" },
    ]);
  });

  it("places machines on hosts", () => {
    const hostResourceGroup = "arn:aws:resource-groups:eu-central-1:1:group/ci";
    expect(dataOf({ tenancy: "host", hostResourceGroup }).Placement).toEqual({
      Tenancy: "host",
      HostResourceGroupArn: hostResourceGroup,
    });
  });

  it("has one hash whatever the order of its keys", () => {
    expect(hashTemplate({ ImageId: "a", KeyName: "b" })).toBe(hashTemplate({ KeyName: "b", ImageId: "a" }));
    expect(hashTemplate({ ImageId: "a" })).not.toBe(hashTemplate({ ImageId: "b" }));
  });
});
