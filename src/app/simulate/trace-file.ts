/** Writes a world's events as lines of JSON, while they happen. */
import { closeSync, openSync, writeSync } from "node:fs";
import { formatInstant } from "../../domain/instant.ts";
import type { WorldEvent } from "../../simulator/world/event-log.ts";
import { CommandError } from "../commands/failure.ts";
import { reasonOf } from "../config/secret-sources.ts";

export interface TraceFile {
  readonly onEvent: (event: WorldEvent) => void;
  /** Writes what is left. */
  close(): void;
}

/** Written at once: a world has events by the hundred thousand. */
const CHUNK_LENGTH = 256 * 1024;

/** @throws {CommandError} `trace-unwritable` */
export function openTrace(path: string, startMs: number): TraceFile {
  const attempted = `writing the trace ${path}`;
  const file = guarded(attempted, () => openSync(path, "w"));
  let pending = "";
  const flush = (): void => {
    const text = pending;
    pending = "";
    guarded(attempted, () => writeSync(file, text));
  };
  return {
    onEvent: ({ atMs, text, subjects }) => {
      pending += `${JSON.stringify({ atMs, at: formatInstant(startMs + atMs), subjects, text })}\n`;
      if (pending.length >= CHUNK_LENGTH) flush();
    },
    close: () => {
      flush();
      closeSync(file);
    },
  };
}

function guarded<Value>(attempted: string, write: () => Value): Value {
  try {
    return write();
  } catch (error) {
    const mend = "Name a file that can be written, in a folder that is there.";
    throw new CommandError(attempted, { code: "trace-unwritable", wrong: reasonOf(error), mend, cause: error });
  }
}
