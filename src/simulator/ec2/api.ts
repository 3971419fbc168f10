/**
 * What EC2's calls take and give, in the words of its API (version 2016-11-15): the parts of each shape that this model
 * knows.
 */

import type { AwsAnswer, Given } from "../aws/answer.ts";

export type Tag = Given<{ Key: string; Value: string }>;
export type TagSpecification = Given<{ ResourceType: string; Tags: readonly Tag[] }>;
export type Filter = Given<{ Name: string; Values: readonly string[] }>;
export type Placement = Given<{
  AvailabilityZone: string;
  HostId: string;
  HostResourceGroupArn: string;
  Tenancy: string;
}>;
export type MetadataOptions = Given<{
  HttpTokens: string;
  HttpEndpoint: string;
  HttpPutResponseHopLimit: number;
  InstanceMetadataTags: string;
}>;
export type InstanceMarketOptions = Given<{
  MarketType: string;
  SpotOptions: Given<{ MaxPrice: string; SpotInstanceType: string; InstanceInterruptionBehavior: string }>;
}>;
export type BlockDeviceMapping = Given<{
  DeviceName: string;
  Ebs: Given<{
    VolumeSize: number;
    VolumeType: string;
    Encrypted: boolean;
    DeleteOnTermination: boolean;
    Iops: number;
    Throughput: number;
    SnapshotId: string;
    KmsKeyId: string;
  }>;
}>;
export type NetworkInterfaceSpecification = Given<{
  DeviceIndex: number;
  SubnetId: string;
  Groups: readonly string[];
  AssociatePublicIpAddress: boolean;
  DeleteOnTermination: boolean;
}>;
export type IamInstanceProfile = Given<{ Arn: string; Name: string }>;

/** What a launch template holds, and what a call of RunInstances may say as well. */
export type LaunchTemplateData = Given<{
  ImageId: string;
  InstanceType: string;
  KeyName: string;
  SecurityGroupIds: readonly string[];
  UserData: string;
  IamInstanceProfile: IamInstanceProfile;
  InstanceInitiatedShutdownBehavior: string;
  InstanceMarketOptions: InstanceMarketOptions;
  MetadataOptions: MetadataOptions;
  Placement: Placement;
  BlockDeviceMappings: readonly BlockDeviceMapping[];
  NetworkInterfaces: readonly NetworkInterfaceSpecification[];
  TagSpecifications: readonly TagSpecification[];
  DisableApiTermination: boolean;
  DisableApiStop: boolean;
  EbsOptimized: boolean;
}>;

export type LaunchTemplateSpecification = Given<{
  LaunchTemplateId: string;
  LaunchTemplateName: string;
  Version: string;
}>;

type DryRunnable = Given<{ DryRun: boolean }>;
type Paged = Given<{ MaxResults: number; NextToken: string }>;
type Filtered = Given<{ Filters: readonly Filter[] }>;

export type RunInstancesRequest = LaunchTemplateData &
  DryRunnable &
  Given<{
    MinCount: number;
    MaxCount: number;
    ClientToken: string;
    SubnetId: string;
    LaunchTemplate: LaunchTemplateSpecification;
  }>;

export type FleetOverride = Given<{
  InstanceType: string;
  SubnetId: string;
  AvailabilityZone: string;
  Priority: number;
  MaxPrice: string;
  ImageId: string;
}>;
export type FleetLaunchTemplateConfig = Given<{
  LaunchTemplateSpecification: LaunchTemplateSpecification;
  Overrides: readonly FleetOverride[];
}>;
export type TargetCapacity = Given<{
  TotalTargetCapacity: number;
  OnDemandTargetCapacity: number;
  SpotTargetCapacity: number;
  DefaultTargetCapacityType: string;
}>;
export type MarketOptions = Given<{ AllocationStrategy: string; MinTargetCapacity: number }>;
export type CreateFleetRequest = DryRunnable &
  Given<{
    Type: string;
    ClientToken: string;
    LaunchTemplateConfigs: readonly FleetLaunchTemplateConfig[];
    TargetCapacitySpecification: TargetCapacity;
    SpotOptions: MarketOptions;
    OnDemandOptions: MarketOptions;
    TagSpecifications: readonly TagSpecification[];
  }>;

export type InstancesRequest = DryRunnable & Given<{ InstanceIds: readonly string[] }>;
export type StopInstancesRequest = InstancesRequest & Given<{ Hibernate: boolean; Force: boolean }>;
export type DescribeInstancesRequest = InstancesRequest & Filtered & Paged;
export type DescribeInstanceStatusRequest = DescribeInstancesRequest & Given<{ IncludeAllInstances: boolean }>;
export type GetConsoleOutputRequest = DryRunnable & Given<{ InstanceId: string; Latest: boolean }>;
export type ModifyInstanceAttributeRequest = DryRunnable &
  Given<{
    InstanceId: string;
    DisableApiTermination: Given<{ Value: boolean }>;
    DisableApiStop: Given<{ Value: boolean }>;
  }>;
