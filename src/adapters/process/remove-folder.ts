/** Takes a machine's folder away, so that a crash at any point leaves remains that a listing shows. */
import { lstatSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { MachineId } from "../../domain/ids.ts";
import type { Places } from "./folders.ts";
import { isSystemError, unlessAbsent } from "./system-errors.ts";

/**
 * Moves the folder to where no launcher can claim it any more: one that was started and has not claimed it yet finds
 * nothing and ends; one that has is seen by a look at the processes that begins after this.
 */
export async function closeFolder(places: Places, machineId: MachineId): Promise<void> {
  const ending = places.endingMachine(machineId);
  const move = () => unlessAbsent(rename(places.machine(machineId), ending), undefined);
  try {
    await move();
  } catch (error) {
    // Remains of an earlier ending, after which a late launch made the folder again.
    if (!isSystemError(error, "ENOTEMPTY", "EEXIST", "ENOTDIR", "EISDIR")) throw error;
    await removeTree(ending);
    await move();
  }
}

/**
 * Removes what `closeFolder` moved; the folder last, because it is what a listing shows. What may not be removed, files
 * that a job's container wrote as root above all, is no machine any more: it is set aside, where `check` tells of it and
 * each later ending tries again.
 */
export async function removeRemains(places: Places, machineId: MachineId): Promise<void> {
  await removeTree(places.volatile(machineId));
  try {
    await removeTree(places.endingMachine(machineId));
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM")) throw error;
    await mkdir(places.remains, { recursive: true, mode: 0o700 });
    await rename(places.endingMachine(machineId), join(places.remains, machineId));
  }
  for (const shared of [places.volatileRoot, dirname(places.volatileRoot)]) await removeIfEmpty(shared);
}

/** Also where a job left folders that may not be written, as Go's module cache is. Never follows a link. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isSystemError(error, "EACCES", "EPERM")) throw error;
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function makeWritable(folder: string): Promise<void> {
  const found = await unlessAbsent(lstat(folder), null);
  if (!found?.isDirectory()) return;
  await chmod(folder, 0o700);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
}

/** @throws what the system says, but for a shared folder that still has others' in it or is none of ours. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EACCES", "EPERM", "EBUSY", "ENOTDIR")) throw error;
  }
}

/** Says for good that this machine is never started (again); idempotent. */
export async function writeTombstone(places: Places, machineId: MachineId): Promise<void> {
  await mkdir(places.tombstone(machineId), { recursive: true, mode: 0o700 });
}

/** Throws where the system does not tell: then nothing is started. */
export function hasTombstone(places: Places, machineId: MachineId): boolean {
  return lstatSync(places.tombstone(machineId), { throwIfNoEntry: false }) !== undefined;
}

/** What could not be removed. */
export async function listRemains(places: Places): Promise<readonly string[]> {
  return unlessAbsent(readdir(places.remains), []);
}

export async function retryRemains(places: Places): Promise<void> {
  for (const name of await listRemains(places)) {
    await removeTree(join(places.remains, name)).catch((error: unknown) => {
      if (!isSystemError(error, "EACCES", "EPERM", "EBUSY")) throw error;
    });
  }
}

/** Forgets tombstones that are too old to meet a launch that is still under way. */
export async function forgetTombstones(places: Places, olderThanMs: number): Promise<void> {
  for (const name of await unlessAbsent(readdir(places.ended), [])) {
    const path = join(places.ended, name);
    const found = await unlessAbsent(lstat(path), null);
    if (found !== null && found.mtimeMs < olderThanMs) await removeIfEmpty(path);
  }
}
