/** What a pool's launch template says: the user's own where one is named, and over it what a pool of Holdfast's needs. */
import { createHash } from "node:crypto";
import type {
  LaunchTemplateBlockDeviceMappingRequest,
  RequestLaunchTemplateData,
  ResponseLaunchTemplateData,
} from "@aws-sdk/client-ec2";
import { ownerTags } from "../aws/tags.ts";
import type { Ec2ProviderOptions, Ec2Settings } from "./settings.ts";
import { bootScript, encodeUserData } from "./user-data.ts";

export interface TemplateParts {
  readonly options: Ec2ProviderOptions;
  /** The user's own, as EC2 describes it; null where none is named. */
  readonly base: ResponseLaunchTemplateData | null;
  /** The name of the image's root device; null where the settings say nothing of the volume. */
  readonly rootDevice: string | null;
}

export function templateData({ options, base, rootDevice }: TemplateParts): RequestLaunchTemplateData {
  const { settings } = options;
  const inherited = inherit(base);
  const groups = [...settings.securityGroups];
  const data: RequestLaunchTemplateData = {
    ...inherited,
    ...(settings.image === null ? {} : { ImageId: settings.image }),
    ...(settings.instanceProfile === null ? {} : { IamInstanceProfile: profileOf(settings.instanceProfile) }),
    ...networkOf(settings, inherited, groups),
    ...placementOf(settings, inherited),
    ...volumesOf(settings, inherited, rootDevice),
    // The dead man's switch of the agent: powering off ends the bill.
    InstanceInitiatedShutdownBehavior: "terminate",
    // Holdfast ends its machines itself, by their proofs.
    DisableApiTermination: false,
    DisableApiStop: false,
    MetadataOptions: {
      ...inherited.MetadataOptions,
      HttpEndpoint: "enabled",
      HttpTokens: "required",
      HttpPutResponseHopLimit: settings.metadataHops,
    },
    UserData: encodeUserData(bootScript(options), base?.UserData ?? null),
    TagSpecifications: tagsOf(options, inherited),
  };
  return data;
}

/** Said by the call, or by nobody: where machines are started, of which type, and how they are paid. */
const LEFT_OUT = ["InstanceType", "InstanceRequirements", "InstanceMarketOptions", "UserData"] as const;

/** What EC2 describes is what it takes, but for dates and states, which a template does not have. */
function inherit(base: ResponseLaunchTemplateData | null): RequestLaunchTemplateData {
  if (base === null) return {};
  const data = { ...base } as RequestLaunchTemplateData;
  for (const key of LEFT_OUT) delete data[key];
  const { NetworkInterfaces: interfaces } = data;
  if (interfaces !== undefined)
    data.NetworkInterfaces = interfaces.map(({ SubnetId: _, NetworkInterfaceId: __, ...rest }) => rest);
  return data;
}

function profileOf(profile: string): NonNullable<RequestLaunchTemplateData["IamInstanceProfile"]> {
  return profile.startsWith("arn:") ? { Arn: profile } : { Name: profile };
}

/** Groups are of the instance or of its interfaces, never of both. */
function networkOf(
  { publicAddress }: Ec2Settings,
  inherited: RequestLaunchTemplateData,
  groups: string[],
): Partial<RequestLaunchTemplateData> {
  const interfaces = inherited.NetworkInterfaces ?? [];
  if (publicAddress === null && interfaces.length === 0) return groups.length === 0 ? {} : { SecurityGroupIds: groups };
  const [first, ...others] = interfaces.length === 0 ? [{ DeviceIndex: 0 }] : interfaces;
  return {
    NetworkInterfaces: [
      {
        ...first,
        DeleteOnTermination: true,
        ...(groups.length === 0 ? {} : { Groups: groups }),
        ...(publicAddress === null ? {} : { AssociatePublicIpAddress: publicAddress }),
      },
      ...others.map((one) => ({ ...one, DeleteOnTermination: true })),
    ],
    SecurityGroupIds: undefined,
    SecurityGroups: undefined,
  };
}

function placementOf(
  { tenancy, hostResourceGroup }: Ec2Settings,
  inherited: RequestLaunchTemplateData,
): Partial<RequestLaunchTemplateData> {
  if (tenancy === "default") return {};
  return {
    Placement: {
      ...inherited.Placement,
      Tenancy: tenancy,
      ...(hostResourceGroup === null ? {} : { HostResourceGroupArn: hostResourceGroup }),
    },
  };
}

/** A volume dies with its machine, whatever the user's template says. */
function volumesOf(
  { volume }: Ec2Settings,
  { BlockDeviceMappings: inherited = [] }: RequestLaunchTemplateData,
  rootDevice: string | null,
): Partial<RequestLaunchTemplateData> {
  const mortal = inherited.map((one) => (one.Ebs ? { ...one, Ebs: { ...one.Ebs, DeleteOnTermination: true } } : one));
  if (rootDevice !== null && volume !== null) return { BlockDeviceMappings: withRoot(mortal, rootDevice, volume) };
  return mortal.length === 0 ? {} : { BlockDeviceMappings: mortal };
}

function withRoot(
  mappings: readonly LaunchTemplateBlockDeviceMappingRequest[],
  rootDevice: string,
  volume: NonNullable<Ec2Settings["volume"]>,
): LaunchTemplateBlockDeviceMappingRequest[] {
  const { sizeGib, type, iops, throughputMib, kmsKey } = volume;
  const root: LaunchTemplateBlockDeviceMappingRequest = {
    DeviceName: rootDevice,
    Ebs: {
      VolumeType: type,
      DeleteOnTermination: true,
      Encrypted: true,
      ...(sizeGib === null ? {} : { VolumeSize: sizeGib }),
      ...(iops === null ? {} : { Iops: iops }),
      ...(throughputMib === null ? {} : { Throughput: throughputMib }),
      ...(kmsKey === null ? {} : { KmsKeyId: kmsKey }),
    },
  };
  return [root, ...mappings.filter(({ DeviceName }) => DeviceName !== rootDevice)];
}

/** What a fleet's call cannot mark. Instances are marked by the call, which knows the launch. */
const MARKED = ["volume", "network-interface"] as const;

function tagsOf(
  options: Ec2ProviderOptions,
  { TagSpecifications: inherited = [] }: RequestLaunchTemplateData,
): NonNullable<RequestLaunchTemplateData["TagSpecifications"]> {
  const ours = ownerTags(options, options.settings.tags);
  const known = new Set(ours.map(({ Key }) => Key));
  const others = inherited.filter(({ ResourceType }) => !MARKED.some((kind) => kind === ResourceType));
  const marked = MARKED.map((ResourceType) => {
    const theirs = inherited.find((one) => one.ResourceType === ResourceType)?.Tags ?? [];
    return { ResourceType, Tags: [...theirs.filter(({ Key }) => !known.has(Key)), ...ours] };
  });
  return [...others, ...marked];
}

const HASH_LENGTH = 32;

/** The order of keys does not count; that of lists does. */
export function hashTemplate(data: RequestLaunchTemplateData): string {
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(data)))
    .digest("hex")
    .slice(0, HASH_LENGTH);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner)]));
}
