/** What a launch is to start, from the template that it names and from what it says itself; refused where that is wrong. */
import type {
  CreateFleetRequest,
  FleetOverride,
  LaunchTemplateData,
  RunInstancesRequest,
  TagSpecification,
} from "./api.ts";
import type { Belongings } from "./belongings.ts";
import { demandGiven, demandValue, Ec2Refusal } from "./errors.ts";
import type { ImageOption, InstanceTypeOption, Market, SubnetOption } from "./options.ts";
import { findType } from "./room.ts";
import type { Ec2State, InstanceSettings } from "./state.ts";
import { readTags } from "./tags.ts";

export interface LaunchSettings {
  readonly settings: InstanceSettings;
  readonly type: InstanceTypeOption;
  readonly market: Market;
  /** Null: any. */
  readonly subnet: SubnetOption | null;
  /** US dollars an hour; null: the on-demand price. */
  readonly maxPrice: number | null;
  readonly tenancy: { readonly hostId: string | undefined } | null;
  readonly tags: ReadonlyMap<string, string>;
  readonly belongings: Belongings;
  readonly isTerminationProtected: boolean;
  readonly isStopProtected: boolean;
}

const USER_DATA_BYTES_MAX = 16_384;
const HOP_LIMIT_MAX = 64;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What the call says goes before what the template says; of tags, key by key. */
export function joinData(template: LaunchTemplateData, said: LaunchTemplateData): LaunchTemplateData {
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  const tags = [...(template.TagSpecifications ?? []), ...(said.TagSpecifications ?? [])];
  return {
    ...template,
    ...given,
    MetadataOptions: { ...template.MetadataOptions, ...said.MetadataOptions },
    Placement: { ...template.Placement, ...said.Placement },
    TagSpecifications: tags,
  };
}

/** @throws {Ec2Refusal} where anything in it is missing, wrong, or names what there is not. */
export function readLaunch(
  state: Ec2State,
  data: LaunchTemplateData & Pick<RunInstancesRequest, "SubnetId">,
  market: Market,
): LaunchSettings {
  const image = findImage(state, demandGiven(data.ImageId, "ImageId"));
  const type = findType(state.options, demandGiven(data.InstanceType, "InstanceType"));
  demandValue(type !== undefined, `Invalid value '${data.InstanceType}' for InstanceType.`);
  if (type.architecture !== image.architecture)
    throw new Ec2Refusal(
      "InvalidParameterValue",
      `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  const { Tenancy, HostId, HostResourceGroupArn } = data.Placement ?? {};
  const isOnHost = Tenancy === "host" || HostId !== undefined || HostResourceGroupArn !== undefined;
  return {
    settings: readSettings(state, data),
    type,
    market,
    subnet: findSubnet(state, data),
    maxPrice: readPrice(data.InstanceMarketOptions?.SpotOptions?.MaxPrice),
    tenancy: isOnHost ? { hostId: HostId } : null,
    tags: tagsFor(data.TagSpecifications, "instance"),
    belongings: {
      blockDevices: data.BlockDeviceMappings ?? [],
      interfaces: data.NetworkInterfaces ?? [],
      volumeTags: tagsFor(data.TagSpecifications, "volume"),
      interfaceTags: tagsFor(data.TagSpecifications, "network-interface"),
    },
    isTerminationProtected: data.DisableApiTermination ?? false,
    isStopProtected: data.DisableApiStop ?? false,
  };
}

export function findImage({ options }: Ec2State, id: string): ImageOption {
  if (!/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id))
    throw new Ec2Refusal("InvalidAMIID.Malformed", `Invalid id: "${id}" (expecting "ami-...")`);
  const image = options.images.find((one) => one.id === id);
  if (image === undefined || image.state === "deregistered")
    throw new Ec2Refusal("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`);
  if (image.state !== "available")
    throw new Ec2Refusal("InvalidAMIID.Unavailable", `The image ID '${id}' is not available`);
  return image;
}

