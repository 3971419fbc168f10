import * as sdk from "@aws-sdk/client-ec2";
import { describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../../src/domain/units.ts";
import type { Ec2Requests } from "../../../src/simulator/ec2/api.ts";
import { EC2_ERRORS, type Ec2ErrorCode } from "../../../src/simulator/ec2/errors.ts";
import { IMAGE, SUBNETS, UNKNOWN } from "./ec2-scene.ts";
import { failureOf, useEc2 } from "./simulated-ec2-house.ts";

const house = useEc2();
const GROUP = "sg-0a1b2c3d4e5f60718";
const tags = (ResourceType: sdk.ResourceType, Value: string): sdk.TagSpecification => ({
  ResourceType,
  Tags: [{ Key: "owner", Value }],
});
const LAUNCH: sdk.RunInstancesCommandInput = {
  ImageId: IMAGE,
  InstanceType: "c5.xlarge",
  MinCount: 1,
  MaxCount: 1,
  SubnetId: SUBNETS[0],
};

async function run(input: Partial<sdk.RunInstancesCommandInput> = {}): Promise<readonly string[]> {
  const { Instances = [] } = await house.client.send(new sdk.RunInstancesCommand({ ...LAUNCH, ...input }));
  return Instances.map(({ InstanceId = "" }) => InstanceId);
}

describe("the official client", () => {
  it("starts instances and reads them as they are", async () => {
    const [id] = await run({
      ClientToken: "launch-1",
      SecurityGroupIds: [GROUP],
      UserData: Buffer.from("#cloud-config").toString("base64"),
      InstanceInitiatedShutdownBehavior: "terminate",
      InstanceMarketOptions: { MarketType: "spot", SpotOptions: { SpotInstanceType: "one-time", MaxPrice: "0.5" } },
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 2, InstanceMetadataTags: "enabled" },
      IamInstanceProfile: { Name: "runner" },
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, DeleteOnTermination: true } }],
      TagSpecifications: [tags("instance", "a < b & \"c\" 'd' é \u0007"), tags("volume", "volume")],
    });
    const { Reservations } = await house.client.send(new sdk.DescribeInstancesCommand({ InstanceIds: [id ?? ""] }));
    const instance = Reservations?.[0]?.Instances?.[0];
    expect(instance).toMatchObject({
      InstanceId: id,
      ImageId: IMAGE,
      InstanceType: "c5.xlarge",
      InstanceLifecycle: "spot",
      ClientToken: "launch-1",
      State: { Code: 0, Name: "pending" },
      Placement: { AvailabilityZone: "eu-west-1a", Tenancy: "default" },
      SubnetId: SUBNETS[0],
      SecurityGroups: [{ GroupId: GROUP }],
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 2, InstanceMetadataTags: "enabled" },
      Tags: [{ Key: "owner", Value: "a < b & \"c\" 'd' é \ufffd" }],
    });
    expect(instance?.LaunchTime?.getTime()).toBe(house.ec2.instances()[0]?.launchedAtMs);
    expect(instance?.BlockDeviceMappings?.[0]?.Ebs?.DeleteOnTermination).toBe(true);
    const { Volumes } = await house.client.send(new sdk.DescribeVolumesCommand({}));
    expect(Volumes).toMatchObject([
      { Size: 20, State: "in-use", Attachments: [{ InstanceId: id }], Tags: [{ Value: "volume" }] },
    ]);
    const { NetworkInterfaces } = await house.client.send(new sdk.DescribeNetworkInterfacesCommand({}));
    expect(NetworkInterfaces).toMatchObject([
      { Status: "in-use", SubnetId: SUBNETS[0], Attachment: { InstanceId: id } },
    ]);
  });

  it("ends, stops and starts them", async () => {
    const [id = ""] = await run();
    house.ec2.advanceClock(MINUTE_MS);
    const stopped = await house.client.send(new sdk.StopInstancesCommand({ InstanceIds: [id], Force: true }));
    expect(stopped.StoppingInstances).toMatchObject([
      { CurrentState: { Name: "stopping" }, PreviousState: { Name: "running" } },
    ]);
    house.ec2.advanceClock(2 * MINUTE_MS);
    const started = await house.client.send(new sdk.StartInstancesCommand({ InstanceIds: [id] }));
    expect(started.StartingInstances).toMatchObject([
      { CurrentState: { Name: "pending" }, PreviousState: { Name: "stopped" } },
    ]);
    const ended = await house.client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [id] }));
    expect(ended.TerminatingInstances).toMatchObject([{ InstanceId: id, CurrentState: { Code: 32 } }]);
    house.ec2.advanceClock(2 * MINUTE_MS);
    const { InstanceStatuses } = await house.client.send(
      new sdk.DescribeInstanceStatusCommand({ InstanceIds: [id], IncludeAllInstances: true }),
    );
    expect(InstanceStatuses).toMatchObject([
      { InstanceState: { Name: "terminated" }, InstanceStatus: { Status: "not-applicable" } },
    ]);
  });

  it("reads a fleet with what it gave and what it did not", async () => {
    await house.client.send(
      new sdk.CreateLaunchTemplateCommand({ LaunchTemplateName: "runners", LaunchTemplateData: { ImageId: IMAGE } }),
    );
    house.ec2.setRoom({ type: "c5.large", zone: "eu-west-1a", market: "spot" }, 1);
    const { Instances, Errors, FleetId } = await house.client.send(
      new sdk.CreateFleetCommand({
        Type: "instant",
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateName: "runners", Version: "$Latest" },
            Overrides: [{ InstanceType: "c5.large", SubnetId: SUBNETS[0], Priority: 1.5 }],
          },
        ],
        TargetCapacitySpecification: { TotalTargetCapacity: 2, DefaultTargetCapacityType: "spot" },
        SpotOptions: { AllocationStrategy: "price-capacity-optimized" },
        TagSpecifications: [tags("instance", "us")],
      }),
    );
    expect(FleetId).toMatch(/^fleet-/);
    expect(Instances).toMatchObject([
      { InstanceType: "c5.large", Lifecycle: "spot", InstanceIds: [expect.stringMatching(/^i-/)] },
    ]);
    expect(Errors).toMatchObject([
      {
        ErrorCode: "InsufficientInstanceCapacity",
        Lifecycle: "spot",
        LaunchTemplateAndOverrides: { Overrides: { InstanceType: "c5.large", SubnetId: SUBNETS[0], Priority: 1.5 } },
      },
    ]);
  });

  it("keeps launch templates and their versions, with all that they hold", async () => {
    const LaunchTemplateData: sdk.RequestLaunchTemplateData = {
      ImageId: IMAGE,
      InstanceType: "c5.large",
      UserData: "eA==",
      NetworkInterfaces: [{ DeviceIndex: 0, Groups: [GROUP], DeleteOnTermination: true }],
      BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 8, VolumeType: "gp3", Encrypted: true } }],
      MetadataOptions: { HttpTokens: "required" },
      TagSpecifications: [tags("volume", "us")],
    };
    const { LaunchTemplate } = await house.client.send(
      new sdk.CreateLaunchTemplateCommand({
        LaunchTemplateName: "runners",
        LaunchTemplateData,
        TagSpecifications: [tags("launch-template", "us")],
      }),
    );
    const LaunchTemplateId = LaunchTemplate?.LaunchTemplateId ?? "";
    const named = { LaunchTemplateId };
    const { LaunchTemplateVersion } = await house.client.send(
      new sdk.CreateLaunchTemplateVersionCommand({
        ...named,
        SourceVersion: "1",
        LaunchTemplateData: { InstanceType: "c5.xlarge" },
      }),
    );
    expect(LaunchTemplateVersion?.VersionNumber).toBe(2);
    const { LaunchTemplateVersions } = await house.client.send(
      new sdk.DescribeLaunchTemplateVersionsCommand({ ...named, Versions: ["1"] }),
    );
    expect(LaunchTemplateVersions?.[0]).toMatchObject({ DefaultVersion: true, LaunchTemplateData });
    const modified = await house.client.send(new sdk.ModifyLaunchTemplateCommand({ ...named, DefaultVersion: "2" }));
    expect(modified.LaunchTemplate).toMatchObject({ DefaultVersionNumber: 2, Tags: [{ Key: "owner", Value: "us" }] });
    const deleted = await house.client.send(
      new sdk.DeleteLaunchTemplateVersionsCommand({ ...named, Versions: ["1", "5"] }),
    );
    expect(deleted.SuccessfullyDeletedLaunchTemplateVersions).toMatchObject([{ VersionNumber: 1 }]);
    expect(deleted.UnsuccessfullyDeletedLaunchTemplateVersions).toMatchObject([
      { VersionNumber: 5, ResponseError: { Code: "launchTemplateVersionDoesNotExist" } },
    ]);
    const { LaunchTemplates } = await house.client.send(
      new sdk.DescribeLaunchTemplatesCommand({ LaunchTemplateNames: ["runners"] }),
    );
    expect(LaunchTemplates).toMatchObject([{ LaunchTemplateId, Tags: [{ Value: "us" }] }]);
    await house.client.send(new sdk.DeleteLaunchTemplateCommand(named));
    expect(
      await failureOf(
        house.client.send(new sdk.DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [LaunchTemplateId] })),
      ),
    ).toEqual(["InvalidLaunchTemplateId.NotFound", 400]);
  });

  it("reads the region", async () => {
    const { client } = house;
    const types = await client.send(new sdk.DescribeInstanceTypesCommand({ InstanceTypes: ["c5.xlarge"] }));
    expect(types.InstanceTypes).toMatchObject([
      {
        VCpuInfo: { DefaultVCpus: 4 },
        MemoryInfo: { SizeInMiB: 8_192 },
        ProcessorInfo: { SupportedArchitectures: ["x86_64"] },
      },
    ]);
    const offers = await client.send(
      new sdk.DescribeInstanceTypeOfferingsCommand({
        LocationType: "availability-zone",
        Filters: [{ Name: "instance-type", Values: ["c5.*"] }],
      }),
    );
    expect(offers.InstanceTypeOfferings).toHaveLength(9);
    const subnets = await client.send(new sdk.DescribeSubnetsCommand({ SubnetIds: [SUBNETS[1]] }));
    expect(subnets.Subnets).toMatchObject([
      { AvailabilityZone: "eu-west-1b", AvailableIpAddressCount: 251, State: "available" },
    ]);
    const groups = await client.send(new sdk.DescribeSecurityGroupsCommand({ GroupIds: [GROUP] }));
    expect(groups.SecurityGroups).toMatchObject([{ GroupName: "runners", Description: "runners" }]);
    const images = await client.send(new sdk.DescribeImagesCommand({ ImageIds: [IMAGE], Owners: ["self"] }));
    expect(images.Images).toMatchObject([{ State: "available", Architecture: "x86_64", RootDeviceName: "/dev/xvda" }]);
  });

  it("tags, untags, protects and reads a console", async () => {
    const [id = ""] = await run();
    await house.client.send(new sdk.CreateTagsCommand({ Resources: [id], Tags: [{ Key: "a", Value: "1" }] }));
    expect(house.ec2.instances()[0]?.tags.get("a")).toBe("1");
    await house.client.send(new sdk.DeleteTagsCommand({ Resources: [id], Tags: [{ Key: "a" }] }));
    expect(house.ec2.instances()[0]?.tags.size).toBe(0);
    await house.client.send(
      new sdk.ModifyInstanceAttributeCommand({ InstanceId: id, DisableApiTermination: { Value: true } }),
    );
    const said = await house.client.send(
      new sdk.DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "disableApiTermination" }),
    );
    expect(said.DisableApiTermination?.Value).toBe(true);
    expect(await failureOf(house.client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [id] })))).toEqual([
      "OperationNotPermitted",
      400,
    ]);
    house.ec2.changeInstance(id, { consoleOutput: "Kernel panic" });
    const { Output } = await house.client.send(new sdk.GetConsoleOutputCommand({ InstanceId: id, Latest: true }));
    expect(Buffer.from(Output ?? "", "base64").toString()).toBe("Kernel panic");
  });

  it("follows pages to the end", async () => {
    await run({ MinCount: 12, MaxCount: 12 });
    const seen: string[] = [];
    for await (const { Reservations } of sdk.paginateDescribeInstances({ client: house.client, pageSize: 5 }, {}))
      seen.push(
        ...(Reservations ?? []).flatMap(({ Instances = [] }) => Instances.map(({ InstanceId = "" }) => InstanceId)),
      );
    expect(new Set(seen).size).toBe(12);
  });

  it("repeats a launch with its token after an answer that was lost, and gets the same instance", async () => {
    const ClientToken = "launch-1";
    for (const kind of ["answer-lost", "reset"] as const) {
      house.ec2.injectFault("RunInstances", { kind, effect: "done" });
      await expect(run({ ClientToken })).rejects.toThrow();
    }
    house.ec2.injectFault("RunInstances", { kind: "half-answer" });
    await expect(run({ ClientToken })).rejects.toThrow();
    expect(await run({ ClientToken })).toEqual([house.ec2.instances()[0]?.id]);
    expect(house.ec2.instances()).toHaveLength(1);
    expect(await failureOf(run({ ClientToken, MaxCount: 2 }))).toEqual(["IdempotentParameterMismatch", 400]);
  });

  it("gets answers that come late and slowly", async () => {
    house.ec2.injectFault("DescribeInstances", { kind: "delay", delayMs: 5 });
    house.ec2.injectFault("DescribeInstances", { kind: "slow-body", delayMs: 20 });
    for (let count = 0; count < 2; count += 1)
      expect((await house.client.send(new sdk.DescribeInstancesCommand({}))).Reservations).toEqual([]);
  });
});

