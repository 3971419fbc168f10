/**
 * Opens a file that a job may have put there: without following a link, without waiting for a pipe's other end, and only
 * if it is a regular file.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isFileError } from "./log.ts";

export type Opened =
  | { readonly kind: "open"; readonly file: number; readonly size: number; readonly inode: number }
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly why: string };

export function openSafely(path: string): Opened {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = fstatSync(file);
    if (found.isFile()) return { kind: "open", file, size: found.size, inode: found.ino };
    closeSync(file);
    return { kind: "unreadable", why: "not a regular file" };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return error.code === "ENOENT" ? { kind: "absent" } : { kind: "unreadable", why: error.code };
  }
}

/** Reads from an offset, at most `bytesMax`, and closes nothing. */
export function readFrom(file: number, offset: number, bytesMax: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, bytesMax));
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(file, buffer, length, buffer.length - length, offset + length);
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, length);
}
