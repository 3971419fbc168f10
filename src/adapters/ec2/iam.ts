/**
 * The permissions that a pool's settings need and no others, as an IAM policy. What changes something is allowed on what
 * carries our tag, or is given it by the call; readings cannot be narrowed down ("Actions, resources, and condition keys
 * for Amazon EC2", service authorization reference).
 */
import type { ControllerId, PoolName } from "../../domain/ids.ts";
import { type IamPolicy, policyOf, type Statement, unique } from "../aws/iam.ts";
import { TAG } from "../aws/tags.ts";
import type { Ec2Settings } from "./settings.ts";

export interface PolicyPool {
  readonly pool: PoolName;
  readonly settings: Ec2Settings;
  /** Whether some of its machines wait stopped. */
  readonly keepsStopped?: boolean;
}

/** `CreateFleet` starts instances by `RunInstances` in the caller's name. */
const LAUNCH_ACTIONS: readonly string[] = ["ec2:RunInstances", "ec2:CreateFleet"];

/** @param pools of one controller, in any regions. */
export function policyFor(controllerId: ControllerId, pools: readonly PolicyPool[]): IamPolicy {
  const regions = unique(pools.map(({ settings }) => settings.region));
  const settings = pools.map((pool) => pool.settings);
  const ours = { StringEquals: { [`aws:ResourceTag/${TAG.controller}`]: controllerId } };
  const marked = { StringEquals: { [`aws:RequestTag/${TAG.controller}`]: controllerId } };
  return policyOf([
    readings(settings),
    ...uses(settings, regions),
    {
      Sid: "StartWithOurTag",
      Effect: "Allow",
      Action: LAUNCH_ACTIONS,
      Resource: arns(regions, ["instance", "volume", "network-interface", "fleet", "spot-instances-request"]),
      Condition: marked,
    },
    {
      Sid: "TagWhatIsStarted",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: arns(regions, [
        "instance",
        "volume",
        "network-interface",
        "fleet",
        "spot-instances-request",
        "launch-template",
      ]),
      Condition: {
        StringEquals: {
          "ec2:CreateAction": [...LAUNCH_ACTIONS.map(withoutPrefix), "CreateLaunchTemplate"],
          [`aws:RequestTag/${TAG.controller}`]: controllerId,
        },
      },
    },
    {
      Sid: "EndWhatIsOurs",
      Effect: "Allow",
      Action: "ec2:TerminateInstances",
      Resource: arns(regions, ["instance"]),
      Condition: ours,
    },
    ...standbys(pools, ours),
    {
      Sid: "MakeOurTemplates",
      Effect: "Allow",
      Action: "ec2:CreateLaunchTemplate",
      Resource: arns(regions, ["launch-template"]),
      Condition: marked,
    },
    {
      Sid: "KeepOurTemplates",
      Effect: "Allow",
      Action: ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate", "ec2:DeleteLaunchTemplateVersions"],
      Resource: arns(regions, ["launch-template"]),
      Condition: ours,
    },
    ...roles(settings),
    ...keys(settings),
  ]);
}

function readings(settings: readonly Ec2Settings[]): Statement {
  const parameters = settings.some(({ image }) => image?.startsWith("resolve:ssm:") === true);
  return {
    Sid: "Read",
    Effect: "Allow",
    Action: [
      "ec2:DescribeInstances",
      "ec2:DescribeInstanceTypeOfferings",
      "ec2:DescribeInstanceTypes",
      "ec2:DescribeImages",
      "ec2:DescribeSubnets",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeLaunchTemplateVersions",
      "ec2:GetConsoleOutput",
      ...(parameters ? ["ssm:GetParameters"] : []),
    ],
    Resource: "*",
  };
}

/** What a launch names and does not make. */
function uses(settings: readonly Ec2Settings[], regions: readonly string[]): readonly Statement[] {
  const named = settings.flatMap(({ region, subnets, securityGroups, image }) => [
    ...subnets.map((id) => `arn:*:ec2:${region}:*:subnet/${id}`),
    ...securityGroups.map((id) => `arn:*:ec2:${region}:*:security-group/${id}`),
    image?.startsWith("ami-") === true ? `arn:*:ec2:${region}::image/${image}` : `arn:*:ec2:${region}::image/*`,
  ]);
  const groups = settings.filter(({ securityGroups }) => securityGroups.length === 0);
  return [
    {
      Sid: "StartFrom",
      Effect: "Allow",
      Action: LAUNCH_ACTIONS,
      Resource: unique([
        ...named,
        ...groups.map(({ region }) => `arn:*:ec2:${region}:*:security-group/*`),
        ...regions.flatMap((region) => [
          `arn:*:ec2:${region}:*:launch-template/*`,
          `arn:*:ec2:${region}:*:key-pair/*`,
          `arn:*:ec2:${region}::snapshot/*`,
          `arn:*:ec2:${region}:*:dedicated-host/*`,
          `arn:*:ec2:${region}:*:capacity-reservation/*`,
          `arn:*:ec2:${region}:*:placement-group/*`,
        ]),
      ]),
    },
  ];
}

/** For `warm.stopped` alone. */
function standbys(pools: readonly PolicyPool[], ours: Statement["Condition"]): readonly Statement[] {
  const regions = unique(pools.filter((pool) => pool.keepsStopped).map(({ settings }) => settings.region));
  if (regions.length === 0 || ours === undefined) return [];
  return [
    {
      Sid: "StopAndStartWhatIsOurs",
      Effect: "Allow",
      Action: ["ec2:StopInstances", "ec2:StartInstances"],
      Resource: arns(regions, ["instance"]),
      Condition: ours,
    },
  ];
}

/**
 * A profile gives machines a role, and giving one away is a permission. The first spot or fleet call of an account makes
 * EC2's own.
 */
function roles(settings: readonly Ec2Settings[]): readonly Statement[] {
  const isSpot = settings.some(({ market }) => market !== "on-demand");
  const services = ["fleet", ...(isSpot ? ["spot"] : [])];
  const own: Statement = {
    Sid: "LetEc2MakeItsOwnRoles",
    Effect: "Allow",
    Action: "iam:CreateServiceLinkedRole",
    Resource: services.map((service) =>
      service === "spot"
        ? "arn:*:iam::*:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
        : "arn:*:iam::*:role/aws-service-role/ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet",
    ),
  };
  const hasProfile = settings.some(({ instanceProfile, launchTemplate }) => instanceProfile ?? launchTemplate);
  if (!hasProfile) return [own];
  return [
    own,
    {
      Sid: "GiveMachinesTheirRole",
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: "arn:*:iam::*:role/*",
      Condition: { StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" } },
    },
  ];
}

/** Volumes under a key of the user's: EC2 uses it in the caller's name. */
function keys(settings: readonly Ec2Settings[]): readonly Statement[] {
  const named = unique(settings.flatMap(({ volume }) => volume?.kmsKey ?? []));
  if (named.length === 0) return [];
  const Resource = named.map((name) => (name.startsWith("arn:") ? name : `arn:*:kms:*:*:key/${name}`));
  return [
    {
      Sid: "EncryptVolumes",
      Effect: "Allow",
      Action: ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"],
      Resource: named.some((name) => name.startsWith("alias/")) ? "arn:*:kms:*:*:key/*" : Resource,
    },
  ];
}

function arns(regions: readonly string[], kinds: readonly string[]): readonly string[] {
  return regions.flatMap((region) => kinds.map((kind) => `arn:*:ec2:${region}:*:${kind}/*`));
}

function withoutPrefix(action: string): string {
  return action.replace(/^ec2:/, "");
}