describe("refusals", () => {
  it.each(Object.keys(EC2_ERRORS) as Ec2ErrorCode[])("%s comes by its name and status", async (code) => {
    house.ec2.injectFault("any", { kind: "error", code, effect: "none", message: "<no> & never" });
    const call = house.client.send(new sdk.DescribeInstancesCommand({}));
    await expect(call).rejects.toThrow("<no> & never");
    expect(await failureOf(call)).toEqual([code, EC2_ERRORS[code]]);
  });

  it("come from the model, too", async () => {
    expect(await failureOf(house.client.send(new sdk.DescribeInstancesCommand({ InstanceIds: [UNKNOWN] })))).toEqual([
      "InvalidInstanceID.NotFound",
      400,
    ]);
    expect(await failureOf(house.client.send(new sdk.RunInstancesCommand({ ...LAUNCH, DryRun: true })))).toEqual([
      "DryRunOperation",
      412,
    ]);
    house.ec2.setPermission("RunInstances", false);
    expect(await failureOf(run())).toEqual(["UnauthorizedOperation", 403]);
    house.ec2.setPermission("RunInstances", true);
    house.ec2.setQuota("c5.xlarge", "on-demand", 2);
    expect(await failureOf(run())).toEqual(["VcpuLimitExceeded", 400]);
  });

  it("meet another's key, no signature, an unknown action and an unknown parameter", async () => {
    expect(await failureOf(house.clientWith("AKIAOTHER").send(new sdk.DescribeInstancesCommand({})))).toEqual([
      "AuthFailure",
      401,
    ]);
    const unsigned = await fetch(house.ec2.endpoint, {
      method: "POST",
      body: "Action=DescribeInstances&Version=2016-11-15",
    });
    expect([unsigned.status, await unsigned.text()]).toEqual([
      401,
      expect.stringContaining("<Code>AuthFailure</Code>"),
    ]);
    expect(await failureOf(house.client.send(new sdk.DescribeVpcsCommand({})))).toEqual(["InvalidAction", 400]);
    const odd = new sdk.RunInstancesCommand({ ...LAUNCH, KernelId: "aki-1" });
    expect(await failureOf(house.client.send(odd))).toEqual(["UnknownParameter", 400]);
  });
});

