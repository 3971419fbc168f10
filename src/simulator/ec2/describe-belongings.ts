/** Volumes and network interfaces: what is there, attached or left behind, and its end. */
import { formatInstant } from "../../domain/instant.ts";
import type {
  DeleteNetworkInterfaceRequest,
  DeleteVolumeRequest,
  DescribeNetworkInterfacesRequest,
  DescribeVolumesRequest,
  Ec2Answer,
} from "./api.ts";
import { type Asked, choose } from "./choose.ts";
import { demandGiven, Ec2Refusal, endDryRun } from "./errors.ts";
import type { Properties } from "./filters.ts";
import { pageAnswer } from "./paging.ts";
import type { Ec2State, NetworkInterface, Volume } from "./state.ts";
import { showTags } from "./tags.ts";

const VOLUME_PROPERTIES: Properties<Volume> = {
  "volume-id": ({ id }) => id,
  status: ({ attachedTo }) => (attachedTo === null ? "available" : "in-use"),
  "attachment.instance-id": ({ attachedTo }) => attachedTo ?? undefined,
};

export function describeVolumes(state: Ec2State, request: DescribeVolumesRequest): Ec2Answer {
  endDryRun(request);
  const asked: Asked = {
    ids: request.VolumeIds,
    filters: request.Filters,
    refusal: "InvalidVolume.NotFound",
    called: "volume",
  };
  const volumes = choose([...state.volumes.values()], ({ id }) => id, asked, VOLUME_PROPERTIES);
  const shown = volumes.map(({ id, zone, sizeGib, createdAtMs, attachedTo, deviceName, endsWithInstance, tags }) => ({
    VolumeId: id,
    AvailabilityZone: zone,
    Size: sizeGib,
    State: attachedTo === null ? "available" : "in-use",
    CreateTime: formatInstant(createdAtMs),
    Attachments:
      attachedTo === null
        ? []
        : [{ InstanceId: attachedTo, Device: deviceName, State: "attached", DeleteOnTermination: endsWithInstance }],
    Tags: showTags(tags),
  }));
  return pageAnswer("Volumes", shown, request);
}

const INTERFACE_PROPERTIES: Properties<NetworkInterface> = {
  "network-interface-id": ({ id }) => id,
  status: ({ attachedTo }) => (attachedTo === null ? "available" : "in-use"),
  "subnet-id": ({ subnetId }) => subnetId,
  "attachment.instance-id": ({ attachedTo }) => attachedTo ?? undefined,
};

export function describeNetworkInterfaces(state: Ec2State, request: DescribeNetworkInterfacesRequest): Ec2Answer {
  endDryRun(request);
  const asked: Asked = {
    ids: request.NetworkInterfaceIds,
    filters: request.Filters,
    refusal: "InvalidNetworkInterfaceID.NotFound",
    called: "networkInterface ID",
  };
  const interfaces = choose([...state.networkInterfaces.values()], ({ id }) => id, asked, INTERFACE_PROPERTIES);
  const shown = interfaces.map(({ id, zone, subnetId, privateIpAddress, attachedTo, endsWithInstance, tags }) => ({
    NetworkInterfaceId: id,
    AvailabilityZone: zone,
    SubnetId: subnetId,
    PrivateIpAddress: privateIpAddress,
    Status: attachedTo === null ? "available" : "in-use",
    Attachment: attachedTo === null ? undefined : { InstanceId: attachedTo, DeleteOnTermination: endsWithInstance },
    TagSet: showTags(tags),
  }));
  return pageAnswer("NetworkInterfaces", shown, request);
}

export function deleteVolume({ volumes }: Ec2State, request: DeleteVolumeRequest): Ec2Answer {
  const id = demandGiven(request.VolumeId, "VolumeId");
  const volume = volumes.get(id);
  if (volume === undefined) throw new Ec2Refusal("InvalidVolume.NotFound", `The volume '${id}' does not exist.`);
  if (volume.attachedTo !== null)
    throw new Ec2Refusal("VolumeInUse", `Volume ${id} is currently attached to ${volume.attachedTo}`);
  endDryRun(request);
  volumes.delete(id);
  return { Return: true };
}

export function deleteNetworkInterface(
  { networkInterfaces }: Ec2State,
  request: DeleteNetworkInterfaceRequest,
): Ec2Answer {
  const id = demandGiven(request.NetworkInterfaceId, "NetworkInterfaceId");
  const one = networkInterfaces.get(id);
  if (one === undefined)
    throw new Ec2Refusal("InvalidNetworkInterfaceID.NotFound", `The networkInterface ID '${id}' does not exist`);
  if (one.attachedTo !== null)
    throw new Ec2Refusal("InvalidNetworkInterface.InUse", `Network interface '${id}' is currently in use.`);
  endDryRun(request);
  networkInterfaces.delete(id);
  return { Return: true };
}
