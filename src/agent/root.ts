/** The folders that runners live in: a fresh copy for every ticket, removed when the ticket is over. */
import { constants } from "node:fs";
import { access, chmod, cp, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TicketId } from "../domain/ids.ts";
import { type Account, giveTree } from "./account.ts";
import { isFileError } from "./log.ts";
import { FENCES, type Places, rootOf } from "./places.ts";

const NEXT = "next";
const BUILDING = "next.building";
/** Folders that a job may have made unremovable for us and that we open again, in one removal. */
const LOCKED_FOLDERS_MAX = 100_000;

/**
 * Copies the runner for the next ticket. Real copies, or reflinks where the file system has them: never hard links, through
 * which a job could write into the source. Links stay links.
 * @param owner who the runner is run as; null: as the agent.
 */
export async function prepareRoot(
  places: Places,
  runnerDirectory: string,
  owner: Account | null = null,
): Promise<void> {
  const building = join(places.rootsDirectory, BUILDING);
  await removeTree(building);
  await removeTree(join(places.rootsDirectory, NEXT));
  const mode = constants.COPYFILE_FICLONE;
  await cp(runnerDirectory, building, { recursive: true, verbatimSymlinks: true, errorOnExist: true, mode });
  // A read-only source must not make a read-only root: the runner writes its configuration there.
  await chmod(building, 0o700);
  if (owner !== null) await giveTree(building, owner);
  await rename(building, join(places.rootsDirectory, NEXT));
}

/** Gives the prepared root to a ticket; a ticket whose runner is started again keeps its own. */
export async function claimRoot(places: Places, ticketId: TicketId): Promise<string> {
  const root = rootOf(places, ticketId);
  const own = await lstat(root).catch(() => null);
  if (own === null) await rename(join(places.rootsDirectory, NEXT), root);
  await access(root, constants.X_OK);
  return root;
}

/** Removes every root, with what the runners printed, their perf files and fences. Only when no ticket is held. */
export async function removeRoots(places: Places): Promise<void> {
  for (const directory of [places.rootsDirectory, places.outputDirectory])
    for (const name of await readdir(directory)) await removeTree(join(directory, name));
  for (const name of await readdir(places.volatileDirectory))
    if (name.startsWith("t-") || name === FENCES) await removeTree(join(places.volatileDirectory, name));
  await mkdir(places.outputDirectory, { recursive: true });
}

async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isFileError(error)) throw error;
    await unlockFolders(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** A folder without write permission keeps what is in it, also for its owner. Links are not followed. */
async function unlockFolders(path: string): Promise<void> {
  const open = [path];
  for (let count = 0; open.length > 0 && count < LOCKED_FOLDERS_MAX; count += 1) {
    const folder = open.pop() ?? path;
    const found = await lstat(folder).catch(() => null);
    if (found === null || !found.isDirectory()) continue;
    await chmod(folder, 0o700).catch(() => {});
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) open.push(join(folder, entry.name));
  }
}
