/**
 * What each answer's members are called on the wire, where that is not their name with a small first letter. The entries of
 * a list are called `item`, but where a name says otherwise.
 */
import type { Ec2Action } from "../../ec2/api.ts";
import type { WireNames } from "../aws/xml.ts";

const tags: WireNames = { Tags: { wire: "tagSet" } };

const instance: WireNames = {
  ...tags,
  State: { wire: "instanceState" },
  StateTransitionReason: { wire: "reason" },
  SecurityGroups: { wire: "groupSet" },
  BlockDeviceMappings: { wire: "blockDeviceMapping" },
  NetworkInterfaces: { wire: "networkInterfaceSet" },
};

const reservation: WireNames = { Groups: { wire: "groupSet" }, Instances: { wire: "instancesSet", in: instance } };

const templateData: WireNames = {
  SecurityGroupIds: { wire: "securityGroupIdSet" },
  BlockDeviceMappings: { wire: "blockDeviceMappingSet" },
  NetworkInterfaces: { wire: "networkInterfaceSet", in: { Groups: { wire: "groupSet", entry: "groupId" } } },
  TagSpecifications: { wire: "tagSpecificationSet", in: tags },
};
const template: WireNames = { LaunchTemplate: { in: tags } };
const version: WireNames = { LaunchTemplateData: { in: templateData } };

const ANSWERS: { readonly [Action in Ec2Action]?: WireNames } = {
  RunInstances: reservation,
  CreateFleet: { Errors: { wire: "errorSet" }, Instances: { wire: "fleetInstanceSet" } },
  DescribeInstances: { Reservations: { wire: "reservationSet", in: reservation } },
  DescribeInstanceStatus: { InstanceStatuses: { wire: "instanceStatusSet", in: { Events: { wire: "eventsSet" } } } },
  TerminateInstances: { TerminatingInstances: { wire: "instancesSet" } },
  StopInstances: { StoppingInstances: { wire: "instancesSet" } },
  StartInstances: { StartingInstances: { wire: "instancesSet" } },
  CreateLaunchTemplate: template,
  ModifyLaunchTemplate: template,
  DeleteLaunchTemplate: template,
  CreateLaunchTemplateVersion: { LaunchTemplateVersion: { in: version } },
  DeleteLaunchTemplateVersions: {
    SuccessfullyDeletedLaunchTemplateVersions: { wire: "successfullyDeletedLaunchTemplateVersionSet" },
    UnsuccessfullyDeletedLaunchTemplateVersions: { wire: "unsuccessfullyDeletedLaunchTemplateVersionSet" },
  },
  DescribeLaunchTemplates: { LaunchTemplates: { in: tags } },
  DescribeLaunchTemplateVersions: { LaunchTemplateVersions: { wire: "launchTemplateVersionSet", in: version } },
  DescribeInstanceTypes: { InstanceTypes: { wire: "instanceTypeSet" } },
  DescribeInstanceTypeOfferings: { InstanceTypeOfferings: { wire: "instanceTypeOfferingSet" } },
  DescribeSubnets: { Subnets: { wire: "subnetSet", in: tags } },
  DescribeSecurityGroups: {
    SecurityGroups: { wire: "securityGroupInfo", in: { ...tags, Description: { wire: "groupDescription" } } },
  },
  DescribeImages: {
    Images: { wire: "imagesSet", in: { ...tags, State: { wire: "imageState" }, OwnerId: { wire: "imageOwnerId" } } },
  },
  DescribeVolumes: {
    Volumes: {
      wire: "volumeSet",
      in: {
        ...tags,
        State: { wire: "status" },
        Attachments: { wire: "attachmentSet", in: { State: { wire: "status" } } },
      },
    },
  },
  DescribeNetworkInterfaces: { NetworkInterfaces: { wire: "networkInterfaceSet" } },
};

export function wireNamesOf(action: Ec2Action): WireNames {
  return ANSWERS[action] ?? {};
}
