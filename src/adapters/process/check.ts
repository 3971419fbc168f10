/** Tries the settings of a pool whose machines are processes, without starting anything. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ProviderError } from "../../domain/errors.ts";
import type { CheckFinding } from "../../ports/provider.ts";
import type { Places } from "./folders.ts";
import { findRunnerFault } from "./launch.ts";
import { listRemains } from "./remove-folder.ts";
import type { Roster } from "./roster.ts";
import { isSystemError } from "./system-errors.ts";

export interface CheckContext {
  readonly places: Places;
  readonly roster: Roster;
  readonly runnerDirectory: string;
}

export async function checkSettings(context: CheckContext): Promise<readonly CheckFinding[]> {
  const workDirectory = await checkWorkDirectory(context.places.root);
  const findings = [
    await checkRunner(context.runnerDirectory),
    workDirectory ?? (await checkRemains(context.places)),
    await checkProcesses(context.roster),
  ];
  return findings.filter((finding) => finding !== null);
}

async function checkRunner(runnerDirectory: string): Promise<CheckFinding | null> {
  const fault = await findRunnerFault(runnerDirectory);
  if (fault === null) return null;
  return {
    severity: "error",
    path: "pools[].runner.directory",
    finding: fault,
    mend: "Unpack a release of actions/runner there, and let this user read and execute it.",
  };
}

/** What is not there yet is made at the first launch: then its nearest parent has to be writable. */
async function checkWorkDirectory(root: string): Promise<CheckFinding | null> {
  const finding = (text: string): CheckFinding => ({
    severity: "error",
    path: "pools[].provider.workDirectory",
    finding: text,
    mend: "Name a folder on a disk of this host that this user may write to.",
  });
  for (let folder = root; ; folder = dirname(folder)) {
    try {
      if (!(await stat(folder)).isDirectory()) return finding(`${folder} is not a folder`);
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
      return null;
    } catch (error) {
      if (isSystemError(error, "EACCES", "EPERM", "EROFS")) return finding(`${folder} may not be written to`);
      if (!isSystemError(error, "ENOENT", "ENOTDIR") || folder === dirname(folder)) throw error;
    }
  }
}

async function checkRemains(places: Places): Promise<CheckFinding | null> {
  const remains = await listRemains(places);
  if (remains.length === 0) return null;
  return {
    severity: "warning",
    path: "pools[].provider.workDirectory",
    finding: `${places.remains} holds ${remains.length} folder(s) of ended machines with files that this user may not remove`,
    mend: "Remove them as root. Jobs whose containers write as root leave such files.",
  };
}

async function checkProcesses(roster: Roster): Promise<CheckFinding | null> {
  try {
    await roster.look();
    return null;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return {
      severity: "error",
      path: "pools[].provider",
      finding: `The process table cannot be read whole: ${error.cause instanceof Error ? error.cause.message : "?"}.`,
      mend: "Mount /proc without hidepid, or run Holdfast in the group that may see all of it.",
    };
  }
}
