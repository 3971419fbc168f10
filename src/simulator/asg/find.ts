/** Groups and members as a call names them. */
import { AsgRefusal, demand, demandGiven } from "./errors.ts";
import type { Place } from "./move.ts";
import type { AsgState, Group, Member } from "./state.ts";

/** @throws {AsgRefusal} ValidationError where there is no such group. */
export function demandGroup(state: AsgState, name: string | undefined, nowMs: number): Place {
  const given = demandGiven(name, "autoScalingGroupName");
  const group = state.groups.get(given);
  demand(group !== undefined, `AutoScalingGroup name not found - AutoScalingGroup '${given}' not found`);
  return { state, group, nowMs };
}

/** @throws {AsgRefusal} ValidationError where it is in no group. */
export function demandMember(
  state: AsgState,
  instanceId: string | undefined,
  nowMs: number,
): { readonly place: Place; readonly member: Member } {
  const id = demandGiven(instanceId, "instanceId");
  for (const group of state.groups.values()) {
    const member = group.members.get(id);
    if (member !== undefined) return { place: { state, group, nowMs }, member };
  }
  throw new AsgRefusal("ValidationError", `Instance Id not found - No managed instance found for instance ID: ${id}`);
}

/** All of them, or the call fails. */
export function demandMembers({ name, members }: Group, ids: readonly string[] | undefined, most: number): Member[] {
  const given = demandGiven(ids, "instanceIds");
  demand(given.length <= most, `The number of instance IDs must not exceed ${most}.`);
  return given.map((id) => {
    const member = members.get(id);
    demand(member !== undefined, `The instance ${id} is not part of Auto Scaling group ${name}.`);
    return member;
  });
}
