/** Makes a machine's folder; after a crash at any point the same call completes it. */
import { lstat, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { AgentSettings } from "../../domain/host/settings.ts";
import { type MachineId, parseProviderId } from "../../domain/ids.ts";
import type { LaunchRequest } from "../../ports/provider.ts";
import { FILES, type Places } from "./folders.ts";
import type { ProcessProviderOptions } from "./options.ts";
import { isSystemError } from "./system-errors.ts";
import { writeWhole } from "./write-whole.ts";

const PRIVATE_FOLDER = 0o700;

/** The folders that all machines share; made once, before the first machine. */
export async function makeSharedFolders(places: Places): Promise<void> {
  for (const folder of [places.ending, places.ended]) await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
}

/** Idempotent for one request. `machine.json` is last: it says that the rest is there. */
export async function writeFolder(
  places: Places,
  options: ProcessProviderOptions,
  request: LaunchRequest,
  machine: LaunchRequest["machines"][number],
): Promise<void> {
  const { machineId, identitySecret } = machine;
  const folder = places.machine(machineId);
  await unlessThere(mkdir(folder, { mode: PRIVATE_FOLDER }));
  const settings: AgentSettings = {
    controllerUrl: options.controllerUrl,
    controllerId: options.controllerId,
    machineId,
    providerId: parseProviderId(machineId),
    identityFile: join(folder, FILES.identity),
    directory: folder,
    volatileDirectory: await makeVolatileFolder(places, machineId),
    runnerDirectory: resolve(options.runnerDirectory),
    runnerEnvironment: options.runnerEnvironment,
  };
  const { launchId, pool, settingsHash } = request;
  const marks = { controllerId: options.controllerId, machineId, launchId, pool, settingsHash };
  await writeWhole(settings.identityFile, identitySecret);
  await writeWhole(join(folder, FILES.settings), `${JSON.stringify(settings, null, 2)}\n`);
  await writeWhole(join(folder, FILES.marks), `${JSON.stringify(marks, null, 2)}\n`);
}

/**
 * The machine's folder on tmpfs, or one beside its files where there is no tmpfs of ours. `/dev/shm` is everybody's: a
 * folder there that another user made, or a link, is not used.
 */
async function makeVolatileFolder(places: Places, machineId: MachineId): Promise<string> {
  const folder = places.volatile(machineId);
  try {
    await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
    const levels = [folder, dirname(folder), dirname(dirname(folder))];
    const found = await Promise.all(levels.map((level) => lstat(level)));
    if (found.every((level) => level.isDirectory() && level.uid === process.geteuid?.())) return folder;
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOSPC")) throw error;
  }
  const beside = join(places.machine(machineId), "volatile");
  await mkdir(beside, { recursive: true, mode: PRIVATE_FOLDER });
  return beside;
}

async function unlessThere(attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}
