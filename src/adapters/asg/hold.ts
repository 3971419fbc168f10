/**
 * Makes the group wait on for members that it wants to end, hook by hook. A word to a hook that waits for nothing is
 * answered as an error; the member is read again then, and only that tells whether anything is left to hold.
 */
import { RecordLifecycleActionHeartbeatCommand } from "@aws-sdk/client-auto-scaling";
import { type ProviderId, parseProviderId } from "../../domain/ids.ts";
import type { Membership } from "../../domain/membership.ts";
import type { Clock } from "../../ports/clock.ts";
import type { HeldUp, Hold } from "../../ports/provider.ts";
import type { Owner } from "../aws/tags.ts";
import type { AsgClients } from "./clients.ts";
import { readGroupFailure, toGroupError } from "./errors.ts";
import { readAllMembers, readMembers } from "./group.ts";
import type { Hook } from "./hooks.ts";
import type { Hooks } from "./known-hooks.ts";
import { type HookSide, membershipOf, waitedAt, waitsAt } from "./lifecycle.ts";
import type { Pace } from "./pace.ts";
import type { AsgSettings } from "./settings.ts";
import type { Sights } from "./sights.ts";
import type { Waits } from "./waits.ts";

export interface HoldContext {
  readonly clients: AsgClients;
  readonly settings: AsgSettings;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly hooks: Hooks;
  readonly pace: Pace;
  readonly sights: Sights;
  readonly waits: Waits;
  /** No setting of the pool names the group any more. */
  readonly isLeft: boolean;
}

/**
 * By Auto Scaling's word alone, and its reserve's: EC2, which has limits of its own, is not asked.
 * @throws {ProviderError} `provider-unavailable`
 */
export async function listHeldUp({
  clients,
  settings,
  owner,
  clock,
  sights,
  isLeft,
}: HoldContext): Promise<readonly HeldUp[]> {
  const seenAtMs = clock.nowMs();
  const { group, members } = await readAllMembers(clients, settings.group);
  sights.noteOwner(group);
  const waiting = members.filter(({ lifecycle }) => waitsAt(lifecycle) !== null);
  for (const member of waiting) sights.note(member, seenAtMs);
  return waiting.map(({ id, lifecycle }) => ({
    providerId: parseProviderId(id),
    membership: membershipOf(lifecycle),
    isGroupLeft: isLeft || sights.isAnothers(owner),
  }));
}

/**
 * That nothing waits for one that was held before is the word of its hooks: a listing and a reading by id are both older.
 * @throws {ProviderError} `provider-unavailable`
 */
export async function holdMember(context: HoldContext, id: ProviderId, last: Membership | null): Promise<Hold | null> {
  const { sights, hooks } = context;
  // Where no hooks were ever read, it was held in another group.
  const before = hooks.wereRead() ? waitedAt(last) : null;
  const known = [sideOf(sights.lifecycleOf(id)), before].filter((side) => side !== null);
  const read = known.length > 0 ? null : sideOf(await readLifecycle(context, id));
  const sides = read === null ? new Set(known) : [read];
  for (const side of sides) {
    const held = await beat(context, await hooks.of(side, sights.waitsSinceMs(id) ?? 0), id);
    if (held.length > 0) return holdOf(context, { held, side }, id);
  }
  if (known.length === 0 && read === null) return null;
  const sideNow = sideOf(await readLifecycle(context, id));
  return sideNow === null ? null : heldAgain(context, sideNow, id);
}

/** The hooks that wait for a member, and at which side they do. */
interface HeldBy {
  readonly held: readonly Hook[];
  readonly side: HookSide;
}

function sideOf(lifecycle: string | null): HookSide | null {
  return lifecycle === null ? null : waitsAt(lifecycle);
}

/** It waits, and not for the hooks that we know: they were changed. */
async function heldAgain(context: HoldContext, side: HookSide, id: ProviderId): Promise<Hold | null> {
  const held = await beat(context, await context.hooks.again(side), id);
  return held.length === 0 ? null : holdOf(context, { held, side }, id);
}

/** One that fails keeps no other from being held. @returns the hooks that wait for it. */
async function beat(context: HoldContext, hooks: readonly Hook[], id: ProviderId): Promise<readonly Hook[]> {
  const { clients, settings, pace } = context;
  const held: Hook[] = [];
  const failures: unknown[] = [];
  for (const hook of hooks) {
    const attempted = `holding member ${id} of group ${settings.group} by hook ${hook.name}`;
    await pace.take(attempted);
    try {
      const input = { AutoScalingGroupName: settings.group, LifecycleHookName: hook.name, InstanceId: id };
      await clients.groups.write.send(new RecordLifecycleActionHeartbeatCommand(input));
      held.push(hook);
    } catch (error) {
      const { trouble } = readGroupFailure(error);
      if (trouble !== "no-action" && trouble !== "no-member") failures.push(toGroupError(error, attempted));
    }
  }
  if (failures.length > 0) throw failures[0];
  return held;
}

/** The hook that gives up first decides: the group ends the member then, whatever the others wait for. */
async function holdOf(context: HoldContext, by: HeldBy, id: ProviderId): Promise<Hold> {
  const { waits, clock, hooks } = context;
  const wait = await waits.of(id, clock.nowMs());
  const terms = by.held.map((hook) => hooks.termsOf(hook, wait));
  return {
    isRetained: isRetained(context, by),
    forMs: Math.min(...terms.map(({ heartbeatMs }) => heartbeatMs)),
    sinceMs: wait.sinceMs,
    untilMs: wait.sinceMs + Math.min(...terms.map(({ globalMs }) => globalMs)),
  };
}

/** Whether the group keeps it running where its hooks give up: what ends is abandoned by each of them, and retained. */
function isRetained({ sights }: HoldContext, { held, side }: HeldBy): boolean {
  const areAbandoning = held.every(({ defaultResult }) => defaultResult === "ABANDON");
  return side === "terminate" && areAbandoning && sights.group()?.isRetaining === true;
}

async function readLifecycle(context: HoldContext, id: ProviderId): Promise<string | null> {
  const { clients, settings, sights, clock } = context;
  const member = (await readMembers(clients, [id])).get(id);
  if (member === undefined || member.group !== settings.group) return null;
  sights.note(member, clock.nowMs());
  return member.lifecycle;
}
