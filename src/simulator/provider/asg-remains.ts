/** Who of the world's groups counts as what for the judge. */
import { countMembers, isActive, isInPool, listMembers } from "../asg/counts.ts";
import type { AsgState, Group, Member } from "../asg/state.ts";
import type { GroupPlan } from "../scenario/group-plan.ts";
import type { Remains } from "../world/provider.ts";

const ASIDE: ReadonlySet<Member["state"]> = new Set(["EnteringStandby", "Standby", "Detaching"]);

/** In the groups' capacity. Who was launched beyond it until another ends is not. */
export function countedIds(groups: readonly Group[]): ReadonlySet<string> {
  const members = groups.flatMap((group) =>
    listMembers(group, (member) => isActive(member) && !group.rebalancing.has(member.instanceId)),
  );
  return new Set(members.map(({ instanceId }) => instanceId));
}

/** Of no group, and without a mark of anybody's. */
export function unmarkedIds(state: AsgState): readonly string[] {
  const inGroups = new Set([...state.groups.values()].flatMap(({ members }) => [...members.keys()]));
  const left = [...state.ec2.known.values()].filter(({ id }) => !inGroups.has(id));
  return left.filter(({ tags }) => ![...tags.keys()].some((key) => key.startsWith("holdfast:"))).map(({ id }) => id);
}

/** Where others size it: what they want, and whom it may not end though they want fewer. */
function keptCountOf(group: Group): number {
  return Math.max(
    group.desired,
    countMembers(group, (member) => isActive(member) && member.isProtected),
  );
}

/** @param warmCountOf how many machines the pool of a group keeps for jobs to come. */
export function remainsOf(
  groups: readonly Group[],
  scaling: GroupPlan["scaling"],
  warmCountOf: (groupName: string) => number,
): Remains {
  const members = groups.flatMap((group) => [...group.members.values()]);
  const idsOf = (is: (member: Member) => boolean) => new Set(members.filter(is).map(({ instanceId }) => instanceId));
  const isOthers = scaling === "external";
  // What one group keeps fills up no other's minimum.
  const counts = groups.map((group) =>
    Math.max(warmCountOf(group.name), isOthers ? keptCountOf(group) : group.minSize),
  );
  return {
    leftAlone: idsOf((member) => isInPool(member) || ASIDE.has(member.state)),
    over: idsOf(({ state }) => state.includes("Terminating") || state.endsWith("Retained")),
    minimumCount: counts.reduce((sum, count) => sum + count, 0),
    roomCount: isOthers ? groups.reduce((sum, { desired }) => sum + desired, 0) : Number.POSITIVE_INFINITY,
  };
}