it("tells of every change of an instance, and of none once it is closed", async () => {
  const told: string[] = [];
  const stop = house.ec2.onInstanceChange(({ phase }) => told.push(phase.kind));
  const [id = ""] = await run({ InstanceInitiatedShutdownBehavior: "terminate" });
  house.ec2.advanceClock(MINUTE_MS);
  house.ec2.powerOff(id);
  house.ec2.advanceClock(2 * MINUTE_MS);
  expect(told).toEqual(["pending", "running", "shutting-down", "terminated"]);
  stop();
  await run();
  expect(told).toHaveLength(4);
  expect(house.ec2.calls()).toEqual({ RunInstances: 2 });
});

it("is out of reach while it is offline", async () => {
  await house.ec2.goOffline();
  await expect(run()).rejects.toThrow();
  await house.ec2.comeBack();
  expect(await run()).toHaveLength(1);
});

type InputOf<Action extends keyof Ec2Requests> = InstanceType<(typeof sdk)[`${Action}Command`]>["input"];
/** Calls of which the official client's types allow what the model's do not: none, or this does not compile. */
type Untaken = {
  [Action in keyof Ec2Requests]: InputOf<Action> extends Ec2Requests[Action] ? never : Action;
}[keyof Ec2Requests];

it("takes what the official client's own types describe", () => {
  const isEverythingTaken: [Untaken] extends [never] ? true : Untaken = true;
  expect(isEverythingTaken).toBe(true);
});
