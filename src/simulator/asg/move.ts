/** A member's step from one state to the next, seen by readings and told to the driver. */
import type { Range } from "../world/chance.ts";
import { nextNumber } from "./ids.ts";
import type { AsgState, Group, LifecycleState, Member } from "./state.ts";

export interface Place {
  readonly state: AsgState;
  readonly group: Group;
  readonly nowMs: number;
}

/** @param after how long it stays there; left out: until something else moves it. */
export function move(place: Place, member: Member, next: LifecycleState, after?: Range): void {
  const { state, group, nowMs } = place;
  member.state = next;
  member.sinceMs = nowMs;
  member.nextMs = after === undefined ? null : nowMs + draw(state, next, after);
  state.changes.push({ groupName: group.name, instanceId: member.instanceId, state: next, atMs: nowMs });
  touch(group);
}

/** Readings could show it. */
export function touch(group: Group): void {
  group.version += 1;
}

export function draw(state: AsgState, name: string, range: Range): number {
  return state.options.chance.fork(`${name}/${nextNumber(state, `draw/${name}`)}`).between(range);
}

/** What the instance's metadata says of where the group wants it (`autoscaling/target-lifecycle-state`). */
export function aim({ state }: Place, { instanceId }: Member, target: string): void {
  const instance = state.ec2.instances.get(instanceId);
  if (instance !== undefined) instance.targetLifecycleState = target;
}

/** It belongs to the group no more. */
export function forget({ group }: Place, { instanceId }: Member): void {
  group.members.delete(instanceId);
  group.rebalancing.delete(instanceId);
  touch(group);
}
