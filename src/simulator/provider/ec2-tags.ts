/** The marks that the world's own port puts on instances, and reads. */
import {
  type ControllerId,
  type LaunchId,
  type MachineId,
  type PoolName,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
} from "../../domain/ids.ts";
import type { TagSpecification } from "../ec2/api.ts";

export const TAG = {
  controller: "holdfast:controller",
  pool: "holdfast:pool",
  launch: "holdfast:launch",
  /** Only where one call starts one machine: a call gives the same tags to all that it starts. */
  machine: "holdfast:machine",
} as const;

export interface InstanceMarks {
  readonly controllerId: string | null;
  readonly pool: PoolName | null;
  readonly launchId: LaunchId | null;
  readonly machineId: MachineId | null;
}

export function writeMarks(
  controllerId: ControllerId,
  pool: PoolName,
  launchId: LaunchId,
  machineIds: readonly MachineId[],
): TagSpecification[] {
  const [only] = machineIds;
  const tags = [
    { Key: TAG.controller, Value: controllerId },
    { Key: TAG.pool, Value: pool },
    { Key: TAG.launch, Value: launchId },
    ...(machineIds.length === 1 && only !== undefined ? [{ Key: TAG.machine, Value: only }] : []),
  ];
  return [{ ResourceType: "instance", Tags: tags }];
}

export function readMarks(tags: ReadonlyMap<string, string>): InstanceMarks {
  return {
    controllerId: tags.get(TAG.controller) ?? null,
    pool: parsed(tags.get(TAG.pool), parsePoolName),
    launchId: parsed(tags.get(TAG.launch), parseLaunchId),
    machineId: parsed(tags.get(TAG.machine), parseMachineId),
  };
}

function parsed<Id>(text: string | undefined, parse: (text: string) => Id): Id | null {
  return text === undefined ? null : parse(text);
}
