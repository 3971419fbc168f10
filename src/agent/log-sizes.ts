/** The sizes of all that a ticket's runner and its Worker write for people. Links are not followed. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { LogSize } from "../domain/host/motion.ts";
import type { TicketId } from "../domain/ids.ts";
import { isFileError } from "./log.ts";
import { outputOf, type Places, perfOf, rootOf } from "./places.ts";

/** Pages and blocks of a step's output are files of their own while they are on their way to GitHub. */
const FOLDERS = ["_diag", "_diag/pages", "_diag/blocks"] as const;
const FILES_MAX = 10_000;

/** @returns why they could not be read, as a text. */
export function readLogSizes(places: Places, ticketId: TicketId): readonly LogSize[] | string {
  const folders = [...FOLDERS.map((name) => join(rootOf(places, ticketId), name)), perfOf(places, ticketId)];
  try {
    const listed = folders.map(listFolder);
    if (listed.includes(null)) return "the logs: not in folders of their own";
    const paths = [...listed.flatMap((names) => names ?? []), outputOf(places, ticketId)];
    if (paths.length > FILES_MAX) return "more logs than we follow";
    return paths.flatMap((path) => sizeOf(path) ?? []);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return `the logs: ${error.code}`;
  }
}

/** Null where it is something else than a folder: whatever is written behind a link is not seen. */
function listFolder(folder: string): readonly string[] | null {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return null;
  return readdirSync(folder).map((name) => join(folder, name));
}

/** Null where it has gone meanwhile. A folder has no size of its own: what is in it is listed, or is no log. */
function sizeOf(path: string): LogSize | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return null;
  return { path, size: `${found.ino} ${found.size} ${found.mtimeMs}` };
}
