/** Who of a group counts as what. */
import type { Group, LifecycleState, Member } from "./state.ts";

const ACTIVE: ReadonlySet<LifecycleState> = new Set(["Pending", "Pending:Wait", "Pending:Proceed", "InService"]);
const READY: ReadonlySet<LifecycleState> = new Set(["Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated"]);
const FILLING: ReadonlySet<LifecycleState> = new Set([
  "Warmed:Pending",
  "Warmed:Pending:Wait",
  "Warmed:Pending:Proceed",
]);

/** Counts for the desired capacity: in service or on its way there. */
export function isActive({ state }: Member): boolean {
  return ACTIVE.has(state);
}

/** Can be drawn from the warm pool. */
export function isReady({ state }: Member): boolean {
  return READY.has(state);
}

/** Counts for the warm pool's size. */
export function isInPool(member: Member): boolean {
  return isReady(member) || FILLING.has(member.state);
}

/** Listed with the warm pool, and not with the group. */
export function isOfPool({ state }: Member): boolean {
  return state.startsWith("Warmed:");
}

export function isRetained({ state }: Member): boolean {
  return state.endsWith(":Retained");
}

export function listMembers({ members }: Group, is: (member: Member) => boolean): Member[] {
  return [...members.values()].filter(is);
}

export function countMembers(group: Group, is: (member: Member) => boolean): number {
  return listMembers(group, is).length;
}

/** How many the warm pool is to hold. */
export function poolSizeOf({ warmPool, maxSize, desired }: Group): number {
  if (warmPool === null) return 0;
  return Math.max(warmPool.minSize, (warmPool.maxPreparedCount ?? maxSize) - desired, 0);
}
