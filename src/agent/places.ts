/** Where the agent keeps what, under its own folder and the volatile one. Links are resolved: `/proc` shows no others. */
import { chmodSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { HostSettings } from "../domain/host/settings.ts";
import type { TicketId } from "../domain/ids.ts";

export interface Places {
  readonly directory: string;
  readonly volatileDirectory: string;
  /** A folder for each ticket, and `next`, the one that waits for its ticket. */
  readonly rootsDirectory: string;
  /** What the runners print, a file for each ticket. */
  readonly outputDirectory: string;
}

/** For nobody but us; and where others may pass through to what is theirs, without seeing what else there is. */
const PRIVATE_MODE = 0o700;
const PASSABLE_MODE = 0o711;

/** @param isPassable another user's runner lives in there. */
export function makePlaces(
  settings: Pick<HostSettings, "directory" | "volatileDirectory">,
  isPassable = false,
): Places {
  const make = (path: string) => {
    // The folders above it too, where they are not there yet: an image holds none of them.
    mkdirSync(path, { recursive: true, mode: isPassable ? PASSABLE_MODE : PRIVATE_MODE });
    if (isPassable) chmodSync(path, PASSABLE_MODE);
    return realpathSync(path);
  };
  const directory = make(settings.directory);
  return {
    directory,
    volatileDirectory: make(settings.volatileDirectory),
    rootsDirectory: make(join(directory, "roots")),
    outputDirectory: make(join(directory, "output")),
  };
}

export function rootOf(places: Places, ticketId: TicketId): string {
  return join(places.rootsDirectory, ticketId);
}

export function outputOf(places: Places, ticketId: TicketId): string {
  return join(places.outputDirectory, `${ticketId}.log`);
}

/** The folder that RUNNER_PERFLOG names. */
export function perfOf(places: Places, ticketId: TicketId): string {
  return join(places.volatileDirectory, ticketId);
}

/** In the volatile folder: a folder for each fence that was closed around a ticket's listener. */
export const FENCES = "fences";

export function fencesOf(places: Places): string {
  return join(places.volatileDirectory, FENCES);
}
