/** The journal as a file: read once, then appended to, each entry durable before the call returns. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { formatEntry, type JournalEntry, type JournalReading, readJournal } from "../domain/host/journal.ts";
import { isFileError } from "./log.ts";

const JOURNAL_BYTES_MAX = 4 * 1024 * 1024;

export interface Journal {
  readonly reading: JournalReading;
  /**
   * Blocks until the entry is durable.
   * @throws where it cannot be written: the agent must end, and what the entry permits must not be done.
   */
  append(entry: JournalEntry): void;
}

/**
 * Opens the journal of a machine, makes an empty one at its first start, and takes off a last line that was being written
 * when the agent died, so that the next entry does not run into it.
 */
export function openJournal(directory: string, rootsDirectory: string): Journal {
  try {
    return openFile(directory, rootsDirectory);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return unreadable(`the journal cannot be read: ${error.code}`);
  }
}

function openFile(directory: string, rootsDirectory: string): Journal {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = openSync(join(directory, "journal.jsonl"), flags, 0o600);
  const found = fstatSync(file);
  if (!found.isFile() || found.size > JOURNAL_BYTES_MAX) {
    closeSync(file);
    return unreadable("the journal is not a regular file of a size that we write");
  }
  if (found.size === 0 && hasTicketRoot(rootsDirectory)) {
    closeSync(file);
    return unreadable("the journal is empty although a ticket's root is there");
  }
  const bytes = readFileSync(file);
  const reading = readJournal(bytes.toString("utf8"));
  if (reading.kind === "unreadable") {
    closeSync(file);
    return unreadable(reading.why);
  }
  const wholeBytes = bytes.lastIndexOf("\n") + 1;
  if (wholeBytes < bytes.length) ftruncateSync(file, wholeBytes);
  fsyncSync(file);
  syncDirectory(directory);
  return { reading, append: (entry) => append(file, entry) };
}

function append(file: number, entry: JournalEntry): void {
  const bytes = Buffer.from(formatEntry(entry));
  const written = writeSync(file, bytes);
  // What was written of it is a torn line, which the next start takes off.
  if (written !== bytes.length) throw new Error(`writing the journal entry ${entry.kind}: ${written} bytes went in`);
  fsyncSync(file);
}

function unreadable(why: string): Journal {
  return {
    reading: { kind: "unreadable", why },
    append: (entry) => {
      throw new Error(`writing ${entry.kind} to a journal that cannot be read`);
    },
  };
}

function hasTicketRoot(rootsDirectory: string): boolean {
  return readdirSync(rootsDirectory).some((name) => name.startsWith("t-"));
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, constants.O_RDONLY);
  fsyncSync(handle);
  closeSync(handle);
}
