/** How a member comes: launched into service or into the warm pool, or drawn from there. */
import { freeAddressCount } from "../ec2/belongings.ts";
import { Ec2Refusal } from "../ec2/errors.ts";
import { type FoundVersion, findTemplateVersion, templateTags } from "../ec2/find-template.ts";
import { joinData, type LaunchSettings, readLaunch } from "../ec2/launch-settings.ts";
import { beginAgain } from "../ec2/life.ts";
import type { SubnetOption } from "../ec2/options.ts";
import { findRoom, findType, isOffered, takeRoom } from "../ec2/room.ts";
import { startInstances } from "../ec2/start.ts";
import type { Instance } from "../ec2/state.ts";
import { beginActivity, closeActivity } from "./activities.ts";
import { countMembers, isActive, isInPool } from "./counts.ts";
import { nextNumber } from "./ids.ts";
import { aim, draw, move, type Place } from "./move.ts";
import type { Member } from "./state.ts";

export const GROUP_TAG = "aws:autoscaling:groupName";

export interface Joining {
  readonly into: "service" | "pool";
  readonly cause: string;
  /** Only there; null: where the group has the fewest. */
  readonly zone: string | null;
}

interface Prepared {
  readonly launch: LaunchSettings;
  readonly found: FoundVersion;
  readonly subnet: SubnetOption;
}

/** @returns null where it failed: the activity tells why, and the group tries again later. */
export function launchMember(place: Place, joining: Joining): Member | null {
  const { state, group, nowMs } = place;
  const prepared = prepare(place, joining);
  if (typeof prepared === "string") {
    failLaunch(place, prepared, joining.cause);
    return null;
  }
  const { launch, found, subnet } = prepared;
  const ownTags = new Map([...group.tags, ...templateTags(found), [GROUP_TAG, group.name]]);
  const [instance] = startInstances(state.ec2, { launch, subnet, hostId: null, clientToken: null, ownTags }, 1, nowMs);
  if (instance === undefined) return null;
  const { template, version } = found;
  const member = createMember(place, instance, { id: template.id, name: template.name, version: version.number });
  group.members.set(instance.id, member);
  enter(place, member, joining);
  return member;
}

function createMember({ state, group, nowMs }: Place, instance: Instance, template: Member["template"]): Member {
  return {
    instanceId: instance.id,
    number: nextNumber(state, "member"),
    zone: instance.zone,
    type: instance.type,
    template,
    joinedAtMs: nowMs,
    state: "Pending",
    sinceMs: nowMs,
    nextMs: null,
    transition: "launching",
    actions: [],
    expiredBy: null,
    isProtected: group.isNewProtected,
    isHealthy: true,
    seenDownAtMs: null,
    activityId: null,
  };
}

/** Out of the warm pool, into service; launch hooks hold it again. */
export function drawMember(place: Place, member: Member, cause: string): boolean {
  const { state, group, nowMs } = place;
  const instance = state.ec2.instances.get(member.instanceId);
  if (instance === undefined) return false;
  if (instance.phase.kind === "stopped") {
    const problem = findProblem(place, instance);
    if (problem !== null) {
      failLaunch(place, problem, cause);
      return false;
    }
    takeRoom(state.ec2, instance);
    beginAgain(state.ec2, instance, nowMs);
  }
  member.isProtected = group.isNewProtected;
  enter(place, member, { into: "service", cause });
  return true;
}

/** There must be room for it to start again. */
function findProblem({ state }: Place, { type: name, zone, market }: Instance): string | null {
  const type = findType(state.ec2.options, name);
  if (type === undefined) return null;
  const room = findRoom(state.ec2, { type, zone, market, count: 1, maxPrice: null });
  return room.kind === "short" ? room.message : null;
}

function enter(place: Place, member: Member, { into, cause }: Omit<Joining, "zone">): void {
  const { instanceId } = member;
  const { warmPool } = place.group;
  const target = into === "service" ? "InService" : `Warmed:${warmPool?.poolState ?? "Stopped"}`;
  const words = into === "service" ? "Launching a new EC2 instance" : "Launching a new EC2 instance into warm pool";
  member.transition = "launching";
  member.activityId = beginActivity(place, { description: `${words}: ${instanceId}`, cause, instanceId }).id;
  aim(place, member, target);
  move(place, member, into === "service" ? "Pending" : "Warmed:Pending");
}

function failLaunch(place: Place, message: string, cause: string): void {
  const { state, group, nowMs } = place;
  const status = `${message} Launching EC2 instance failed.`;
  const activity = beginActivity(place, {
    description: `Launching a new EC2 instance.  Status Reason: ${status}`,
    cause,
  });
  closeActivity(activity, "Failed", status, nowMs);
  group.launchesFromMs = nowMs + draw(state, "launch retry", state.options.times.launchRetryMs);
}

/** @returns what EC2 says where there is no place for it. */
function prepare(place: Place, { into, zone }: Joining): Prepared | string {
  const { state, group, nowMs } = place;
  try {
    const found = findTemplateVersion(state.ec2, group.launchTemplate, nowMs);
    const launch = readLaunch(state.ec2, joinData(found.version.data, {}), group.market);
    const subnets = listSubnets(place, into, zone);
    let problem = "No subnets are configured for the Auto Scaling group.";
    for (const subnet of subnets) {
      const short = findShortage(place, launch, subnet);
      if (short === null) return { launch, found, subnet };
      problem = short;
    }
    return problem;
  } catch (error) {
    if (error instanceof Ec2Refusal) return error.message;
    throw error;
  }
}

/** The zone with the fewest members first. */
function listSubnets({ state, group }: Place, into: Joining["into"], zone: string | null): readonly SubnetOption[] {
  const is = into === "service" ? isActive : isInPool;
  const countOf = (subnet: SubnetOption) => countMembers(group, (member) => member.zone === subnet.zone && is(member));
  return group.subnetIds
    .flatMap((id) => state.ec2.options.subnets.filter((subnet) => subnet.id === id))
    .filter((subnet) => zone === null || subnet.zone === zone)
    .map((subnet) => ({ subnet, count: countOf(subnet) }))
    .sort((one, other) => one.count - other.count)
    .map(({ subnet }) => subnet);
}

function findShortage({ state, group }: Place, launch: LaunchSettings, { id, zone }: SubnetOption): string | null {
  const { type, maxPrice } = launch;
  if (!isOffered(type, zone))
    return `Your requested instance type (${type.name}) is not supported in your requested Availability Zone (${zone}).`;
  if (freeAddressCount(state.ec2, id) < 1)
    return `There are not enough free addresses in subnet '${id}' to satisfy the requested number of instances.`;
  const room = findRoom(state.ec2, { type, zone, market: group.market, count: 1, maxPrice });
  return room.kind === "short" ? room.message : null;
}
