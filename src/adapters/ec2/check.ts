/**
 * Tries a pool's settings at EC2 without starting anything: what they name is read, and what would be done is tried as a
 * dry run, to which EC2 answers whether it would have been allowed.
 */
import {
  CreateFleetCommand,
  CreateLaunchTemplateCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeLaunchTemplateVersionsCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  RunInstancesCommand,
  type Subnet,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { ProviderError } from "../../domain/errors.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import type { Ec2Clients } from "./client.ts";
import { describeFailure, type Ec2Failure, readFailure } from "./errors.ts";
import type { Ec2ProviderOptions } from "./settings.ts";
import { ownerTags, specify, TAG } from "./tags.ts";
import { templateData } from "./template-data.ts";
import { templateKey, templateName } from "./templates.ts";

export interface CheckContext {
  readonly clients: Ec2Clients;
  readonly options: Ec2ProviderOptions;
}

const AT = "pools[].provider";
const POLICY_MEND = "Give the credentials the policy that `holdfast check --iam` prints.";

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

/** The template itself is made at the first launch. */
async function tryTemplate({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const TagSpecifications = specify(["launch-template"], ownerTags(options, options.settings.tags));
  return trying(AT, "CreateLaunchTemplate", () =>
    clients.write.send(
      new CreateLaunchTemplateCommand({
        DryRun: true,
        LaunchTemplateName: `${templateName(options)}-check`,
        LaunchTemplateData: templateData({ options, base: null, rootDevice: null }),
        TagSpecifications,
      }),
    ),
  );
}

/** By the call that a launch is made with, as far as it can be without a template: a fleet cannot do without one. */
async function tryLaunch({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  const { settings } = options;
  const { image } = settings;
  const TagSpecifications = specify(["instance", "volume"], ownerTags(options, settings.tags));
  const [type] = settings.instanceTypes;
  const runs =
    image === null
      ? []
      : await trying(AT, "RunInstances", () =>
          clients.write.send(
            new RunInstancesCommand({
              DryRun: true,
              MinCount: 1,
              MaxCount: 1,
              ImageId: image,
              InstanceType: type as "m7i.large",
              SubnetId: settings.subnets[0],
              ...(settings.securityGroups.length === 0 ? {} : { SecurityGroupIds: [...settings.securityGroups] }),
              TagSpecifications,
            }),
          ),
        );
  const fleets = await trying(AT, "CreateFleet", () =>
    clients.write.send(
      new CreateFleetCommand({
        DryRun: true,
        Type: "instant",
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: "on-demand" },
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateName: templateName(options), Version: "$Default" },
            Overrides: [{ InstanceType: type as "m7i.large", SubnetId: settings.subnets[0] }],
          },
        ],
        TagSpecifications: specify(["instance", "fleet"], ownerTags(options, settings.tags)),
      }),
    ),
  );
  return [...runs, ...fleets];
}

/** With a machine of ours, where there is one: EC2 judges the permission by its tags. */
async function tryEnding({ clients, options }: CheckContext): Promise<readonly CheckFinding[]> {
  return asking(AT, "listing the controller's instances", async () => {
    const Filters = [
      { Name: `tag:${TAG.controller}`, Values: [options.controllerId] },
      { Name: "instance-state-name", Values: ["running", "pending"] },
    ];
    const { Reservations } = await clients.read.send(new DescribeInstancesCommand({ Filters, MaxResults: 5 }));
    const id = Reservations?.[0]?.Instances?.[0]?.InstanceId;
    if (id === undefined) return [];
    return trying(AT, "TerminateInstances", () =>
      clients.write.send(new TerminateInstancesCommand({ DryRun: true, InstanceIds: [id] })),
    );
  });
}

/** A dry run always fails; the question is with what. */
async function trying(path: string, call: string, work: () => Promise<unknown>): Promise<readonly CheckFinding[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof ProviderError) return [fail(path, `${error.message}.`, "Shorten what the message names.")];
    const failure = readFailure(error);
    if (failure.trouble === "permitted") return [];
    // The pool's own template is made at its first launch, and a name that is taken is ours.
    if (failure.code.startsWith("InvalidLaunchTemplate")) return [];
    return [findingOf(path, `trying ${call} as a dry run`, failure)];
  }
}

async function asking(
  path: string,
  attempted: string,
  work: () => Promise<readonly CheckFinding[]>,
): Promise<readonly CheckFinding[]> {
  const outcome = await attempt(path, attempted, work);
  return outcome.failed === null ? outcome.value : [outcome.failed];
}

type Attempt<Value> =
  | { readonly failed: CheckFinding; readonly value: null }
  | { readonly failed: null; readonly value: Value };

async function attempt<Value>(path: string, attempted: string, work: () => Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { failed: null, value: await work() };
  } catch (error) {
    return { failed: findingOf(path, attempted, readFailure(error)), value: null };
  }
}

/** What may pass is a warning: it must not keep the controller from caring for the machines that are there. */
function findingOf(path: string, attempted: string, failure: Ec2Failure): CheckFinding {
  const said = describeFailure(failure);
  switch (failure.trouble) {
    case "denied":
      return fail(path, `EC2 refused ${attempted}: ${said}.`, POLICY_MEND);
    case "throttled":
    case "unknown":
      return warn(AT, `EC2 was not to be reached: ${said}.`, "Try again; check `region`, `endpoint` and the network.");
    default:
      return fail(path, `EC2 refused ${attempted}: ${said}.`, "Correct what the message names.");
  }
}

function fail(path: string, finding: string, mend: string): CheckFinding {
  return { severity: "error", path, finding, mend };
}

function warn(path: string, finding: string, mend: string): CheckFinding {
  return { severity: "warning", path, finding, mend };
}
