/** An instance as EC2 shows it. */

import { formatInstant } from "../../domain/instant.ts";
import type { Ec2Answer } from "./api.ts";
import { findType } from "./room.ts";
import type { Ec2State, Instance, InstancePhase, PhaseKind } from "./state.ts";
import { showTags } from "./tags.ts";

const CODES: Readonly<Record<PhaseKind, number>> = {
  pending: 0,
  running: 16,
  "shutting-down": 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

export function showState({ kind }: InstancePhase): Ec2Answer {
  return { Code: CODES[kind], Name: kind };
}

/** What a listing says: for a while the state before. */
export function shownPhase({ phase, lagging }: Instance, nowMs: number): InstancePhase {
  return lagging !== null && nowMs < lagging.untilMs ? lagging.phase : phase;
}

function showInstance(state: Ec2State, instance: Instance, phase: InstancePhase): Ec2Answer {
  const { settings, stateReason, market, hostId } = instance;
  const isGone = phase.kind === "terminated";
  const subnet = state.options.subnets.find(({ id }) => id === instance.subnetId);
  return {
    InstanceId: instance.id,
    ImageId: settings.imageId,
    State: showState(phase),
    PrivateDnsName: isGone
      ? ""
      : `ip-${instance.privateIpAddress.replaceAll(".", "-")}.${state.options.region}.compute.internal`,
    StateTransitionReason: instance.transitionReason,
    KeyName: settings.keyName ?? undefined,
    AmiLaunchIndex: instance.launchIndex,
    InstanceType: instance.type,
    LaunchTime: formatInstant(instance.launchedAtMs),
    Placement: {
      AvailabilityZone: instance.zone,
      HostId: hostId ?? undefined,
      Tenancy: hostId === null ? "default" : "host",
    },
    SubnetId: isGone ? undefined : instance.subnetId,
    VpcId: isGone ? undefined : subnet?.vpcId,
    PrivateIpAddress: isGone ? undefined : instance.privateIpAddress,
    StateReason: stateReason === null ? undefined : { Code: stateReason.code, Message: stateReason.message },
    Architecture: findType(state.options, instance.type)?.architecture,
    ClientToken: instance.clientToken ?? "",
    InstanceLifecycle: market === "spot" ? "spot" : undefined,
    SpotInstanceRequestId: instance.spotRequestId ?? undefined,
    IamInstanceProfile: settings.profile === null ? undefined : { Arn: settings.profile },
    SecurityGroups: isGone ? [] : settings.securityGroupIds.map((GroupId) => ({ GroupId })),
    MetadataOptions: {
      State: phase.kind === "pending" ? "pending" : "applied",
      HttpTokens: settings.isTokenRequired ? "required" : "optional",
      HttpPutResponseHopLimit: settings.hopLimit,
      HttpEndpoint: "enabled",
      InstanceMetadataTags: settings.hasTagsInMetadata ? "enabled" : "disabled",
    },
    BlockDeviceMappings: isGone ? [] : showVolumes(state, instance),
    NetworkInterfaces: isGone ? [] : showInterfaces(state, instance),
    Tags: showTags(instance.tags),
  };
}

function showVolumes({ volumes }: Ec2State, { belongingIds }: Instance): Ec2Answer[] {
  return belongingIds.flatMap((id) => {
    const volume = volumes.get(id);
    if (volume === undefined) return [];
    const { deviceName, endsWithInstance } = volume;
    return [
      { DeviceName: deviceName, Ebs: { VolumeId: id, DeleteOnTermination: endsWithInstance, Status: "attached" } },
    ];
  });
}

function showInterfaces({ networkInterfaces }: Ec2State, { belongingIds }: Instance): Ec2Answer[] {
  return belongingIds.flatMap((id) => {
    const one = networkInterfaces.get(id);
    if (one === undefined) return [];
    return [
      {
        NetworkInterfaceId: id,
        SubnetId: one.subnetId,
        PrivateIpAddress: one.privateIpAddress,
        Attachment: { DeleteOnTermination: one.endsWithInstance },
      },
    ];
  });
}

/** Grouped as they were started, in the order given. */
export function showReservations(
  state: Ec2State,
  instances: readonly Instance[],
  phaseOf: (instance: Instance) => InstancePhase,
): Ec2Answer[] {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const group = groups.get(instance.reservationId);
    if (group === undefined) groups.set(instance.reservationId, [instance]);
    else group.push(instance);
  }
  return [...groups].map(([ReservationId, members]) => ({
    ReservationId,
    OwnerId: state.options.accountId,
    Groups: [],
    Instances: members.map((instance) => showInstance(state, instance, phaseOf(instance))),
  }));
}
