/**
 * Where the machines of one controller are on disk.
 *
 *     <workDirectory>/<controllerId>/<machineId>/         a machine
 *     <workDirectory>/<controllerId>/ending/<machineId>/  what is left of one that was ended, until it is removed
 *     <workDirectory>/<controllerId>/ended/<machineId>    tombstone: this machine is never started again
 *     <workDirectory>/<controllerId>/remains/<machineId>  what of an ended one may not be removed
 *
 * A folder is complete once `machine.json` is there, which is written last: before that nobody starts a launcher in it.
 * `started` is made by the launcher as its first act, exclusively: with it nobody starts another, without it nothing runs
 * or ran there but a launcher that has not come that far.
 *
 * The jobs of a machine run as the same user and may write here. So nothing that is read here names another path, files
 * are opened without following links and without blocking, and a file that makes no sense says nothing.
 */
import { constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  type ControllerId,
  type LaunchId,
  type MachineId,
  type PoolName,
  parseLaunchId,
  parseMachineId,
  parsePoolName,
} from "../../domain/ids.ts";
import { isSystemError, unlessAbsent } from "./system-errors.ts";

export const FILES = {
  marks: "machine.json",
  settings: "agent.json",
  identity: "identity",
  started: "started",
  launcherLog: "launcher.log",
} as const;

const MARKS_BYTES_MAX = 64 * 1024;
const SHARED_MEMORY = "/dev/shm";

export interface Places {
  readonly controllerId: ControllerId;
  readonly root: string;
  readonly ending: string;
  readonly ended: string;
  readonly remains: string;
  machine(machineId: MachineId): string;
  endingMachine(machineId: MachineId): string;
  tombstone(machineId: MachineId): string;
  /** On tmpfs, for the files that must not survive a boot. @param sharedMemory `/dev/shm`, or another place in tests. */
  volatile(machineId: MachineId): string;
  readonly volatileRoot: string;
}

export function placesOf(controllerId: ControllerId, workDirectory: string, sharedMemory = SHARED_MEMORY): Places {
  const root = join(resolve(workDirectory), controllerId);
  const volatileRoot = join(sharedMemory, "holdfast", controllerId);
  return {
    controllerId,
    root,
    ending: join(root, "ending"),
    ended: join(root, "ended"),
    remains: join(root, "remains"),
    machine: (machineId) => join(root, machineId),
    endingMachine: (machineId) => join(root, "ending", machineId),
    tombstone: (machineId) => join(root, "ended", machineId),
    volatile: (machineId) => join(volatileRoot, machineId),
    volatileRoot,
  };
}

/** What is there of one machine. */
export interface FolderFacts {
  /** From `machine.json`; null where it is missing or makes no sense. */
  readonly pool: PoolName | null;
  readonly launchId: LaunchId | null;
  /** `machine.json` is there, so a launcher may have been started. */
  readonly isComplete: boolean;
  /** A launcher claimed it, or none can any more: what runs there now is all that ever will. */
  readonly isClosed: boolean;
}

/** Null: neither the machine's folder nor remains of it exist. @throws what the system says, where it does not tell. */
export async function readFolder(places: Places, machineId: MachineId): Promise<FolderFacts | null> {
  return (
    (await readFactsAt(places, machineId, places.machine(machineId), false)) ??
    (await readFactsAt(places, machineId, places.endingMachine(machineId), true))
  );
}

/** The machines that have a folder or remains. */
export async function listFolders(places: Places): Promise<readonly MachineId[]> {
  const names = await unlessAbsent(readdir(places.root), []);
  const endingNames = await unlessAbsent(readdir(places.ending), []);
  return [...new Set([...names, ...endingNames])].filter(isMachineId);
}

export function isMachineId(text: string): text is MachineId {
  try {
    return parseMachineId(text) === text;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

async function readFactsAt(
  places: Places,
  machineId: MachineId,
  folder: string,
  isEnding: boolean,
): Promise<FolderFacts | null> {
  const found = await unlessAbsent(lstat(folder), null);
  if (found === null) return null;
  // A job put something else there: remains, in which no launcher can start.
  if (!found.isDirectory()) return { pool: null, launchId: null, isComplete: true, isClosed: true };
  const isStarted = (await unlessAbsent(lstat(join(folder, FILES.started)), null)) !== null;
  const marks = await readSmallFile(join(folder, FILES.marks));
  const isComplete = marks.kind !== "absent";
  return { ...parseMarks(marks, places.controllerId, machineId), isComplete, isClosed: isStarted || isEnding };
}

type SmallFile =
  | { readonly kind: "absent" }
  | { readonly kind: "odd" }
  | { readonly kind: "text"; readonly text: string };

async function readSmallFile(path: string): Promise<SmallFile> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size, isFile } = await file.stat().then((stat) => ({ size: stat.size, isFile: stat.isFile() }));
      if (!isFile || size > MARKS_BYTES_MAX) return { kind: "odd" };
      return { kind: "text", text: await file.readFile("utf8") };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return { kind: "absent" };
    if (isSystemError(error, "ELOOP", "ENXIO", "EISDIR")) return { kind: "odd" };
    throw error;
  }
}

function parseMarks(
  marks: SmallFile,
  controllerId: ControllerId,
  machineId: MachineId,
): Pick<FolderFacts, "pool" | "launchId"> {
  const unknown = { pool: null, launchId: null };
  if (marks.kind !== "text") return unknown;
  try {
    const found: unknown = JSON.parse(marks.text);
    if (typeof found !== "object" || found === null) return unknown;
    const value: Readonly<Record<string, unknown>> = { ...found };
    if (value.controllerId !== controllerId || value.machineId !== machineId) return unknown;
    return { pool: parsePoolName(String(value.pool)), launchId: parseLaunchId(String(value.launchId)) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return unknown;
    throw error;
  }
}
