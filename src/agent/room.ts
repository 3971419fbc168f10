/** Whether there is room to write: a runner on a full disk says nothing of the job that it gets. */
import { statfsSync } from "node:fs";
import { isFileError } from "./log.ts";

/** Far more than the lines of an assignment take. */
const FREE_BYTES_MIN = 256 * 1024;

/** What cannot be told is no room. */
export function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    return bavail * bsize >= FREE_BYTES_MIN && (files === 0 || ffree > 0);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}