function findSubnet({ options }: Ec2State, data: LaunchTemplateData & { readonly SubnetId?: string | undefined }) {
  const interfaces = data.NetworkInterfaces ?? [];
  if (interfaces.length > 0 && data.SubnetId !== undefined)
    throw new Ec2Refusal(
      "InvalidParameterCombination",
      "Network interfaces and an instance-level subnet ID may not be specified on the same request",
    );
  const id = data.SubnetId ?? interfaces[0]?.SubnetId;
  const zone = data.Placement?.AvailabilityZone;
  if (id === undefined) return zone === undefined ? null : (options.subnets.find((one) => one.zone === zone) ?? null);
  const subnet = options.subnets.find((one) => one.id === id);
  if (subnet === undefined) throw new Ec2Refusal("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
  return subnet;
}

function readSettings(state: Ec2State, data: LaunchTemplateData): InstanceSettings {
  const { SpotOptions } = data.InstanceMarketOptions ?? {};
  const metadata = data.MetadataOptions ?? {};
  const behavior = data.InstanceInitiatedShutdownBehavior ?? "stop";
  demandValue(
    behavior === "stop" || behavior === "terminate",
    `Invalid value '${behavior}' for InstanceInitiatedShutdownBehavior.`,
  );
  const hopLimit = metadata.HttpPutResponseHopLimit ?? 1;
  demandValue(hopLimit >= 1 && hopLimit <= HOP_LIMIT_MAX, `Invalid value '${hopLimit}' for HttpPutResponseHopLimit.`);
  return {
    imageId: data.ImageId ?? "",
    securityGroupIds: readGroups(state, data),
    userData: readUserData(data.UserData ?? ""),
    shutdownBehavior: behavior,
    isTokenRequired: metadata.HttpTokens === "required",
    hasTagsInMetadata: metadata.InstanceMetadataTags === "enabled",
    hopLimit,
    keyName: data.KeyName ?? null,
    profile: data.IamInstanceProfile?.Arn ?? data.IamInstanceProfile?.Name ?? null,
    interruptionBehavior: readInterruption(SpotOptions?.InstanceInterruptionBehavior ?? "terminate"),
    isOneTime: (SpotOptions?.SpotInstanceType ?? "one-time") === "one-time",
  };
}

function readPrice(text: string | undefined): number | null {
  if (text === undefined) return null;
  const price = Number(text);
  demandValue(Number.isFinite(price) && price > 0, `Invalid value '${text}' for MaxPrice.`);
  return price;
}

function readInterruption(text: string): InstanceSettings["interruptionBehavior"] {
  demandValue(
    text === "terminate" || text === "stop" || text === "hibernate",
    `Invalid value '${text}' for InstanceInterruptionBehavior.`,
  );
  return text;
}

function readGroups({ options }: Ec2State, data: LaunchTemplateData): readonly string[] {
  const own = data.SecurityGroupIds ?? [];
  const ofInterfaces = (data.NetworkInterfaces ?? []).flatMap(({ Groups }) => Groups ?? []);
  if (own.length > 0 && (data.NetworkInterfaces ?? []).length > 0)
    throw new Ec2Refusal(
      "InvalidParameterCombination",
      "Network interfaces and an instance-level security groups may not be specified on the same request",
    );
  const groups = own.length > 0 ? own : ofInterfaces;
  const missing = groups.find((id) => !options.securityGroups.some((group) => group.id === id));
  if (missing !== undefined)
    throw new Ec2Refusal("InvalidGroup.NotFound", `The security group '${missing}' does not exist`);
  return groups;
}

function readUserData(text: string): string {
  if (!BASE64.test(text) || text.length % 4 !== 0)
    throw new Ec2Refusal("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.");
  demandValue(Buffer.byteLength(text, "base64") <= USER_DATA_BYTES_MAX, "User data is limited to 16384 bytes");
  return text;
}

/** By the last of several that name a key. */
export function tagsFor(
  specifications: readonly TagSpecification[] | undefined,
  resource: string,
): Map<string, string> {
  const matching = (specifications ?? []).filter(({ ResourceType }) => ResourceType === resource);
  return readTags(matching.flatMap(({ Tags }) => Tags ?? []));
}

/** One override of a fleet, put over its template's data. */
export function joinOverride(
  data: LaunchTemplateData,
  { InstanceType, ImageId, SubnetId, AvailabilityZone, MaxPrice }: FleetOverride,
  tags: CreateFleetRequest["TagSpecifications"],
): LaunchTemplateData & { readonly SubnetId?: string | undefined } {
  const hasInterfaces = (data.NetworkInterfaces ?? []).length > 0;
  // Where the template describes interfaces, the override's subnet is theirs.
  const interfaces = (data.NetworkInterfaces ?? []).map((one) => ({ ...one, SubnetId: SubnetId ?? one.SubnetId }));
  const joined = joinData(data, {
    InstanceType,
    ImageId,
    TagSpecifications: tags,
    Placement: { ...data.Placement, ...(AvailabilityZone === undefined ? {} : { AvailabilityZone }) },
    InstanceMarketOptions: { SpotOptions: { MaxPrice } },
  });
  return { ...joined, NetworkInterfaces: interfaces, ...(hasInterfaces ? {} : { SubnetId }) };
}
