/**
 * Tries a pool's settings at EC2 without starting anything: what they name is read, and what would be done is tried as a
 * dry run, to which EC2 answers whether it would have been allowed.
 */
import {
  DescribeImagesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  type Image,
  type Subnet,
} from "@aws-sdk/client-ec2";
import type { CheckFinding } from "../../ports/provider.ts";
import { AT, asking, attempt, fail, warn } from "../aws/findings.ts";
import { TAG } from "../aws/tags.ts";
import type { Ec2Clients } from "./client.ts";
import { type CheckContext, tryEnding, tryLaunch, tryTemplate } from "./dry-runs.ts";
import { templateKey } from "./templates.ts";

/** Independent of each other, so that one run shows all that is wrong; where EC2 cannot be reached one finding says so. */
export async function checkSettings(context: CheckContext): Promise<readonly CheckFinding[]> {
  const looks = [
    lookAtSubnets,
    lookAtGroups,
    lookAtImageAndTypes,
    lookAtOfferings,
    lookAtTemplate,
    tryTemplate,
    tryLaunch,
    tryEnding,
  ];
  const findings = (await Promise.all(looks.map((look) => look(context)))).flat();
  return findings.filter((one, index) => findings.findIndex(({ finding }) => finding === one.finding) === index);
}

async function lookAtSubnets({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { subnets } = options.settings;
  return asking(`${AT}.subnets`, "reading the subnets", async () => {
    const { Subnets: found = [] } = await clients.read.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }));
    const networks = new Set(found.map(({ VpcId }) => VpcId));
    const zones = new Set(found.map(({ AvailabilityZone }) => AvailabilityZone));
    const full = found.filter(({ AvailableIpAddressCount: count }) => count !== undefined && count === 0);
    return [
      ...full.map(({ SubnetId }) =>
        warn(`${AT}.subnets`, `Subnet ${SubnetId} has no address left.`, "Name another one, or free addresses in it."),
      ),
      ...(networks.size > 1
        ? [fail(`${AT}.subnets`, `The subnets are in ${networks.size} VPCs.`, "Name subnets of one VPC.")]
        : []),
      ...(zones.size === 1 && options.settings.market !== "on-demand"
        ? [
            warn(
              `${AT}.subnets`,
              "All subnets are in one zone, so a spot shortage there stops the pool's spot launches.",
              "Name a subnet in each zone.",
            ),
          ]
        : []),
    ];
  });
}

