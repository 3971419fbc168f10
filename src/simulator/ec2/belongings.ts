/** What belongs to an instance: its volumes and network interfaces. Some end with it, as its launch says; some stay behind. */
import type { BlockDeviceMapping, NetworkInterfaceSpecification } from "./api.ts";
import { newId } from "./ids.ts";
import type { Ec2State, Instance } from "./state.ts";

const ROOT_SIZE_GIB = 8;

export interface Belongings {
  readonly blockDevices: readonly BlockDeviceMapping[];
  readonly interfaces: readonly NetworkInterfaceSpecification[];
  readonly volumeTags: ReadonlyMap<string, string>;
  readonly interfaceTags: ReadonlyMap<string, string>;
}

/** One volume for the root and one for each further device; one interface, or as many as are told. */
export function giveBelongings(state: Ec2State, instance: Instance, given: Belongings, nowMs: number): void {
  const image = state.options.images.find(({ id }) => id === instance.settings.imageId);
  const root = { DeviceName: image?.rootDeviceName ?? "/dev/xvda" };
  const isRootGiven = given.blockDevices.some(({ DeviceName }) => DeviceName === root.DeviceName);
  for (const { DeviceName, Ebs } of isRootGiven
    ? given.blockDevices
    : [root as BlockDeviceMapping, ...given.blockDevices]) {
    const id = newId(state, "vol");
    state.volumes.set(id, {
      id,
      zone: instance.zone,
      sizeGib: Ebs?.VolumeSize ?? ROOT_SIZE_GIB,
      deviceName: DeviceName ?? root.DeviceName,
      // Of a device that a launch adds, EC2 keeps the volume unless it is told otherwise; of the root it does not.
      endsWithInstance: Ebs?.DeleteOnTermination ?? DeviceName === root.DeviceName,
      tags: new Map(given.volumeTags),
      createdAtMs: nowMs,
      attachedTo: instance.id,
    });
    instance.belongingIds.push(id);
  }
  const interfaces = given.interfaces.length === 0 ? [{} as NetworkInterfaceSpecification] : given.interfaces;
  for (const { Groups, DeleteOnTermination } of interfaces) {
    const id = newId(state, "eni");
    state.networkInterfaces.set(id, {
      id,
      subnetId: instance.subnetId,
      zone: instance.zone,
      securityGroupIds: Groups ?? instance.settings.securityGroupIds,
      privateIpAddress: instance.privateIpAddress,
      endsWithInstance: DeleteOnTermination ?? true,
      tags: new Map(given.interfaceTags),
      attachedTo: instance.id,
    });
    instance.belongingIds.push(id);
  }
}

/** The instance is terminated. */
export function releaseBelongings(state: Ec2State, { belongingIds }: Instance): void {
  for (const kept of [state.volumes, state.networkInterfaces])
    for (const id of belongingIds) {
      const belonging = kept.get(id);
      if (belonging?.endsWithInstance === true) kept.delete(id);
      else if (belonging !== undefined) belonging.attachedTo = null;
    }
}

/** Addresses of a subnet that are free. */
export function freeAddressCount(state: Ec2State, subnetId: string): number {
  const subnet = state.options.subnets.find(({ id }) => id === subnetId);
  let taken = 0;
  for (const one of state.networkInterfaces.values()) if (one.subnetId === subnetId) taken += 1;
  return (subnet?.addressCount ?? 0) - taken;
}
