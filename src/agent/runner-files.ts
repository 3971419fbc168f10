/** Follows the files of one ticket's runner, as far as they have grown at each look. Bounded: what is more waits. */
import { closeSync, lstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FilesSight } from "../domain/host/look.ts";
import { foldLogLine, foldPerfLine, NO_FACTS, type RunnerFacts } from "../domain/host/runner-log.ts";
import type { TicketId } from "../domain/ids.ts";
import { isFileError } from "./log.ts";
import { type Places, perfOf, rootOf } from "./places.ts";
import { openSafely, readFrom } from "./safe-file.ts";

const BYTES_PER_LOOK_MAX = 4 * 1024 * 1024;
/** The runner begins a new file at 8 MB; a single-use runner writes one, an update a second. */
const LOG_FILES_MAX = 50;
/** A longer line is cut: none of those that count comes near. */
const LINE_BYTES_MAX = 64 * 1024;
const LOG_NAME = /^Runner_\d{8}-\d{6}-utc\.log$/;

interface Cursor {
  readonly inode: number;
  readonly offset: number;
  /** The beginning of a line whose end is not written yet. */
  readonly rest: Buffer;
}

type Fold = (facts: RunnerFacts, line: string) => RunnerFacts;

export class RunnerFiles {
  readonly #root: string;
  readonly #perfFile: string;
  readonly #cursors = new Map<string, Cursor>();
  #facts: RunnerFacts = NO_FACTS;

  constructor(places: Places, ticketId: TicketId) {
    this.#root = rootOf(places, ticketId);
    this.#perfFile = join(perfOf(places, ticketId), "Runner.perf");
  }

  look(): FilesSight {
    const logs = listLogs(this.#root);
    const troubles: string[] = typeof logs === "string" ? [logs] : [];
    let bytesLeft = BYTES_PER_LOOK_MAX;
    let byteCount = 0;
    // The perf file first: an assignment that it does not show yet has no close in the log either.
    const files: [string, Fold][] = [[this.#perfFile, foldPerfLine]];
    // Those that were there are looked for again, listed or not.
    const known = [...this.#cursors.keys()].filter((path) => path !== this.#perfFile);
    for (const log of new Set([...known, ...(typeof logs === "string" ? [] : logs)])) files.push([log, foldLogLine]);
    for (const [path, fold] of files) {
      const read = this.#readOn(path, fold, bytesLeft);
      if (typeof read === "string") troubles.push(`${basename(path)}: ${read}`);
      else {
        bytesLeft -= read.readCount;
        byteCount += read.size;
      }
    }
    for (const folder of [this.#root, dirname(this.#perfFile)]) {
      if (!isFolderOrAbsent(folder)) troubles.push(`${basename(folder)}: not a folder of its own`);
    }
    const update = seeEntry(join(this.#root, "update.finished"));
    if (update !== "there" && update !== "absent") troubles.push(`update.finished: ${update}`);
    if (typeof logs !== "string" && logs.length > 0) this.#facts = { ...this.#facts, hasLog: true };
    return {
      facts: this.#facts,
      isComplete: bytesLeft > 0,
      isLineOpen: [...this.#cursors.values()].some(({ rest }) => rest.length > 0),
      byteCount,
      unreadable: troubles[0] ?? null,
      isUpdateFinished: update === "there",
    };
  }

  /** @returns how many bytes were read of how large a file, or why none could be. */
  #readOn(path: string, fold: Fold, bytesMax: number): { readonly readCount: number; readonly size: number } | string {
    const opened = openSafely(path);
    const before = this.#cursors.get(path) ?? null;
    if (opened.kind === "unreadable") return opened.why;
    if (opened.kind === "absent") return before === null ? { readCount: 0, size: 0 } : "it was removed";
    try {
      const cursor = before ?? { inode: opened.inode, offset: 0, rest: Buffer.alloc(0) };
      if (opened.inode !== cursor.inode || opened.size < cursor.offset) return "it was replaced";
      const bytes = readFrom(opened.file, cursor.offset, Math.min(bytesMax, opened.size - cursor.offset));
      this.#cursors.set(path, this.#foldLines(cursor, bytes, fold));
      return { readCount: bytes.length, size: opened.size };
    } catch (error) {
      if (!isFileError(error)) throw error;
      return error.code;
    } finally {
      closeSync(opened.file);
    }
  }

  #foldLines(cursor: Cursor, bytes: Buffer, fold: Fold): Cursor {
    const all = Buffer.concat([cursor.rest, bytes]);
    const end = all.lastIndexOf("\n") + 1;
    for (const line of all.subarray(0, end).toString("utf8").split(/\r?\n/)) this.#facts = fold(this.#facts, line);
    return { ...cursor, offset: cursor.offset + bytes.length, rest: all.subarray(end).subarray(0, LINE_BYTES_MAX) };
  }
}

/** Whether there is such an entry, of whatever kind; or why that cannot be told. */
function seeEntry(path: string): "there" | "absent" | string {
  try {
    lstatSync(path);
    return "there";
  } catch (error) {
    if (!isFileError(error)) throw error;
    return error.code === "ENOENT" ? "absent" : error.code;
  }
}

/** A link leads to files that are another's; what cannot be told is none of ours. */
function isFolderOrAbsent(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return false;
  }
}

/** The listener's logs, oldest first, or why they cannot be listed. */
function listLogs(root: string): readonly string[] | string {
  const folder = join(root, "_diag");
  try {
    if (!lstatSync(folder).isDirectory()) return "_diag is not a folder";
    const names = readdirSync(folder).filter((name) => LOG_NAME.test(name));
    if (names.length > LOG_FILES_MAX) return "more logs than we follow";
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (!isFileError(error)) throw error;
    return error.code === "ENOENT" ? [] : `_diag: ${error.code}`;
  }
}
