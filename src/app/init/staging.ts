/**
 * Puts a set of files in place, all of them or none. They are written into a folder of their own beside their places and
 * only then moved; the folder also keeps a second setup out. Everything here waits for the disk on purpose: no signal can
 * come between two moves.
 */
import { lstatSync, mkdirSync, renameSync, rmdirSync, rmSync, type Stats, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../commands/failure.ts";
import { reasonOf } from "../config/secret-sources.ts";

const STAGING = ".holdfast-init";
const PREVIOUS = "previous";
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface Staging {
  /** Where the files are until they are placed. */
  readonly folder: string;
  /** Again under the same name replaces what was staged. */
  write(name: string, text: string): void;
  /** Moves these to their places; on failure none is there. @throws {CommandError} */
  place(names: readonly string[]): void;
  /** Removes what is not in place. May be called twice. */
  discard(): void;
}

/** @throws {CommandError} `init-exists`, naming those of the files that are there already. */
export function refuseExisting(folder: string, names: readonly string[]): void {
  const there = names.filter((name) => exists(join(folder, name)));
  if (there.length === 0) return;
  throw new CommandError("setting up Holdfast", {
    code: "init-exists",
    wrong: `there ${there.length === 1 ? "is a file" : "are files"} already: ${there.map((name) => join(folder, name)).join(", ")}`,
    mend: "Name another place by `--config`, or give `--force` to replace them; whatever they held is lost then.",
  });
}

/** A folder is nothing that a file may replace, forced or not. */
function refuseFolders(folder: string, names: readonly string[]): void {
  const found = names.find((name) => statOf(join(folder, name))?.isDirectory() === true);
  if (found === undefined) return;
  throw new CommandError("setting up Holdfast", {
    code: "init-exists",
    wrong: `${join(folder, found)} is a folder, and a file of that name is to be written`,
    mend: "Move the folder away, or name another place by `--config`.",
  });
}

/**
 * @param names of the files that will be placed; without `isForced` none of them may be there.
 * @throws {CommandError} `init-exists`, or `init-failed` where the folder cannot be written.
 */
export function openStaging(folder: string, names: readonly string[], isForced: boolean): Staging {
  if (!isForced) refuseExisting(folder, names);
  refuseFolders(folder, names);
  const staging = join(folder, STAGING);
  const firstMade = attempt(folder, () => mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })) ?? null;
  claim(staging, isForced);
  return {
    folder: staging,
    write: (name, text) => {
      const path = join(staging, name);
      attempt(path, () => writeFileSync(path, text, { mode: FILE_MODE, flush: true }));
    },
    place: (placed) => {
      if (!isForced) refuseExisting(folder, placed);
      placeAll(staging, folder, placed);
    },
    discard: () => {
      rmSync(staging, { recursive: true, force: true });
      if (firstMade !== null) removeEmpty(folder, firstMade);
    },
  };
}

/** Making the folder is the claim: of two setups at one moment only one can. */
function claim(staging: string, isForced: boolean): void {
  if (isForced) attempt(staging, () => rmSync(staging, { recursive: true, force: true }));
  attempt(staging, () => {
    try {
      mkdirSync(staging, { mode: FOLDER_MODE });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      throw new CommandError("setting up Holdfast", {
        code: "init-exists",
        wrong: `another setup is under way here, or one was cut off: ${staging} is there`,
        mend: "If none runs, remove that folder, or give `--force`.",
        cause: error,
      });
    }
    mkdirSync(join(staging, PREVIOUS), { mode: FOLDER_MODE });
  });
}

interface Move {
  readonly from: string;
  readonly to: string;
}

function placeAll(staging: string, folder: string, names: readonly string[]): void {
  const done: Move[] = [];
  const move = (from: string, to: string) => {
    attempt(to, () => renameSync(from, to));
    done.push({ from, to });
  };
  try {
    for (const name of names) {
      const place = join(folder, name);
      if (exists(place)) move(place, join(staging, PREVIOUS, name));
      move(join(staging, name), place);
    }
  } catch (error) {
    for (const { from, to } of done.toReversed()) renameSync(to, from);
    throw error;
  }
}

/** Folders that were made for this setup, from the innermost outwards, as far as nothing else is in them. */
function removeEmpty(folder: string, firstMade: string): void {
  for (let at = folder; at.startsWith(firstMade); at = dirname(at)) {
    try {
      rmdirSync(at);
    } catch {
      return;
    }
  }
}

/** Of a link itself, wherever it leads. */
function statOf(path: string): Stats | undefined {
  return attempt(path, () => lstatSync(path, { throwIfNoEntry: false }));
}

function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

function attempt<Result>(path: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`writing ${path}`, {
      code: "init-failed",
      wrong: `it cannot be written: ${reasonOf(error)}; no file was left behind`,
      mend: "Check the folder's permissions and the disk's free space, or name another place by `--config`.",
      cause: error,
    });
  }
}
