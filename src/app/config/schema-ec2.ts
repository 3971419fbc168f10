/** The keys of `pools[].provider` that are for `kind: ec2`. What each kind demands and refuses is in `check-provider.ts`. */
import * as z from "zod";
import {
  MARKETS,
  ON_DEMAND_ALLOCATIONS,
  SPOT_ALLOCATIONS,
  TENANCIES,
  VOLUME_TYPES,
} from "../../adapters/ec2/settings.ts";
import { key, matchedText, pathText, urlText } from "./key.ts";

const SUBNET_COUNT_MAX = 50;
const GROUP_COUNT_MAX = 16;
const TYPE_COUNT_MAX = 100;
const MACHINE_COUNT_MAX = 10_000;
const TAG_COUNT_MAX = 40;
const VOLUME_GIB_MAX = 65_536;
const HOPS_MAX = 64;

function idText(kind: string, prefix: string) {
  return matchedText(
    new RegExp(`^${prefix}-[0-9a-f]{8,17}$`),
    `must be ${kind}, as in \`${prefix}-0123456789abcdef0\``,
  );
}

const LaunchTemplateSchema = z.strictObject({
  id: key(matchedText(/^[A-Za-z0-9()./_-]{3,128}$/, "must be a launch template's id or name"), {
    says: "Its id or its name.",
    example: "id: lt-0123456789abcdef0",
  }),
  version: key(
    matchedText(/^(?:\d{1,9}|\$Latest|\$Default)$/, "must be a number, `$Latest` or `$Default`").prefault("$Default"),
    {
      says: "Which of its versions; a new default or latest one is noticed within 10 minutes.",
      example: 'version: "3"',
    },
  ),
});

const VolumeSchema = z.strictObject({
  sizeGib: key(z.int().min(1).max(VOLUME_GIB_MAX).optional(), {
    says: "Its size: 1 to 65536 GiB.",
    example: "sizeGib: 100",
    defaultText: "as the image has it",
  }),
  type: key(z.enum(VOLUME_TYPES).prefault("gp3"), { says: "Its type: gp3, gp2, io2 or io1.", example: "type: gp3" }),
  iops: key(z.int().min(100).max(256_000).optional(), {
    says: "Operations a second; not for gp2.",
    example: "iops: 6000",
    defaultText: "the type's own",
  }),
  throughputMib: key(z.int().min(125).max(2_000).optional(), {
    says: "MiB a second; only for gp3.",
    example: "throughputMib: 500",
    defaultText: "the type's own",
  }),
  kmsKey: key(z.string().min(1).max(2_048).optional(), {
    says: "The key that it is encrypted with: an id, an alias or an ARN.",
    example: "kmsKey: alias/ci",
    defaultText: "the account's own for volumes",
  }),
});

function tagText(length: number) {
  return z.string().max(length);
}

const TagsSchema = z
  .record(
    tagText(128)
      .min(1)
      .regex(/^(?!aws:|holdfast:)/i, { error: "begins with a prefix that is AWS's or Holdfast's own" }),
    tagText(256),
  )
  .refine((tags) => Object.keys(tags).length <= TAG_COUNT_MAX, { error: `has more than ${TAG_COUNT_MAX} tags` });

/** Of the key that other kinds have too. */
export const EC2_IMAGE = /^(?:ami-[0-9a-f]{8,17}|resolve:ssm:\/?[A-Za-z0-9_.:/-]+)$/;

