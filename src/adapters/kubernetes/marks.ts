/** The marks on everything that a launch makes: a listing by them finds it again, whatever happened to us in between. */
import type { V1ObjectMeta } from "@kubernetes/client-node";
import {
  type ControllerId,
  type LaunchId,
  type MachineId,
  type PoolName,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
} from "../../domain/ids.ts";
import { podNameOf } from "../../domain/pod/provider-id.ts";
import { MARK_PREFIX } from "./template.ts";

export const LABEL = {
  controller: `${MARK_PREFIX}controller`,
  pool: `${MARK_PREFIX}pool`,
  machine: `${MARK_PREFIX}machine`,
  launch: `${MARK_PREFIX}launch`,
} as const;

/** An annotation: nobody selects by it. */
export const SETTINGS_ANNOTATION = `${MARK_PREFIX}settings`;

export interface Owner {
  readonly controllerId: ControllerId;
  readonly pool: PoolName;
}

export function ownerLabels({ controllerId, pool }: Owner): Record<string, string> {
  return { [LABEL.controller]: controllerId, [LABEL.pool]: pool };
}

/** For a listing: exactly what carries the owner's labels. */
export function ownerSelector(owner: Owner): string {
  return Object.entries(ownerLabels(owner))
    .map(([label, value]) => `${label}=${value}`)
    .join(",");
}

export interface Marks {
  readonly controllerId: string | null;
  readonly pool: PoolName | null;
  readonly launchId: LaunchId | null;
  readonly machineId: MachineId | null;
}

/**
 * What is not a mark of the known shape counts as unreadable. A pod of another name than its machine's is a copy that
 * somebody made: whose it is it says truly, but not which machine.
 */
export function readMarks({ name, labels = {} }: V1ObjectMeta): Marks {
  const machineId = parseMark(labels[LABEL.machine], parseMachineId);
  const isNamed = machineId !== null && podNameOf(machineId) === name;
  return {
    controllerId: labels[LABEL.controller] ?? null,
    pool: parseMark(labels[LABEL.pool], parsePoolName),
    launchId: isNamed ? parseMark(labels[LABEL.launch], parseLaunchId) : null,
    machineId: isNamed ? machineId : null,
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
