import { describe, expect, it } from "vitest";
import { checkSettings } from "../../../src/adapters/ec2/check.ts";
import type { Ec2ProviderOptions, Ec2Settings } from "../../../src/adapters/ec2/settings.ts";
import { type Answer, fakeEc2, throwing } from "./fake-client.ts";
import { handClock, NO_PLACE, optionsAt, settingsAt } from "./stage.ts";

const PERMITTED = throwing("DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
const MINE = { InstanceId: "i-00000001" };

/** A region in which nothing is wrong. */
const SOUND: Record<string, Answer> = {
  DescribeSubnets: () => ({
    Subnets: NO_PLACE.subnets.map((SubnetId) => ({
      SubnetId,
      VpcId: "vpc-1",
      AvailabilityZone: SubnetId.slice(-1),
      AvailableIpAddressCount: 100,
    })),
  }),
  DescribeSecurityGroups: () => ({ SecurityGroups: [{ GroupId: "sg-00000001", IpPermissions: [] }] }),
  DescribeInstanceTypes: ({ InstanceTypes }) => ({
    InstanceTypes: InstanceTypes.map((InstanceType: string) => ({
      InstanceType,
      ProcessorInfo: { SupportedArchitectures: ["x86_64"] },
    })),
  }),
  DescribeImages: () => ({
    Images: [{ Architecture: "x86_64", Tags: [{ Key: "holdfast:runner-version", Value: "2.336.0" }] }],
  }),
  DescribeInstanceTypeOfferings: () => ({
    InstanceTypeOfferings: ["m5.large", "c5.large"].map((InstanceType) => ({ InstanceType, Location: "a" })),
  }),
  DescribeInstances: () => ({ Reservations: [{ Instances: [MINE] }] }),
  CreateLaunchTemplate: PERMITTED,
  RunInstances: PERMITTED,
  CreateFleet: throwing("InvalidLaunchTemplateName.NotFoundException"),
  TerminateInstances: PERMITTED,
};

interface Wish {
  readonly answers?: Record<string, Answer>;
  readonly changes?: Partial<Ec2Settings>;
  readonly host?: Partial<Ec2ProviderOptions["host"]>;
}

async function findings({ answers = {}, changes = {}, host = {} }: Wish) {
  const ec2 = fakeEc2({ ...SOUND, ...answers });
  const sound = optionsAt(settingsAt("http://ec2.test", NO_PLACE, changes), handClock());
  const options = { ...sound, host: { ...sound.host, ...host } };
  return { ec2, found: await checkSettings({ clients: ec2.clients, options }) };
}

describe("a pool's settings", () => {
  it("are tried without starting anything: every call that would change something is a dry run", async () => {
    const { ec2, found } = await findings({});
    expect(found).toEqual([]);
    const changing = ec2.sent.filter(({ call }) => !call.startsWith("Describe"));
    expect(changing.map(({ call }) => call).sort()).toEqual([
      "CreateFleet",
      "CreateLaunchTemplate",
      "RunInstances",
      "TerminateInstances",
    ]);
    for (const { input } of changing) expect(input.DryRun).toBe(true);
  });

  it("are tried without an ending where no machine is there to try it with", async () => {
    const { ec2, found } = await findings({ answers: { DescribeInstances: () => ({}) } });
    expect(found).toEqual([]);
    expect(ec2.inputs("TerminateInstances")).toEqual([]);
  });

  it.each<readonly [string, Wish, string, "error" | "warning", RegExp]>([
    [
      "a permission that lacks",
      { answers: { RunInstances: throwing("UnauthorizedOperation", "not you") } },
      "provider",
      "error",
      /RunInstances as a dry run: UnauthorizedOperation \(not you\)/,
    ],
    [
      "an ending that is not allowed",
      { answers: { TerminateInstances: throwing("UnauthorizedOperation") } },
      "provider",
      "error",
      /TerminateInstances/,
    ],
    [
      "a subnet that is not there",
      { answers: { DescribeSubnets: throwing("InvalidSubnetID.NotFound", "no such subnet") } },
      "provider.subnets",
      "error",
      /no such subnet/,
    ],
    [
      "subnets of two networks",
      {
        answers: {
          DescribeSubnets: () => ({
            Subnets: ["a", "b"].map((zone) => ({ SubnetId: zone, VpcId: zone, AvailabilityZone: zone })),
          }),
        },
      },
      "provider.subnets",
      "error",
      /in 2 VPCs/,
    ],
    [
      "a subnet without addresses",
      {
        answers: {
          DescribeSubnets: () => ({
            Subnets: ["a", "b"].map((zone) => ({
              SubnetId: zone,
              VpcId: "v",
              AvailabilityZone: zone,
              AvailableIpAddressCount: zone === "a" ? 0 : 9,
            })),
          }),
        },
      },
      "provider.subnets",
      "warning",
      /no address left/,
    ],
    [
      "a group that is open",
      {
        answers: {
          DescribeSecurityGroups: () => ({
            SecurityGroups: [{ GroupId: "sg-1", IpPermissions: [{ IpRanges: [{ CidrIp: "0.0.0.0/0" }] }] }],
          }),
        },
      },
      "provider.securityGroups",
      "warning",
      /lets the whole internet in/,
    ],
    [
      "an image of another architecture",
      {
        answers: { DescribeImages: () => ({ Images: [{ Architecture: "arm64", Tags: [] }] }) },
        host: { runnerDownload: { url: "https://x", sha256: "0", version: "2" } },
      },
      "provider.instanceTypes",
      "error",
      /is for arm64, which is not what these are: m5\.large, c5\.large/,
    ],
    [
      "an image without its runner's version",
      { answers: { DescribeImages: () => ({ Images: [{ Architecture: "x86_64" }] }) } },
      "provider.image",
      "warning",
      /does not say which version/,
    ],
    [
      "an image whose volume outlives its machines",
      {
        answers: {
          DescribeImages: () => ({
            Images: [
              {
                Architecture: "x86_64",
                Tags: [{ Key: "holdfast:runner-version", Value: "2.336.0" }],
                BlockDeviceMappings: [
                  { DeviceName: "/dev/sda1", Ebs: { DeleteOnTermination: true } },
                  { DeviceName: "/dev/sdb", Ebs: { DeleteOnTermination: false } },
                ],
              },
            ],
          }),
        },
      },
      "provider.image",
      "warning",
      /\/dev\/sdb .*outlives/,
    ],
    [
      "no image",
      { answers: { DescribeImages: () => ({ Images: [] }) } },
      "provider.image",
      "error",
      /There is no image/,
    ],
    [
      "a type that is offered nowhere here",
      { changes: { instanceTypes: ["m5.large", "p5.48xlarge"] } },
      "provider.instanceTypes",
      "error",
      /p5\.48xlarge is offered in none/,
    ],
    [
      "a template without groups, in a pool without",
      {
        changes: { launchTemplate: { id: "ci", version: "1" }, securityGroups: [] },
        answers: { DescribeLaunchTemplateVersions: () => ({ LaunchTemplateVersions: [{ LaunchTemplateData: {} }] }) },
      },
      "provider.securityGroups",
      "error",
      /names a security group/,
    ],
    [
      "variables that do not fit",
      { host: { runnerEnvironment: { BIG: "x".repeat(20_000) } } },
      "provider",
      "error",
      /of which EC2 takes 16384/,
    ],
  ])("are told with their place: %s", async (_name, wish, place, severity, finding) => {
    const { found } = await findings(wish);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ path: `pools[].${place}`, severity });
    expect(found[0]?.finding).toMatch(finding);
    expect(found[0]?.mend).not.toBe("");
  });

  it("are told once that EC2 was not to be reached, as a warning: machines that are there are cared for", async () => {
    const silent = () => {
      throw new Error("getaddrinfo ENOTFOUND");
    };
    const answers = Object.fromEntries(Object.keys(SOUND).map((call) => [call, silent]));
    const { found } = await findings({ answers });
    expect(found).toMatchObject([{ severity: "warning", path: "pools[].provider" }]);
  });
});
