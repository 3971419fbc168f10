/** The marks on everything that a launch makes: a listing by them finds it again, whatever happened to us in between. */
import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import {
  type ControllerId,
  type LaunchId,
  type MachineId,
  type PoolName,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
} from "../../domain/ids.ts";

export const TAG = {
  controller: "holdfast:controller",
  pool: "holdfast:pool",
  launch: "holdfast:launch",
  /** Only where one call started one machine: a call gives the same tags to all that it starts. */
  machine: "holdfast:machine",
  /** On a member of a group: a store of ours had a row of it. */
  known: "holdfast:known",
  /** On an image: the version of GitHub's runner in it. */
  runnerVersion: "holdfast:runner-version",
} as const;

/** Put on each instance by its group, and taken off when it is detached. */
export const GROUP_TAG = "aws:autoscaling:groupName";

export interface Owner {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
}

export interface Marks {
  readonly controllerId: string | null;
  readonly pool: PoolName | null;
  readonly launchId: LaunchId | null;
  readonly machineId: MachineId | null;
}

/** Whose it is. Ours come last, so that no user's tag stands for one of them. */
export function ownerTags({ controllerId, pool }: Owner, own: Readonly<Record<string, string>>): Tag[] {
  const tags = {
    Name: `${controllerId}/${pool}`,
    ...own,
    [TAG.controller]: controllerId,
    [TAG.pool]: pool,
  };
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function launchTags(
  owner: Owner,
  own: Readonly<Record<string, string>>,
  launchId: LaunchId,
  machineIds: readonly MachineId[],
): Tag[] {
  const [only] = machineIds;
  const tags = [...ownerTags(owner, own), { Key: TAG.launch, Value: launchId }];
  return machineIds.length === 1 && only !== undefined ? [...tags, { Key: TAG.machine, Value: only }] : tags;
}

export function specify(
  kinds: readonly NonNullable<TagSpecification["ResourceType"]>[],
  tags: Tag[],
): TagSpecification[] {
  return kinds.map((ResourceType) => ({ ResourceType, Tags: tags }));
}

/** What is not a mark of the known shape counts as unreadable. */
export function readMarks(tags: readonly Tag[] | undefined): Marks {
  const values = new Map((tags ?? []).map(({ Key, Value }) => [Key, Value] as const));
  return {
    controllerId: values.get(TAG.controller) ?? null,
    pool: parseMark(values.get(TAG.pool), parsePoolName),
    launchId: parseMark(values.get(TAG.launch), parseLaunchId),
    machineId: parseMark(values.get(TAG.machine), parseMachineId),
  };
}

function parseMark<Id>(text: string | undefined, parse: (text: string) => Id): Id | null {
  if (text === undefined) return null;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
