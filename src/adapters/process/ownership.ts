/**
 * Which processes belong to which machine. Pure.
 *
 * A process belongs to the machine whose mark it carries; without a mark of ours, to the machine of its parent; else to
 * that of its session's leader; else to the machine it was known to belong to before. The nearest mark wins: what carries
 * another machine's mark ends with that machine only. So a process leaves its machine only by losing its environment, its
 * parents and its session at once, and between two looks (`sudo` or `env -i` before a double fork; `ssh-agent`, whose
 * environment nobody may read). GitHub's own runner has the same limit when it clears up after a job.
 *
 * Nothing belongs to a machine because it descends from this controller, wherever the controller itself was started.
 */
import { type ControllerId, type MachineId, parseMachineId } from "../../domain/ids.ts";
import { identityOf, type ProcessEntry } from "./process-table.ts";

export type Members = ReadonlyMap<MachineId, readonly ProcessEntry[]>;

export interface OwnershipScope {
  readonly controllerId: ControllerId;
  /** The controller's own pid: it belongs to no machine, and no chain of parents leads through it. */
  readonly ownPid: number;
  /** What earlier looks found, by `identityOf`. */
  readonly known: ReadonlyMap<string, MachineId>;
}

/** @returns the processes of each machine of this controller, the oldest first: the launcher leads. */
export function attributeProcesses(entries: readonly ProcessEntry[], scope: OwnershipScope): Members {
  const byPid = new Map(entries.map((entry) => [entry.pid, entry]));
  const owners = new Map<number, MachineId | null>();

  const ownerOf = (entry: ProcessEntry): MachineId | null => {
    const decided = owners.get(entry.pid);
    if (decided !== undefined) return decided;
    owners.set(entry.pid, null); // Ends a ring of parents, which a table that was not read at one moment may show.
    const owner = entry.pid === scope.ownPid ? null : findOwner(entry);
    owners.set(entry.pid, owner);
    return owner;
  };

  const findOwner = (entry: ProcessEntry): MachineId | null =>
    parseMark(entry.mark, scope.controllerId) ??
    inherited(entry, entry.parentPid) ??
    inherited(entry, entry.sessionId) ??
    scope.known.get(identityOf(entry)) ??
    null;

  const inherited = (entry: ProcessEntry, fromPid: number | null): MachineId | null => {
    const from = fromPid === null || fromPid === entry.pid ? undefined : byPid.get(fromPid);
    // A parent or leader that is younger than its child is another process, to which the pid was given since.
    return from === undefined || from.startedAt > entry.startedAt ? null : ownerOf(from);
  };

  const members = new Map<MachineId, ProcessEntry[]>();
  for (const entry of [...entries].sort((one, other) => one.startedAt - other.startedAt || one.pid - other.pid)) {
    const owner = ownerOf(entry);
    if (owner === null) continue;
    const group = members.get(owner);
    if (group === undefined) members.set(owner, [entry]);
    else group.push(entry);
  }
  return members;
}

/** The machine that a mark of this controller names; null for every other text. */
export function parseMark(mark: string | null, controllerId: ControllerId): MachineId | null {
  if (mark === null || !mark.startsWith(`${controllerId}/`)) return null;
  try {
    return parseMachineId(mark.slice(controllerId.length + 1));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
