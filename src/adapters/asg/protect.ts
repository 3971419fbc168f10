/**
 * Members of a group that we size are protected from scale-in for as long as they serve. The desired capacity is a number
 * that somebody else may have changed since it was read: set anew, it can be below the members that there are by then, and
 * the group ends the next one that is not protected, whatever runs on it (group world 235).
 *
 * The group's own setting protects whom it starts from the beginning, and `check` asks for it; this is for those that it
 * started without it, or that somebody took it from. It is never taken off: a permit ends protected ones as well.
 */
import { SetInstanceProtectionCommand } from "@aws-sdk/client-auto-scaling";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import { namedInstances } from "../aws/errors.ts";
import type { AsgClients } from "./clients.ts";
import { readGroupFailure } from "./errors.ts";
import type { Member } from "./group.ts";

/** By the API's reference. */
const PROTECTED_AT_ONCE_MAX = 50;
/** For one listing; the next one goes on. */
const CALLS_MAX = 4;
/** Who may not protect anybody is not asked to with each listing. */
const DENIED_FOR_MS = 10 * MINUTE_MS;

export interface ProtectionContext {
  readonly clients: AsgClients;
  readonly group: string;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export class Protection {
  readonly #context: ProtectionContext;
  #deniedUntilMs = Number.NEGATIVE_INFINITY;
  /** Who served no more when they were to be protected, though a listing says so: they hold up nobody else. */
  #refused: ReadonlySet<string> = new Set();

  constructor(context: ProtectionContext) {
    this.#context = context;
  }

  /** Failing here costs nothing: the next listing shows who is still unprotected, and `check` tells. */
  async protect(members: readonly Member[]): Promise<void> {
    if (this.#context.clock.monotonicMs() < this.#deniedUntilMs) return;
    const left = members.filter(({ lifecycle, isProtected }) => lifecycle === "InService" && !isProtected);
    const ids = left.map(({ id }) => id);
    const refused = ids.filter((id) => this.#refused.has(id));
    this.#refused = new Set(refused);
    const fresh = ids.filter((id) => !this.#refused.has(id));
    const callsLeft = await this.#protectThose(fresh, CALLS_MAX);
    await this.#protectThose(refused, callsLeft);
  }

  /** @returns how many calls are left. */
  async #protectThose(ids: readonly string[], callsMax: number): Promise<number> {
    let left = ids;
    for (let callsLeft = callsMax; callsLeft > 0; callsLeft -= 1) {
      const InstanceIds = left.slice(0, PROTECTED_AT_ONCE_MAX);
      if (InstanceIds.length === 0) return callsLeft;
      const done = await this.#ask(InstanceIds);
      if (done.length === 0) return 0;
      left = left.filter((id) => !done.includes(id));
    }
    return 0;
  }

  /** @returns those who are protected now, or who serve no more; none where nobody knows. */
  async #ask(InstanceIds: string[]): Promise<readonly string[]> {
    const { clients, group, clock } = this.#context;
    try {
      const input = { AutoScalingGroupName: group, InstanceIds, ProtectedFromScaleIn: true };
      await clients.groups.write.send(new SetInstanceProtectionCommand(input));
      return InstanceIds;
    } catch (error) {
      const { trouble, message } = readGroupFailure(error);
      if (trouble === "denied") this.#deniedUntilMs = clock.monotonicMs() + DENIED_FOR_MS;
      // One that serves no more by now fails the call for all of them, and is named.
      const named = namedInstances(message);
      const refused = InstanceIds.filter((id) => named.has(id));
      this.#refused = new Set([...this.#refused, ...refused]);
      return refused;
    }
  }
}