export const EC2_SHAPE = {
  region: key(matchedText(/^[a-z]{2}(?:-[a-z]+)+-\d$/, "must be the name of an AWS region").optional(), {
    says: "`ec2`, `asg`: the region, as in `eu-central-1`. Required.",
    example: "region: eu-central-1",
    defaultText: "**required** for `ec2` and `asg`",
  }),
  subnets: key(z.array(idText("a subnet's id", "subnet")).min(1).max(SUBNET_COUNT_MAX).optional(), {
    says: "`ec2`: the subnets that machines are started in, of one VPC; one in each zone gives spot the most room. 1 to 50. Required.",
    example: "subnets: [subnet-0123456789abcdef0]",
    defaultText: "**required** for `ec2`",
  }),
  securityGroups: key(z.array(idText("a security group's id", "sg")).max(GROUP_COUNT_MAX).prefault([]), {
    says: "`ec2`: their security groups; a machine needs no inbound rule. At most 16. Required unless the launch template names some.",
    example: "securityGroups: [sg-0123456789abcdef0]",
  }),
  instanceTypes: key(
    z
      .array(matchedText(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, "must be an instance type, as in `m7i.large`"))
      .min(1)
      .max(TYPE_COUNT_MAX)
      .optional(),
    {
      says: "`ec2`: the types that fit, the preferred ones first; EC2 chooses by `spotAllocation` and `onDemandAllocation`. 1 to 100. Required.",
      example: "instanceTypes: [m7i.large, m7a.large, m6i.large]",
      defaultText: "**required** for `ec2`",
    },
  ),
  image: key(z.string().min(1).max(512).optional(), {
    says: "`kubernetes`: the container image with the runner in it, with its tag or digest. Required. `ec2`: the image, or the parameter of Systems Manager that names it. Its tag `holdfast:runner-version` says which runner is in it. Required unless the launch template names one.",
    example: "image: ami-0123456789abcdef0",
    defaultText: "the launch template's",
  }),
  launchTemplate: key(LaunchTemplateSchema.optional(), {
    says: "`ec2`: a launch template of your own, for whatever has no key here; Holdfast keeps one of its own that is built on it.",
    example: "launchTemplate: { id: ci-base }",
  }),
  market: key(z.enum(MARKETS).prefault("spot-then-on-demand"), {
    says: "`ec2`: how machines are paid for: `spot`, `on-demand`, or `spot-then-on-demand`: on-demand while spot has no room. Spot machines can be taken back with a job on them.",
    example: "market: on-demand",
  }),
  onDemandBase: key(z.int().min(0).max(MACHINE_COUNT_MAX).prefault(0), {
    says: "`ec2`: so many of the pool's machines are on-demand before any is spot: 0 to 10000 machines.",
    example: "onDemandBase: 2",
  }),
  onDemandPercent: key(z.int().min(0).max(100).prefault(0), {
    says: "`ec2`: of the machines above the base, the share that is on-demand: 0 to 100 percent.",
    example: "onDemandPercent: 20",
  }),
  spotAllocation: key(z.enum(SPOT_ALLOCATIONS).prefault("price-capacity-optimized"), {
    says: "`ec2`: by what EC2 chooses among types and subnets on spot.",
    example: "spotAllocation: capacity-optimized",
  }),
  onDemandAllocation: key(z.enum(ON_DEMAND_ALLOCATIONS).prefault("lowest-price"), {
    says: "`ec2`: by what it chooses on-demand: `lowest-price`, or `prioritized` in the order of `instanceTypes`.",
    example: "onDemandAllocation: prioritized",
  }),
  spotMaxPrice: key(matchedText(/^\d{1,4}(?:\.\d{1,6})?$/, "must be a price in dollars an hour, as text").optional(), {
    says: "`ec2`: the most that a spot machine may cost, in dollars an hour.",
    example: 'spotMaxPrice: "0.25"',
    defaultText: "the on-demand price",
  }),
  tenancy: key(z.enum(TENANCIES).prefault("default"), {
    says: "`ec2`: `default`, `dedicated`, or `host` for Dedicated Hosts.",
    example: "tenancy: dedicated",
  }),
  hostResourceGroup: key(
    matchedText(/^arn:[a-z-]+:resource-groups:/, "must be the ARN of a host resource group").optional(),
    {
      says: "`ec2`: with `tenancy: host`, the host resource group that machines are placed in.",
      example: "hostResourceGroup: arn:aws:resource-groups:eu-central-1:123456789012:group/ci",
    },
  ),
  instanceProfile: key(z.string().min(1).max(2_048).optional(), {
    says: "`ec2`: an instance profile for the jobs, by name or ARN. Holdfast's agent needs none.",
    example: "instanceProfile: ci-jobs",
  }),
  publicAddress: key(z.boolean().optional(), {
    says: "`ec2`: whether machines get a public address.",
    example: "publicAddress: false",
    defaultText: "as the subnet has it",
  }),
  volume: key(VolumeSchema.optional(), {
    says: "`ec2`: the root volume; encrypted, and deleted with its machine.",
    example: "volume: { sizeGib: 100 }",
    defaultText: "as the image has it",
  }),
  metadataHops: key(z.int().min(1).max(HOPS_MAX).prefault(1), {
    says: "`ec2`: how many network hops the instance metadata may take; 1 keeps it from the jobs' containers.",
    example: "metadataHops: 2",
  }),
  tags: key(TagsSchema.prefault({}), {
    says: "`ec2`: tags on instances, volumes and interfaces, besides Holdfast's own. At most 40.",
    example: "tags: { team: platform }",
  }),
  identityCertificateFile: key(pathText().optional(), {
    says: "`ec2`, `asg`: the certificates (PEM) with which EC2 signs identity documents in this region (RSA-2048), as AWS publishes them in the user guide; a machine proves by its document which instance it is. Required.",
    example: "identityCertificateFile: ./eu-central-1.pem",
    defaultText: "**required** for `ec2` and `asg`",
  }),
  endpoint: key(urlText().optional(), {
    says: "`ec2`, `asg`: another address of EC2's API, such as a VPC endpoint of your own.",
    example: "endpoint: https://vpce-0123-abcd.ec2.eu-central-1.vpce.amazonaws.com",
    defaultText: "the region's own",
  }),
};

/** Those without which there is no pool. */
export const EC2_REQUIRED = [
  "region",
  "subnets",
  "instanceTypes",
  "identityCertificateFile",
] as const satisfies readonly (keyof typeof EC2_SHAPE)[];
