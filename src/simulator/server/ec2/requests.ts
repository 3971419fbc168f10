/** What each call takes on the wire, member by member of its shape: lists by the names that EC2 gives their entries. */
import type {
  BlockDeviceMapping,
  Ec2Action,
  Ec2Requests,
  Filter,
  FleetLaunchTemplateConfig,
  FleetOverride,
  IamInstanceProfile,
  InstanceMarketOptions,
  LaunchTemplateData,
  LaunchTemplateSpecification,
  MarketOptions,
  MetadataOptions,
  NetworkInterfaceSpecification,
  Placement,
  Tag,
  TagSpecification,
  TargetCapacity,
} from "../../ec2/api.ts";
import {
  decimal,
  type Field,
  flag,
  list,
  type Members,
  type MembersOf,
  renamed,
  struct,
  text,
  whole,
} from "../aws/query-fields.ts";

type Inner<Shape> = NonNullable<Shape>;

const tags = list("Tag", struct<Tag>({ Key: text, Value: text }));
const tagSpecifications = list("TagSpecification", struct<TagSpecification>({ ResourceType: text, Tags: tags }));
const filters = list("Filter", struct<Filter>({ Name: text, Values: list("Value", text) }));
const texts = (wire: string): Field => list(wire, text);
const dryRun = { DryRun: flag };
const paged = { MaxResults: whole, NextToken: text };
const listing = { ...dryRun, ...paged, Filters: filters };
const templateNames = { LaunchTemplateId: text, LaunchTemplateName: text };
const templateSpecification = struct<LaunchTemplateSpecification>({ ...templateNames, Version: text });
const flagValue = struct<{ Value: boolean }>({ Value: flag });

const launchTemplateData: MembersOf<LaunchTemplateData> = {
  ImageId: text,
  InstanceType: text,
  KeyName: text,
  SecurityGroupIds: texts("SecurityGroupId"),
  UserData: text,
  IamInstanceProfile: struct<IamInstanceProfile>({ Arn: text, Name: text }),
  InstanceInitiatedShutdownBehavior: text,
  InstanceMarketOptions: struct<InstanceMarketOptions>({
    MarketType: text,
    SpotOptions: struct<Inner<InstanceMarketOptions["SpotOptions"]>>({
      MaxPrice: text,
      SpotInstanceType: text,
      InstanceInterruptionBehavior: text,
    }),
  }),
  MetadataOptions: struct<MetadataOptions>({
    HttpTokens: text,
    HttpEndpoint: text,
    HttpPutResponseHopLimit: whole,
    InstanceMetadataTags: text,
  }),
  Placement: struct<Placement>({ AvailabilityZone: text, HostId: text, HostResourceGroupArn: text, Tenancy: text }),
  BlockDeviceMappings: list(
    "BlockDeviceMapping",
    struct<BlockDeviceMapping>({
      DeviceName: text,
      Ebs: struct<Inner<BlockDeviceMapping["Ebs"]>>({
        VolumeSize: whole,
        VolumeType: text,
        Encrypted: flag,
        DeleteOnTermination: flag,
        Iops: whole,
        Throughput: whole,
        SnapshotId: text,
        KmsKeyId: text,
      }),
    }),
  ),
  NetworkInterfaces: list(
    "NetworkInterface",
    struct<NetworkInterfaceSpecification>({
      DeviceIndex: whole,
      SubnetId: text,
      Groups: texts("SecurityGroupId"),
      AssociatePublicIpAddress: flag,
      DeleteOnTermination: flag,
    }),
  ),
  TagSpecifications: tagSpecifications,
  DisableApiTermination: flag,
  DisableApiStop: flag,
  EbsOptimized: flag,
};

const override: MembersOf<FleetOverride> = {
  InstanceType: text,
  SubnetId: text,
  AvailabilityZone: text,
  Priority: decimal,
  MaxPrice: text,
  ImageId: text,
};
const marketOptions = struct<MarketOptions>({ AllocationStrategy: text, MinTargetCapacity: whole });
const instanceIds = texts("InstanceId");

type Requests = { readonly [Action in Ec2Action]: MembersOf<Ec2Requests[Action]> };

