/** The size of a group, and the end of one member: SetDesiredCapacity, TerminateInstanceInAutoScalingGroup. */
import type { AsgAnswer, SetDesiredRequest, TerminateRequest } from "./api.ts";
import { isActive, isOfPool, isRetained } from "./counts.ts";
import { depart, proceedDeparture } from "./depart.ts";
import { showActivity } from "./describe.ts";
import { AsgRefusal, demand, demandGiven } from "./errors.ts";
import { demandGroup, demandMember } from "./find.ts";
import { type Place, touch } from "./move.ts";
import type { AsgState, Group, Member } from "./state.ts";

export function setDesiredCapacity(state: AsgState, request: SetDesiredRequest, nowMs: number): AsgAnswer {
  const place = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const { group } = place;
  const wanted = demandGiven(request.DesiredCapacity, "desiredCapacity");
  demandInBounds(group, wanted);
  if (request.HonorCooldown === true && nowMs < group.cooldownUntilMs)
    throw new AsgRefusal("ScalingActivityInProgress", `Scaling activity is in progress for group ${group.name}`);
  setDesired(place, wanted, "a user request explicitly set group desired capacity");
  return {};
}

function demandInBounds({ minSize, maxSize }: Group, wanted: number): void {
  const said = `New SetDesiredCapacity value ${wanted} is`;
  demand(wanted <= maxSize, `${said} above max value ${maxSize} for the AutoScalingGroup.`);
  demand(wanted >= minSize, `${said} below min value ${minSize} for the AutoScalingGroup.`);
}

/** The group follows some time later, as far as it can. */
export function setDesired({ group, nowMs }: Place, wanted: number, cause: string): void {
  if (wanted === group.desired) return;
  group.lastCause = `${cause} changing the desired capacity from ${group.desired} to ${wanted}.`;
  group.desired = wanted;
  group.cooldownUntilMs = nowMs + group.cooldownMs;
  touch(group);
}

/** Whatever protection it has; hooks hold it. Of one that is kept after its end, it is the release. */
export function terminateInstance(state: AsgState, request: TerminateRequest, nowMs: number): AsgAnswer {
  const { place, member } = demandMember(state, request.InstanceId, nowMs);
  const isDecremented = demandGiven(request.ShouldDecrementDesiredCapacity, "shouldDecrementDesiredCapacity");
  const { group } = place;
  if (isRetained(member)) {
    proceedDeparture(place, member);
    return {};
  }
  demand(
    !isOfPool(member),
    `The instance ${member.instanceId} is in the warm pool of the group and cannot be terminated.`,
  );
  if (member.state.startsWith("Terminating") || member.state === "Detaching" || member.state === "EnteringStandby")
    throw new AsgRefusal(
      "ScalingActivityInProgress",
      `Activity ${member.activityId ?? ""} is in progress for instance ${member.instanceId}.`,
    );
  // One that stands by is not in the desired capacity any more.
  if (isDecremented && isActive(member)) decrement(place, 1);
  depart(place, member, "instance was taken out of service in response to a user request.");
  const activity = group.activities.at(-1);
  return activity === undefined ? {} : { Activity: showActivity(activity, group.name) };
}

/** @throws {AsgRefusal} ValidationError where the group would get smaller than its least. */
export function decrement(place: Place, count: number): void {
  const { desired, minSize } = place.group;
  demand(
    desired - count >= minSize,
    `Currently, desiredSize equals minSize (${minSize}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
  );
  place.group.desired -= count;
  touch(place.group);
}

/** @throws {AsgRefusal} ValidationError where one of them is in another state. */
export function demandStates(members: readonly Member[], states: readonly Member["state"][]): void {
  const wrong = members.find(({ state }) => !states.includes(state));
  demand(wrong === undefined, `The instance ${wrong?.instanceId} is not in ${states.join(" or ")}.`);
}
