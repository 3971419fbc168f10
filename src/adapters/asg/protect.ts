/**
 * Members of a group that we size are protected from scale-in for as long as they serve. The desired capacity is a number
 * that somebody else may have changed since it was read: set anew, it can be below the members that there are by then, and
 * the group ends the next one that is not protected, whatever runs on it (group world 235).
 *
 * The group's own setting protects whom it starts from the beginning, and `check` asks for it; this is for those that it
 * started without it, or that somebody took it from. It is never taken off: a permit ends protected ones as well.
 */
import { SetInstanceProtectionCommand } from "@aws-sdk/client-auto-scaling";
import { namedInstances } from "../aws/errors.ts";
import type { AsgClients } from "./clients.ts";
import { readGroupFailure } from "./errors.ts";
import type { Member } from "./group.ts";

/** By the API's reference. */
const PROTECTED_AT_ONCE_MAX = 50;
/** For one listing; the next one goes on. */
const CALLS_MAX = 4;

/** Failing here costs nothing: the next listing shows who is still unprotected, and `check` tells. */
export async function protectMembers({ groups }: AsgClients, group: string, members: readonly Member[]): Promise<void> {
  const left = members.filter(({ lifecycle, isProtected }) => lifecycle === "InService" && !isProtected);
  const ids = new Set(left.map(({ id }) => id));
  for (let call = 0; call < CALLS_MAX && ids.size > 0; call += 1) {
    const InstanceIds = [...ids].slice(0, PROTECTED_AT_ONCE_MAX);
    try {
      const input = { AutoScalingGroupName: group, InstanceIds, ProtectedFromScaleIn: true };
      await groups.write.send(new SetInstanceProtectionCommand(input));
      for (const id of InstanceIds) ids.delete(id);
    } catch (error) {
      // One that serves no more by now fails the call for all of them, and is named.
      const { message } = readGroupFailure(error);
      const named = InstanceIds.filter((id) => namedInstances(message).has(id));
      if (named.length === 0) return;
      for (const id of named) ids.delete(id);
    }
  }
}
