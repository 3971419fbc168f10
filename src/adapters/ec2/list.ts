/** Lists machines, and learns from what it sees: which machines EC2 took back, and how many are on-demand. */
import { CreateTagsCommand, type Instance } from "@aws-sdk/client-ec2";
import type { ProviderId } from "../../domain/ids.ts";
import type { ObservedMachine } from "../../domain/observed.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Batch, Outcome } from "../aws/batch.ts";
import { describeAll, describeByIds } from "../aws/describe.ts";
import { demandInstanceId } from "../aws/instance-id.ts";
import { foundNoRoom, isAnothers, observeInstance, wasReclaimed } from "../aws/states.ts";
import { GROUP_TAG, type Owner, ownerTags, readMarks } from "../aws/tags.ts";
import type { Census } from "./census.ts";
import type { Ec2Clients } from "./client.ts";
import type { Interruptions } from "./interruptions.ts";
import type { Places } from "./places.ts";
import type { Lifecycle, Place, Rests } from "./rests.ts";

/** Instances whose ending was learned from; EC2 shows each for about an hour. */
const LEARNED_MAX = 50_000;

export interface ListContext {
  readonly clients: Ec2Clients;
  readonly owner: Owner;
  readonly clock: Clock;
  readonly census: Census;
  readonly places: Places;
  readonly rests: Rests;
  readonly interruptions: Interruptions;
  readonly tags: Readonly<Record<string, string>>;
  /** Instances whose ending has been learned from. */
  readonly learned: Set<string>;
  readonly reads: Batch<ProviderId, ObservedMachine>;
}

export async function listMachines(
  context: ListContext,
  which: "all" | readonly ProviderId[],
): Promise<readonly ObservedMachine[]> {
  if (which === "all") return listAll(context);
  return Promise.all(which.map((id) => context.reads.add(demandInstanceId(id))));
}

async function listAll(context: ListContext): Promise<readonly ObservedMachine[]> {
  const { clients, owner, clock, census } = context;
  const observedAtMs = clock.nowMs();
  const instances = await describeAll(clients, owner);
  census.noteListing(instances);
  learn(context, instances);
  return instances.flatMap((instance) => observeInstance(instance, observedAtMs) ?? []);
}

/** The work of a batch of readings by id. */
export async function readByIds(
  context: Omit<ListContext, "reads">,
  ids: readonly ProviderId[],
): Promise<readonly Outcome<ObservedMachine>[]> {
  const { clients, owner, clock } = context;
  const observedAtMs = clock.nowMs();
  const found = await describeByIds(clients, [...new Set(ids)]);
  await markAgain(context, [...found.values()]);
  return ids.map((providerId) => {
    const instance = found.get(providerId);
    const observed =
      instance === undefined || isAnothers(instance, owner.controllerId)
        ? null
        : observeInstance(instance, observedAtMs);
    const unknown = { machineId: null, launchId: null, pool: null, state: "not-found" } as const;
    if (instance === undefined || observed === null) return { value: { providerId, ...unknown, observedAtMs } };
    return { value: isOnlyMember(instance, owner) ? { ...observed, needsRow: true } : observed };
  });
}

function isUnmarked({ Tags: tags }: Instance, owner: Owner): boolean {
  const { controllerId, pool } = readMarks(tags);
  return controllerId === null || (controllerId === owner.controllerId && pool === null);
}

/**
 * A group's member without our marks: its group started it, which may be one that another pool only observes. What we
 * started is marked from its first moment, also where a person has put it into a group.
 */
function isOnlyMember(instance: Instance, owner: Owner): boolean {
  const { Tags: tags } = instance;
  const isMember = tags?.some(({ Key }) => Key === GROUP_TAG) === true;
  return isMember && isUnmarked(instance, owner) && readMarks(tags).launchId === null;
}

/**
 * There without our marks: still ours, because the store has its id or its agent a token of ours, and listings must find it
 * again. Which launch it is of the store knows. Failing here costs nothing: the next reading tries again.
 */
async function markAgain(
  { clients, owner, tags }: Omit<ListContext, "reads">,
  found: readonly Instance[],
): Promise<void> {
  const unmarked = found.filter(
    (one) => isUnmarked(one, owner) && !isOnlyMember(one, owner) && one.State?.Name !== "terminated",
  );
  const Resources = unmarked.flatMap(({ InstanceId }) => InstanceId ?? []);
  if (Resources.length === 0) return;
  try {
    await clients.write.send(new CreateTagsCommand({ Resources, Tags: ownerTags(owner, tags) }));
  } catch {
    // The controllers raise the alarm about a machine that is there and not listed; this is only the mend.
  }
}

function learn({ learned, places, rests, interruptions }: ListContext, instances: readonly Instance[]): void {
  for (const instance of instances) {
    const { InstanceId: id = "" } = instance;
    const isReclaimed = wasReclaimed(instance);
    if ((!isReclaimed && !foundNoRoom(instance)) || learned.has(id)) continue;
    const [oldest] = learned;
    if (learned.size >= LEARNED_MAX && oldest !== undefined) learned.delete(oldest);
    learned.add(id);
    const place = places.find(instance.InstanceType, instance.SubnetId) ?? placeOf(instance);
    if (place === null) continue;
    const lifecycle: Lifecycle = instance.InstanceLifecycle === "spot" ? "spot" : "on-demand";
    if (!isReclaimed) {
      rests.note(NO_ROOM, place, lifecycle);
      continue;
    }
    rests.noteReclaim(place);
    interruptions.noteReclaimed(place);
  }
}

const NO_ROOM = {
  trouble: "capacity",
  code: "Server.InsufficientInstanceCapacity",
  message: "EC2 had no room after all",
} as const;

/** What has ended has no subnet any more, and keeps its zone. */
function placeOf({ InstanceType: instanceType, Placement, SubnetId }: Instance): Place | null {
  const zone = Placement?.AvailabilityZone;
  return instanceType === undefined || zone === undefined ? null : { instanceType, zone, subnet: SubnetId ?? "" };
}
