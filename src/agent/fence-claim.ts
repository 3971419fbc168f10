/**
 * What is decided about one fence, as the name of a file in its folder on tmpfs: `open`, then `kill` or `resume`. Agent and
 * watchdog rename it, and only one rename of `open` can succeed. A fence is never closed twice in the same folder.
 */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isFileError } from "./log.ts";

export type Claim = "kill" | "resume";

const OPEN = "open";
const CLAIMS: readonly Claim[] = ["kill", "resume"];

export function makeClaim(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Not empty, so that a full tmpfs shows before anything is stopped.
  writeFileSync(join(folder, OPEN), "open\n", { flag: "wx", mode: 0o600 });
}

/** @returns whether this call decided it. */
export function takeClaim(folder: string, claim: Claim): boolean {
  return rename(folder, OPEN, claim);
}

/** For who holds the kill, or knows that nobody does any more: the listener is to go on after all. */
export function giveUpKill(folder: string): void {
  rename(folder, "kill", "resume");
}

/** Null while it is open, and where there is no such fence. */
export function readClaim(folder: string): Claim | null {
  try {
    const names = readdirSync(folder);
    return CLAIMS.find((claim) => names.includes(claim)) ?? null;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  }
}

function rename(folder: string, from: string, to: string): boolean {
  try {
    renameSync(join(folder, from), join(folder, to));
    return true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}
