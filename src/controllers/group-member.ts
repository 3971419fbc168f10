import type { MachineId } from "../domain/ids.ts";
import type { PoolContext } from "./context.ts";

/**
 * Whether what a group makes of its members decides about the machine. A pool that was made one of another kind, or became
 * one of a group, has machines of both sorts for a while; until the provider has shown one it may be the group's.
 */
export function isGroupsMachine({ abilities, memory }: PoolContext, id: MachineId): boolean {
  if ((abilities?.group ?? null) === null) return false;
  const observed = memory.observed.get(id);
  return observed === undefined || observed.membership !== undefined;
}