async function lookAtGroups({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { securityGroups } = options.settings;
  if (securityGroups.length === 0) return [];
  return asking(`${AT}.securityGroups`, "reading the security groups", async () => {
    const GroupIds = [...securityGroups];
    const { SecurityGroups: found = [] } = await clients.read.send(new DescribeSecurityGroupsCommand({ GroupIds }));
    const open = found.filter(({ IpPermissions }) =>
      IpPermissions?.some(({ IpRanges }) => IpRanges?.some(({ CidrIp }) => CidrIp === "0.0.0.0/0")),
    );
    return open.map(({ GroupId }) =>
      warn(
        `${AT}.securityGroups`,
        `Security group ${GroupId} lets the whole internet in; a runner needs nobody to reach it.`,
        "Remove its inbound rules.",
      ),
    );
  });
}

async function lookAtImageAndTypes({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { settings, host } = options;
  const InstanceTypes = settings.instanceTypes.map((type) => type as "m7i.large");
  const types = await attempt(`${AT}.instanceTypes`, "reading the instance types", async () =>
    clients.read.send(new DescribeInstanceTypesCommand({ InstanceTypes })),
  );
  if (types.failed !== null) return [types.failed];
  const { image } = settings;
  if (image === null || !image.startsWith("ami-")) return [];
  return asking(`${AT}.image`, "reading the image", async () => {
    const { Images: images = [] } = await clients.read.send(new DescribeImagesCommand({ ImageIds: [image] }));
    const [found] = images;
    if (found === undefined) return [fail(`${AT}.image`, `There is no image ${image}.`, "Name one of this region.")];
    const unfit = (types.value.InstanceTypes ?? []).filter(
      ({ ProcessorInfo }) =>
        found.Architecture !== undefined &&
        ProcessorInfo?.SupportedArchitectures?.includes(found.Architecture as "x86_64") === false,
    );
    const hasVersion = host.runnerDownload !== null || found.Tags?.some(({ Key }) => Key === TAG.runnerVersion);
    return [
      ...warnOfVolumes(found),
      ...(unfit.length === 0
        ? []
        : [
            fail(
              `${AT}.instanceTypes`,
              `Image ${image} is for ${found.Architecture}, which is not what these are: ${unfit.map(({ InstanceType }) => InstanceType).join(", ")}.`,
              "Name types of the image's architecture.",
            ),
          ]),
      ...(hasVersion
        ? []
        : [
            warn(
              `${AT}.image`,
              `Image ${image} does not say which version of the runner is in it, so nobody is warned before GitHub refuses it.`,
              `Tag the image: ${TAG.runnerVersion}=<version>.`,
            ),
          ]),
    ];
  });
}

/** Only the image says how its volumes end, unless the user's launch template says otherwise. */
function warnOfVolumes({ ImageId, BlockDeviceMappings = [] }: Image): readonly CheckFinding[] {
  const kept = BlockDeviceMappings.filter(({ Ebs }) => Ebs?.DeleteOnTermination === false);
  if (kept.length === 0) return [];
  const devices = kept.map(({ DeviceName }) => DeviceName).join(", ");
  return [
    warn(
      `${AT}.image`,
      `${devices} of image ${ImageId} outlives each machine: its volume stays, and is paid for.`,
      "Make the image with DeleteOnTermination for it, or name the device in a launch template.",
    ),
  ];
}

async function lookAtOfferings({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { settings } = options;
  return asking(`${AT}.instanceTypes`, "reading where the types are offered", async () => {
    const { InstanceTypeOfferings: offered = [] } = await clients.read.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: "availability-zone",
        Filters: [{ Name: "instance-type", Values: [...settings.instanceTypes] }],
      }),
    );
    const subnets = await readSubnets(clients, settings.subnets);
    // Told by the look at the subnets themselves.
    if (subnets === null) return [];
    const zones = new Set(subnets.map(({ AvailabilityZone }) => AvailabilityZone));
    const missing = settings.instanceTypes.filter(
      (type) => !offered.some(({ InstanceType, Location }) => InstanceType === type && zones.has(Location)),
    );
    return missing.map((type) =>
      fail(
        `${AT}.instanceTypes`,
        `${type} is offered in none of the subnets' zones.`,
        "Remove it, or name a subnet in a zone that has it.",
      ),
    );
  });
}

async function lookAtTemplate({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { launchTemplate } = options.settings;
  if (launchTemplate === null) return [];
  return asking(`${AT}.launchTemplate`, "reading the launch template", async () => {
    const key = templateKey(launchTemplate.id);
    const answer = await clients.read.send(
      new DescribeLaunchTemplateVersionsCommand({ ...key, Versions: [launchTemplate.version] }),
    );
    const data = answer.LaunchTemplateVersions?.[0]?.LaunchTemplateData;
    const hasGroups =
      options.settings.securityGroups.length > 0 ||
      (data?.SecurityGroupIds?.length ?? 0) > 0 ||
      data?.NetworkInterfaces?.some(({ Groups }) => (Groups?.length ?? 0) > 0) === true;
    return [
      ...(options.settings.image === null && data?.ImageId === undefined
        ? [fail(`${AT}.image`, "Neither the pool nor its launch template names an image.", "Add `image`.")]
        : []),
      ...(hasGroups
        ? []
        : [
            fail(
              `${AT}.securityGroups`,
              "Neither the pool nor its launch template names a security group.",
              "Add `securityGroups`.",
            ),
          ]),
    ];
  });
}

async function readSubnets(clients: Ec2Clients, subnets: readonly string[]): Promise<readonly Subnet[] | null> {
  try {
    return (await clients.read.send(new DescribeSubnetsCommand({ SubnetIds: [...subnets] }))).Subnets ?? [];
  } catch {
    return null;
  }
}