const REQUESTS: Requests = {
  RunInstances: {
    ...launchTemplateData,
    ...dryRun,
    MinCount: whole,
    MaxCount: whole,
    ClientToken: text,
    SubnetId: text,
    LaunchTemplate: templateSpecification,
  },
  CreateFleet: {
    ...dryRun,
    Type: text,
    ClientToken: text,
    LaunchTemplateConfigs: list(
      "LaunchTemplateConfigs",
      struct<FleetLaunchTemplateConfig>({
        LaunchTemplateSpecification: templateSpecification,
        Overrides: list("Overrides", struct<FleetOverride>(override)),
      }),
    ),
    TargetCapacitySpecification: struct<TargetCapacity>({
      TotalTargetCapacity: whole,
      OnDemandTargetCapacity: whole,
      SpotTargetCapacity: whole,
      DefaultTargetCapacityType: text,
    }),
    SpotOptions: marketOptions,
    OnDemandOptions: marketOptions,
    TagSpecifications: tagSpecifications,
  },
  DescribeInstances: { ...listing, InstanceIds: instanceIds },
  DescribeInstanceStatus: { ...listing, InstanceIds: instanceIds, IncludeAllInstances: flag },
  TerminateInstances: { ...dryRun, InstanceIds: instanceIds },
  StopInstances: { ...dryRun, InstanceIds: instanceIds, Hibernate: flag, Force: flag },
  StartInstances: { ...dryRun, InstanceIds: instanceIds },
  GetConsoleOutput: { ...dryRun, InstanceId: text, Latest: flag },
  ModifyInstanceAttribute: { ...dryRun, InstanceId: text, DisableApiTermination: flagValue, DisableApiStop: flagValue },
  DescribeInstanceAttribute: { ...dryRun, InstanceId: text, Attribute: text },
  CreateTags: { ...dryRun, Resources: texts("ResourceId"), Tags: tags },
  DeleteTags: { ...dryRun, Resources: texts("ResourceId"), Tags: tags },
  CreateLaunchTemplate: {
    ...dryRun,
    LaunchTemplateName: text,
    ClientToken: text,
    VersionDescription: text,
    LaunchTemplateData: struct<LaunchTemplateData>(launchTemplateData),
    TagSpecifications: tagSpecifications,
  },
  CreateLaunchTemplateVersion: {
    ...dryRun,
    ...templateNames,
    ClientToken: text,
    SourceVersion: text,
    VersionDescription: text,
    LaunchTemplateData: struct<LaunchTemplateData>(launchTemplateData),
  },
  ModifyLaunchTemplate: {
    ...dryRun,
    ...templateNames,
    ClientToken: text,
    DefaultVersion: renamed("SetDefaultVersion", text),
  },
  DeleteLaunchTemplate: { ...dryRun, ...templateNames },
  DeleteLaunchTemplateVersions: { ...dryRun, ...templateNames, Versions: texts("LaunchTemplateVersion") },
  DescribeLaunchTemplates: {
    ...listing,
    LaunchTemplateIds: texts("LaunchTemplateId"),
    LaunchTemplateNames: texts("LaunchTemplateName"),
  },
  DescribeLaunchTemplateVersions: { ...listing, ...templateNames, Versions: texts("LaunchTemplateVersion") },
  DescribeInstanceTypes: { ...listing, InstanceTypes: texts("InstanceType") },
  DescribeInstanceTypeOfferings: { ...listing, LocationType: text },
  DescribeSubnets: { ...listing, SubnetIds: texts("SubnetId") },
  DescribeSecurityGroups: { ...listing, GroupIds: texts("GroupId") },
  DescribeImages: { ...listing, ImageIds: texts("ImageId"), Owners: texts("Owner") },
  DescribeVolumes: { ...listing, VolumeIds: texts("VolumeId") },
  DescribeNetworkInterfaces: { ...listing, NetworkInterfaceIds: texts("NetworkInterfaceId") },
  DeleteVolume: { ...dryRun, VolumeId: text },
  DeleteNetworkInterface: { ...dryRun, NetworkInterfaceId: text },
};

export function membersOf(action: Ec2Action): Members {
  return REQUESTS[action] as Members;
}
