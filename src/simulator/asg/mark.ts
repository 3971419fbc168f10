/** What callers say of members: protected, healthy. */
import type { AsgAnswer, HealthRequest, ProtectionRequest } from "./api.ts";
import { demand, demandGiven } from "./errors.ts";
import { demandGroup, demandMember, demandMembers } from "./find.ts";
import { touch } from "./move.ts";
import type { AsgState, Member } from "./state.ts";

const PROTECTION_COUNT_MAX = 50;
const PROTECTABLE: readonly Member["state"][] = ["InService", "EnteringStandby", "Standby"];

/** One that is in a wrong state fails the call. Taking protection away is let pass while a terminate hook waits. */
export function setInstanceProtection(state: AsgState, request: ProtectionRequest, nowMs: number): AsgAnswer {
  const { group } = demandGroup(state, request.AutoScalingGroupName, nowMs);
  const isProtected = demandGiven(request.ProtectedFromScaleIn, "protectedFromScaleIn");
  const members = demandMembers(group, request.InstanceIds, PROTECTION_COUNT_MAX);
  const states = isProtected ? PROTECTABLE : [...PROTECTABLE, "Terminating:Wait"];
  const wrong = members.find((member) => !states.includes(member.state));
  demand(wrong === undefined, `The instance ${wrong?.instanceId} is not in InService or EnteringStandby or Standby.`);
  for (const member of members) member.isProtected = isProtected;
  touch(group);
  return {};
}

/** An unhealthy member is replaced, protected or not. Within its grace period the word does not count, unless it says so. */
export function setInstanceHealth(state: AsgState, request: HealthRequest, nowMs: number): AsgAnswer {
  const { place, member } = demandMember(state, request.InstanceId, nowMs);
  const status = demandGiven(request.HealthStatus, "healthStatus");
  demand(status === "Healthy" || status === "Unhealthy", `Invalid health status ${status}.`);
  const isInGrace = nowMs - member.joinedAtMs < place.group.graceMs;
  if (isInGrace && (request.ShouldRespectGracePeriod ?? true)) return {};
  member.isHealthy = status === "Healthy";
  touch(place.group);
  return {};
}
