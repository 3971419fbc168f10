/**
 * Starts machines. A call that crashed at any point is completed by its repetition: what a machine still lacks is made,
 * and of two launchers for one machine the second ends at once (see `src/agent/launcher.ts`).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import { join } from "node:path";
import { ProviderError } from "../../domain/errors.ts";
import { AGENT_SETTINGS_VARIABLE, MARK_VARIABLE, markOf } from "../../domain/host/settings.ts";
import { type MachineId, parseProviderId } from "../../domain/ids.ts";
import type { LaunchedMachine, LaunchRequest } from "../../ports/provider.ts";
import { FILES, type Places, readFolder } from "./folders.ts";
import { ownLauncher, type ProcessProviderOptions, plainEnvironment } from "./options.ts";
import { closeFolder, hasTombstone, removeRemains, writeTombstone } from "./remove-folder.ts";
import { isDiskFull, isSystemError, toProviderError } from "./system-errors.ts";
import { claimVantage, type Vantage } from "./vantage.ts";
import { makeSharedFolders, writeFolder } from "./write-folder.ts";

type RequestedMachine = LaunchRequest["machines"][number];

export async function launchMachines(
  places: Places,
  options: ProcessProviderOptions,
  vantage: () => Promise<Vantage>,
  request: LaunchRequest,
): Promise<readonly LaunchedMachine[]> {
  const attempted = `starting ${request.machines.length} machines of pool ${request.pool}`;
  try {
    await makeSharedFolders(places);
    await claimVantage(places, await vantage());
    const { unstarted, isUntouched } = await findUnstarted(places, request);
    if (unstarted.length > 0) await makeReady(places, options, request, unstarted, isUntouched);
    for (const { machineId } of unstarted) await startLauncher(places, options, machineId);
  } catch (error) {
    throw toProviderError(error, attempted);
  }
  return request.machines.map(({ machineId }) => ({ machineId, providerId: parseProviderId(machineId) }));
}

/** What this request still has to start, and whether no earlier call for it can have started anything. */
async function findUnstarted(
  places: Places,
  request: LaunchRequest,
): Promise<{ readonly unstarted: readonly RequestedMachine[]; readonly isUntouched: boolean }> {
  const unstarted: RequestedMachine[] = [];
  let isUntouched = true;
  for (const machine of request.machines) {
    const folder = await readFolder(places, machine.machineId);
    const isEnded = hasTombstone(places, machine.machineId);
    if (!isEnded && folder?.isClosed !== true) unstarted.push(machine);
    if (isEnded || folder?.isComplete === true) isUntouched = false;
  }
  return { unstarted, isUntouched };
}

/**
 * All folders are complete before the first launcher starts. So where this fails and no earlier call came so far, nothing
 * was started and nothing will be: the folders are closed, which is the promise of `provider-invalid` and
 * `provider-capacity`. Else the outcome is unknown, and the call is repeated.
 */
async function makeReady(
  places: Places,
  options: ProcessProviderOptions,
  request: LaunchRequest,
  unstarted: readonly RequestedMachine[],
  isUntouched: boolean,
): Promise<void> {
  try {
    await demandRunner(options.runnerDirectory);
    await makeSharedFolders(places);
    for (const machine of unstarted) await writeFolder(places, options, request, machine);
  } catch (error) {
    const refusal = toRefusal(error, places);
    if (refusal === null || !isUntouched) throw unknownOutcome(error, request);
    for (const { machineId } of unstarted) await withdraw(places, machineId);
    throw refusal;
  }
}

/** What a positive refusal is for the caller; null for every error after which the outcome is unknown. */
function toRefusal(error: unknown, places: Places): ProviderError | null {
  if (error instanceof ProviderError) return error;
  if (!isDiskFull(error)) return null;
  return new ProviderError("provider-capacity", `writing to ${places.root}, whose disk is full`, { cause: error });
}

function unknownOutcome(error: unknown, { launchId }: LaunchRequest): ProviderError {
  return new ProviderError("provider-unavailable", `making the machines of ${launchId} ready`, { cause: error });
}

/** The tombstone stops a call for the same launch that is still under way. */
async function withdraw(places: Places, machineId: MachineId): Promise<void> {
  await writeTombstone(places, machineId).catch((error: unknown) => {
    if (!isDiskFull(error)) throw error;
  });
  await closeFolder(places, machineId);
  await removeRemains(places, machineId);
}

/** What is wrong with the directory, in words; null where a runner can be started from it. */
export async function findRunnerFault(runnerDirectory: string): Promise<string | null> {
  const listener = join(runnerDirectory, "bin", "Runner.Listener");
  try {
    if (!(await stat(listener)).isFile()) return `${listener} is not a file`;
    await access(listener, constants.R_OK | constants.X_OK);
    return null;
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR")) return `there is no ${listener}`;
    if (isSystemError(error, "EACCES", "EPERM")) return `${listener} may not be read and executed`;
    throw error;
  }
}

async function demandRunner(runnerDirectory: string): Promise<void> {
  const fault = await findRunnerFault(runnerDirectory);
  if (fault !== null) throw new ProviderError("provider-invalid", `looking at runner.directory: ${fault}`);
}

/** In a session of its own, with nothing of ours but files: it outlives this process, whatever becomes of that. */
async function startLauncher(places: Places, options: ProcessProviderOptions, machineId: MachineId): Promise<void> {
  const folder = places.machine(machineId);
  const log = openSync(join(folder, FILES.launcherLog), "a", 0o600);
  try {
    // Looked at last: an ending that began while this call was under way is not undone by it. One that begins after this
    // closes the folder before its last look at the processes, and the launcher then has nothing to claim.
    if (hasTombstone(places, machineId)) return;
    const script = [options.launcherFile ?? ownLauncher(), folder];
    if (options.agentFile !== undefined) script.push(options.agentFile);
    const launcher = spawn(
      options.nodeExecutable ?? process.execPath,
      ["--disable-warning=ExperimentalWarning", ...script],
      {
        cwd: folder,
        detached: true,
        stdio: ["ignore", log, log],
        env: {
          ...(options.baseEnvironment ?? plainEnvironment()),
          [MARK_VARIABLE]: markOf(options.controllerId, machineId),
          [AGENT_SETTINGS_VARIABLE]: join(folder, FILES.settings),
        },
      },
    );
    launcher.unref();
    await once(launcher, "spawn");
  } finally {
    closeSync(log);
  }
}
