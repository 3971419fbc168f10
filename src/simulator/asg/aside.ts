/** What a person does with members: put aside, take back, take away. */
import type { AsgAnswer, ExitStandbyRequest, LeaveRequest } from "./api.ts";
import { decrement, demandStates } from "./capacity.ts";
import { isActive } from "./counts.ts";
import { detach, standAside } from "./depart.ts";
import { showActivity } from "./describe.ts";
import { demand, demandGiven } from "./errors.ts";
import { demandGroup, demandMembers } from "./find.ts";
import { aim, move, type Place, touch } from "./move.ts";
import type { AsgState, Member } from "./state.ts";

const COUNT_MAX = 20;

export function enterStandby(state: AsgState, request: LeaveRequest, nowMs: number): AsgAnswer {
  return leave(state, request, nowMs, ["InService"], standAside);
}

export function detachInstances(state: AsgState, request: LeaveRequest, nowMs: number): AsgAnswer {
  return leave(state, request, nowMs, ["InService", "Standby"], detach);
}

function leave(
  state: AsgState,
  request: LeaveRequest,
  nowMs: number,
  from: readonly Member["state"][],
  begin: (place: Place, member: Member, cause: string) => string,
): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const members = demandMembers(place.group, request.InstanceIds, COUNT_MAX);
  const isDecremented = demandGiven(request.ShouldDecrementDesiredCapacity, "shouldDecrementDesiredCapacity");
  demandStates(members, from);
  if (isDecremented) decrement(place, members.filter(isActive).length);
  const ids = members.map((member) => begin(place, member, "a user requested it."));
  return showActivities(place, ids);
}

/** Back into service: the desired capacity grows by them. */
export function exitStandby(state: AsgState, request: ExitStandbyRequest, nowMs: number): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { group } = place;
  const members = demandMembers(group, request.InstanceIds, COUNT_MAX);
  demandStates(members, ["Standby"]);
  demand(
    group.desired + members.length <= group.maxSize,
    `AutoScalingGroup '${group.name}' cannot exit standby: it would exceed its maximum size ${group.maxSize}.`,
  );
  group.desired += members.length;
  for (const member of members) {
    member.transition = null;
    aim(place, member, "InService");
    move(place, member, "Pending");
  }
  touch(group);
  return showActivities(place, []);
}

function showActivities({ group }: Place, ids: readonly string[]): AsgAnswer {
  return {
    Activities: group.activities.filter(({ id }) => ids.includes(id)).map((one) => showActivity(one, group.name)),
  };
}
