/** What the region has: types, subnets, security groups, images. */
import type {
  DescribeImagesRequest,
  DescribeInstanceTypeOfferingsRequest,
  DescribeInstanceTypesRequest,
  DescribeSecurityGroupsRequest,
  DescribeSubnetsRequest,
  Ec2Answer,
} from "./api.ts";
import { freeAddressCount } from "./belongings.ts";
import { type Asked, choose } from "./choose.ts";
import { endDryRun } from "./errors.ts";
import { matchFilters } from "./filters.ts";
import { findImage } from "./launch-settings.ts";
import type { InstanceTypeOption, SecurityGroupOption, SubnetOption } from "./options.ts";
import { pageAnswer } from "./paging.ts";
import { isOffered } from "./room.ts";
import type { Ec2State } from "./state.ts";
import { showTags } from "./tags.ts";

export function describeInstanceTypes({ options }: Ec2State, request: DescribeInstanceTypesRequest): Ec2Answer {
  endDryRun(request);
  const asked: Asked = {
    ids: request.InstanceTypes,
    filters: request.Filters,
    refusal: "InvalidInstanceType",
    called: "instance type",
  };
  const types = choose<InstanceTypeOption & { readonly tags?: never }>(
    options.instanceTypes,
    ({ name }) => name,
    asked,
    {
      "instance-type": ({ name }) => name,
      "processor-info.supported-architecture": ({ architecture }) => architecture,
    },
  );
  const shown = types.map(({ name, vcpuCount, memoryMib, architecture }) => ({
    InstanceType: name,
    CurrentGeneration: true,
    SupportedUsageClasses: ["on-demand", "spot"],
    ProcessorInfo: { SupportedArchitectures: [architecture] },
    VCpuInfo: { DefaultVCpus: vcpuCount },
    MemoryInfo: { SizeInMiB: memoryMib },
  }));
  return pageAnswer("InstanceTypes", shown, request);
}

export function describeInstanceTypeOfferings(
  { options }: Ec2State,
  request: DescribeInstanceTypeOfferingsRequest,
): Ec2Answer {
  endDryRun(request);
  const LocationType = request.LocationType ?? "region";
  const locations = LocationType === "region" ? [options.region] : options.zones;
  const offers = options.instanceTypes.flatMap((type) =>
    locations
      .filter((location) => LocationType === "region" || isOffered(type, location))
      .map((location) => ({ type: type.name, location })),
  );
  const isMatching = matchFilters<{ type: string; location: string; tags?: never }>(request.Filters, {
    "instance-type": ({ type }) => type,
    location: ({ location }) => location,
  });
  const shown = offers
    .filter(isMatching)
    .map(({ type, location }) => ({ InstanceType: type, LocationType, Location: location }));
  return pageAnswer("InstanceTypeOfferings", shown, request);
}

export function describeSubnets(state: Ec2State, request: DescribeSubnetsRequest): Ec2Answer {
  endDryRun(request);
  const asked: Asked = {
    ids: request.SubnetIds,
    filters: request.Filters,
    refusal: "InvalidSubnetID.NotFound",
    called: "subnet ID",
  };
  const subnets = choose<SubnetOption & { readonly tags?: never }>(state.options.subnets, ({ id }) => id, asked, {
    "subnet-id": ({ id }) => id,
    "vpc-id": ({ vpcId }) => vpcId,
    "availability-zone": ({ zone }) => zone,
  });
  const shown = subnets.map(({ id, zone, vpcId }) => ({
    SubnetId: id,
    State: "available",
    VpcId: vpcId,
    AvailabilityZone: zone,
    AvailableIpAddressCount: freeAddressCount(state, id),
    MapPublicIpOnLaunch: false,
    Tags: [],
  }));
  return pageAnswer("Subnets", shown, request);
}

export function describeSecurityGroups({ options }: Ec2State, request: DescribeSecurityGroupsRequest): Ec2Answer {
  endDryRun(request);
  const asked: Asked = {
    ids: request.GroupIds,
    filters: request.Filters,
    refusal: "InvalidGroup.NotFound",
    called: "security group",
  };
  const groups = choose<SecurityGroupOption & { readonly tags?: never }>(
    options.securityGroups,
    ({ id }) => id,
    asked,
    {
      "group-id": ({ id }) => id,
      "group-name": ({ name }) => name,
      "vpc-id": ({ vpcId }) => vpcId,
    },
  );
  const shown = groups.map(({ id, name, vpcId }) => ({
    GroupId: id,
    GroupName: name,
    Description: name,
    VpcId: vpcId,
    OwnerId: options.accountId,
    Tags: [],
  }));
  return pageAnswer("SecurityGroups", shown, request);
}

export function describeImages(state: Ec2State, request: DescribeImagesRequest): Ec2Answer {
  endDryRun(request);
  const ids = request.ImageIds ?? [];
  const asked = ids.length > 0 ? ids.map((id) => findImage(state, id)) : state.options.images;
  const all = asked
    .filter((image) => image.state !== "deregistered")
    .map((image) => ({ ...image, tags: new Map(Object.entries(image.tags ?? {})) }));
  const isMatching = matchFilters<(typeof all)[number]>(request.Filters, {
    "image-id": ({ id }) => id,
    name: ({ name }) => name,
    architecture: ({ architecture }) => architecture,
    state: ({ state: said }) => said,
  });
  const shown = all.filter(isMatching).map(({ id, name, architecture, state: said, rootDeviceName, tags }) => ({
    ImageId: id,
    Name: name,
    State: said,
    OwnerId: state.options.accountId,
    Architecture: architecture,
    RootDeviceName: rootDeviceName,
    RootDeviceType: "ebs",
    Tags: showTags(tags),
  }));
  return pageAnswer("Images", shown, request);
}
