/**
 * Who this agent is: an incarnation, drawn at each start, kept with the kernel's boot id on tmpfs. A later agent tells by it
 * whether it still is the same boot: a process's number and start time name nobody in another one.
 */
import { closeSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type IncarnationId, parseIncarnationId } from "../domain/ids.ts";
import { isFileError, type Log } from "./log.ts";
import { openSafely, readFrom } from "./safe-file.ts";
import type { System } from "./system.ts";

const FILE = "incarnation.json";
const FILE_BYTES_MAX = 4_096;

export interface Incarnation {
  readonly id: IncarnationId;
  /** The agent before this one wrote down the same boot. Where nothing can be read it is not certain, and so not the same. */
  readonly isSameBoot: boolean;
}

export function drawIncarnation(volatileDirectory: string, bootId: string, system: System, log: Log): Incarnation {
  const id = parseIncarnationId(system.token());
  const path = join(volatileDirectory, FILE);
  const isSameBoot = readBootIdOf(path) === bootId;
  try {
    writeFileSync(`${path}.new`, `${JSON.stringify({ incarnation: id, bootId })}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    // A full tmpfs must not keep the agent from a job that runs: the next one is in doubt about the boot.
    if (!isFileError(error)) throw error;
    log.write("the incarnation is not kept", { code: error.code });
  }
  return { id, isSameBoot };
}

function readBootIdOf(path: string): string | null {
  const opened = openSafely(path);
  if (opened.kind !== "open") return null;
  try {
    const { bootId } = JSON.parse(readFrom(opened.file, 0, FILE_BYTES_MAX).toString("utf8")) as { bootId?: unknown };
    return typeof bootId === "string" ? bootId : null;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError) && !isFileError(error)) throw error;
    return null;
  } finally {
    closeSync(opened.file);
  }
}