export type DescribeInstanceAttributeRequest = DryRunnable & Given<{ InstanceId: string; Attribute: string }>;
export type TagsRequest = DryRunnable & Given<{ Resources: readonly string[]; Tags: readonly Tag[] }>;

type NamesTemplate = Given<{ LaunchTemplateId: string; LaunchTemplateName: string }>;
export type CreateLaunchTemplateRequest = DryRunnable &
  Given<{
    LaunchTemplateName: string;
    ClientToken: string;
    VersionDescription: string;
    LaunchTemplateData: LaunchTemplateData;
    TagSpecifications: readonly TagSpecification[];
  }>;
export type CreateLaunchTemplateVersionRequest = DryRunnable &
  NamesTemplate &
  Given<{
    ClientToken: string;
    SourceVersion: string;
    VersionDescription: string;
    LaunchTemplateData: LaunchTemplateData;
  }>;
export type ModifyLaunchTemplateRequest = DryRunnable &
  NamesTemplate &
  Given<{ ClientToken: string; DefaultVersion: string }>;
export type DeleteLaunchTemplateRequest = DryRunnable & NamesTemplate;
export type DeleteLaunchTemplateVersionsRequest = DryRunnable & NamesTemplate & Given<{ Versions: readonly string[] }>;
export type DescribeLaunchTemplatesRequest = DryRunnable &
  Filtered &
  Paged &
  Given<{ LaunchTemplateIds: readonly string[]; LaunchTemplateNames: readonly string[] }>;
export type DescribeLaunchTemplateVersionsRequest = DryRunnable &
  NamesTemplate &
  Filtered &
  Paged &
  Given<{ Versions: readonly string[] }>;

export type DescribeInstanceTypesRequest = DryRunnable & Filtered & Paged & Given<{ InstanceTypes: readonly string[] }>;
export type DescribeInstanceTypeOfferingsRequest = DryRunnable & Filtered & Paged & Given<{ LocationType: string }>;
export type DescribeSubnetsRequest = DryRunnable & Filtered & Paged & Given<{ SubnetIds: readonly string[] }>;
export type DescribeSecurityGroupsRequest = DryRunnable & Filtered & Paged & Given<{ GroupIds: readonly string[] }>;
export type DescribeImagesRequest = DryRunnable &
  Filtered &
  Paged &
  Given<{ ImageIds: readonly string[]; Owners: readonly string[] }>;
export type DescribeVolumesRequest = DryRunnable & Filtered & Paged & Given<{ VolumeIds: readonly string[] }>;
export type DescribeNetworkInterfacesRequest = DryRunnable &
  Filtered &
  Paged &
  Given<{ NetworkInterfaceIds: readonly string[] }>;
export type DeleteVolumeRequest = DryRunnable & Given<{ VolumeId: string }>;
export type DeleteNetworkInterfaceRequest = DryRunnable & Given<{ NetworkInterfaceId: string }>;

/** Every call that the model answers, with what it takes. */
export interface Ec2Requests {
  readonly RunInstances: RunInstancesRequest;
  readonly CreateFleet: CreateFleetRequest;
  readonly DescribeInstances: DescribeInstancesRequest;
  readonly DescribeInstanceStatus: DescribeInstanceStatusRequest;
  readonly TerminateInstances: InstancesRequest;
  readonly StopInstances: StopInstancesRequest;
  readonly StartInstances: InstancesRequest;
  readonly GetConsoleOutput: GetConsoleOutputRequest;
  readonly ModifyInstanceAttribute: ModifyInstanceAttributeRequest;
  readonly DescribeInstanceAttribute: DescribeInstanceAttributeRequest;
  readonly CreateTags: TagsRequest;
  readonly DeleteTags: TagsRequest;
  readonly CreateLaunchTemplate: CreateLaunchTemplateRequest;
  readonly CreateLaunchTemplateVersion: CreateLaunchTemplateVersionRequest;
  readonly ModifyLaunchTemplate: ModifyLaunchTemplateRequest;
  readonly DeleteLaunchTemplate: DeleteLaunchTemplateRequest;
  readonly DeleteLaunchTemplateVersions: DeleteLaunchTemplateVersionsRequest;
  readonly DescribeLaunchTemplates: DescribeLaunchTemplatesRequest;
  readonly DescribeLaunchTemplateVersions: DescribeLaunchTemplateVersionsRequest;
  readonly DescribeInstanceTypes: DescribeInstanceTypesRequest;
  readonly DescribeInstanceTypeOfferings: DescribeInstanceTypeOfferingsRequest;
  readonly DescribeSubnets: DescribeSubnetsRequest;
  readonly DescribeSecurityGroups: DescribeSecurityGroupsRequest;
  readonly DescribeImages: DescribeImagesRequest;
  readonly DescribeVolumes: DescribeVolumesRequest;
  readonly DescribeNetworkInterfaces: DescribeNetworkInterfacesRequest;
  readonly DeleteVolume: DeleteVolumeRequest;
  readonly DeleteNetworkInterface: DeleteNetworkInterfaceRequest;
}

export type Ec2Action = keyof Ec2Requests;

export type Ec2Answer = AwsAnswer;
