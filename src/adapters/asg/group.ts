/**
 * Reads a group and its members. The group's list and EC2's agree only in the end, so neither is a proof against the
 * other; an id that is missing from an answer is not yet visible, detached, or gone.
 */
import {
  type AutoScalingGroup,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeWarmPoolCommand,
  type Instance,
} from "@aws-sdk/client-auto-scaling";
import { ProviderError } from "../../domain/errors.ts";
import { type Owner, TAG } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import { toGroupError } from "./errors.ts";
import { isCounted } from "./lifecycle.ts";

export interface Member {
  readonly id: string;
  /** As the API names it. */
  readonly lifecycle: string;
  /** From scale-in. */
  readonly isProtected: boolean;
}

export interface GroupReading {
  readonly minCount: number;
  readonly maxCount: number;
  readonly desiredCount: number;
  /** In the group, and not in its reserve. */
  readonly members: readonly Member[];
  readonly hasReserve: boolean;
  /** Whether its sizes are numbers of instances, and of nothing else. */
  readonly countsInstances: boolean;
  /** Whether it keeps those running whose end it has waited for too long. */
  readonly isRetaining: boolean;
  /** Whose tag it carries; null where it carries none. */
  readonly controllerId: string | null;
}

/** By the API's reference. */
const RESERVE_PAGE_SIZE = 50;
/** More instances than any pool may have. */
const RESERVE_PAGES_MAX = 200;
export const MEMBERS_AT_ONCE_MAX = 50;

/** @returns null where there is no such group. */
export async function describeGroup({ groups }: AsgClients, name: string): Promise<AutoScalingGroup | null> {
  try {
    const answer = await groups.read.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
    return answer.AutoScalingGroups?.find(({ AutoScalingGroupName }) => AutoScalingGroupName === name) ?? null;
  } catch (error) {
    throw toGroupError(error, `reading group ${name}`);
  }
}

/** @throws {ProviderError} `provider-unavailable` */
export async function readGroup(clients: AsgClients, name: string): Promise<GroupReading | null> {
  const group = await describeGroup(clients, name);
  if (group === null) return null;
  const { Instances: instances = [] } = group;
  return {
    minCount: group.MinSize ?? 0,
    maxCount: group.MaxSize ?? 0,
    desiredCount: group.DesiredCapacity ?? 0,
    members: membersOf(instances),
    hasReserve: group.WarmPoolConfiguration !== undefined,
    countsInstances: countsInstances(group),
    isRetaining: isRetaining(group),
    controllerId: controllerOf(group),
  };
}

export function controllerOf({ Tags: tags }: AutoScalingGroup): string | null {
  return tags?.find(({ Key }) => Key === TAG.controller)?.Value ?? null;
}

/** Whom it starts is another controller's: nothing is asked of it, and nobody in it is ours without our marks. */
export function isAnothersGroup(group: GroupReading | null, { controllerId }: Owner): boolean {
  return group !== null && group.controllerId !== null && group.controllerId !== controllerId;
}

/** Of what is abandoned; a hook whose default result is CONTINUE abandons nothing ("Control instance retention", user guide). */
export function isRetaining({ InstanceLifecyclePolicy: policy }: AutoScalingGroup): boolean {
  return policy?.RetentionTriggers?.TerminateHookAbandon === "retain";
}

/** A group may count in units of its own: by weights, or by processors or memory ("Attribute-based instance type selection"). */
export function countsInstances({ DesiredCapacityType: type, Instances: instances = [] }: AutoScalingGroup): boolean {
  const isWeighed = instances.some(({ WeightedCapacity: weight }) => weight !== undefined && weight !== "1");
  return (type === undefined || type === "units") && !isWeighed;
}

/** How many members the group counts towards its desired capacity. */
export function countedOf({ members }: Pick<GroupReading, "members">): number {
  return members.filter(({ lifecycle }) => isCounted(lifecycle)).length;
}

/** The warm pool, to its last page: the group's own list does not show it. */
export async function readReserve({ groups }: AsgClients, name: string): Promise<readonly Member[]> {
  const found: Member[] = [];
  let next: string | undefined;
  for (let page = 0; page < RESERVE_PAGES_MAX; page += 1) {
    try {
      const input = { AutoScalingGroupName: name, MaxRecords: RESERVE_PAGE_SIZE, NextToken: next };
      const answer = await groups.read.send(new DescribeWarmPoolCommand(input));
      found.push(...membersOf(answer.Instances));
      next = answer.NextToken;
    } catch (error) {
      throw toGroupError(error, `reading the warm pool of group ${name}, page ${page + 1}`);
    }
    if (next === undefined) return found;
  }
  const attempted = `reading the warm pool of group ${name}: more than ${RESERVE_PAGES_MAX} pages`;
  throw new ProviderError("provider-unavailable", attempted);
}

/** The group and its reserve, by Auto Scaling alone. */
export async function readAllMembers(
  clients: AsgClients,
  name: string,
): Promise<{ readonly group: GroupReading | null; readonly members: readonly Member[] }> {
  const group = await readGroup(clients, name);
  const reserve = group?.hasReserve === true ? await readReserve(clients, name) : [];
  const own = group?.members ?? [];
  // What is drawn between the two readings is in both: the later one says less of it.
  const drawn = new Set(own.map(({ id }) => id));
  return { group, members: [...own, ...reserve.filter(({ id }) => !drawn.has(id))] };
}

/** The group that a member is in now, which may be another than it was. */
export interface PlacedMember extends Member {
  readonly group: string;
}

/** By ids: what no group knows is not in the answer. */
export async function readMembers(
  { groups }: AsgClients,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PlacedMember>> {
  const found = new Map<string, PlacedMember>();
  for (let first = 0; first < ids.length; first += MEMBERS_AT_ONCE_MAX) {
    const InstanceIds = ids.slice(first, first + MEMBERS_AT_ONCE_MAX);
    try {
      const answer = await groups.read.send(
        new DescribeAutoScalingInstancesCommand({ InstanceIds, MaxRecords: MEMBERS_AT_ONCE_MAX }),
      );
      for (const {
        InstanceId: id,
        LifecycleState: lifecycle,
        AutoScalingGroupName: group,
        ProtectedFromScaleIn: isProtected = false,
      } of answer.AutoScalingInstances ?? [])
        if (id !== undefined) found.set(id, { id, lifecycle: lifecycle ?? "", isProtected, group: group ?? "" });
    } catch (error) {
      throw toGroupError(error, `reading ${InstanceIds.length} members of groups by their ids`);
    }
  }
  return found;
}

function membersOf(instances: readonly Partial<Instance>[] = []): readonly Member[] {
  return instances.flatMap(
    ({ InstanceId: id, LifecycleState: lifecycle = "", ProtectedFromScaleIn: isProtected = false }) =>
      id === undefined ? [] : [{ id, lifecycle, isProtected }],
  );
}
