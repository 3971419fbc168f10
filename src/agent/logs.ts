/** The last lines of what a ticket's runner and the agent wrote, to be kept with the controller before the root goes. */
import { closeSync, lstatSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { TicketId } from "../domain/ids.ts";
import type { SavedLogs } from "../domain/protocol.ts";
import { isFileError } from "./log.ts";
import { outputOf, type Places, rootOf } from "./places.ts";
import { openSafely, readFrom } from "./safe-file.ts";

export const LOG_LINES_MAX = 200;
export const LOG_BYTES_MAX = 64 * 1024;
/** The controller takes no longer ones; a Worker's log has the whole job in it. */
export const LOG_LINE_LENGTH_MAX = 4_000;
/** Of each kind the latest: a ticket has one listener, or two after an update, and one Worker. */
const LOGS_PER_KIND_MAX = 2;

type Logs = SavedLogs["logs"];

/** @param secret never sent, wherever it was printed. */
export function collectLogs(places: Places, ticketId: TicketId, agentLog: string, secret: string | null): Logs {
  const diagnostics = join(rootOf(places, ticketId), "_diag");
  const paths = [
    agentLog,
    outputOf(places, ticketId),
    ...latest(diagnostics, "Runner_"),
    ...latest(diagnostics, "Worker_"),
  ];
  return paths.flatMap((path) => {
    const lines = lastLines(path);
    if (lines === null) return [];
    const name = path === outputOf(places, ticketId) ? "runner-output.log" : basename(path);
    return [{ name, lines: lines.map((line) => blot(line, secret).slice(0, LOG_LINE_LENGTH_MAX)) }];
  });
}

function blot(line: string, secret: string | null): string {
  return secret === null || secret === "" ? line : line.replaceAll(secret, "***");
}

function latest(folder: string, prefix: string): readonly string[] {
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    const names = readdirSync(folder).filter((name) => name.startsWith(prefix) && name.endsWith(".log"));
    return names
      .sort()
      .slice(-LOGS_PER_KIND_MAX)
      .map((name) => join(folder, name));
  } catch (error) {
    if (!isFileError(error)) throw error;
    return [];
  }
}

/** Null where the file cannot be read: a missing log is not worth more. */
function lastLines(path: string): readonly string[] | null {
  const opened = openSafely(path);
  if (opened.kind !== "open") return null;
  try {
    const offset = Math.max(0, opened.size - LOG_BYTES_MAX);
    const lines = readFrom(opened.file, offset, LOG_BYTES_MAX).toString("utf8").split(/\r?\n/);
    // Read from the middle, the first line has no beginning.
    const whole = offset > 0 ? lines.slice(1) : lines;
    return (whole.at(-1) === "" ? whole.slice(0, -1) : whole).slice(-LOG_LINES_MAX);
  } catch (error) {
    if (!isFileError(error)) throw error;
    return null;
  } finally {
    closeSync(opened.file);
  }
}
