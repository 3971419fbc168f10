/**
 * The agent's own log: one JSON object a line in a file of bounded size, and never a secret. Not to standard output: the
 * agent must not depend on whoever reads it.
 */
import { appendFileSync, renameSync, statSync } from "node:fs";
import type { System } from "./system.ts";

const LOG_BYTES_MAX = 1024 * 1024;

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  readonly path: string;
  write(message: string, fields?: LogFields): void;
}

/** A log that cannot be written is no reason to stop: what decides is the journal. */
export function openLog(path: string, system: System): Log {
  return {
    path,
    write(message, fields = {}) {
      const line = `${JSON.stringify({ at: system.timestamp(), message, ...fields })}\n`;
      try {
        if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= LOG_BYTES_MAX) renameSync(path, `${path}.1`);
        appendFileSync(path, line, { mode: 0o600 });
      } catch (error) {
        if (!isFileError(error)) throw error;
      }
    },
  };
}

/** What the file system answered, as opposed to a bug of ours. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && "syscall" in error;
}

/** An error with its chain of causes in one line. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 5; at = at.cause) parts.push(at.message);
  return parts.length === 0 ? String(error) : parts.join(": ");
}
