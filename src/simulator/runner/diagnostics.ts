import { appendFileSync, closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { formatFileStamp, formatRoundTrip, formatUniversal, readEnvironment } from "./system.ts";

export type Severity = "INFO" | "ERR " | "WARN";

/** One process's log, in the real shape, and its perf counters if `RUNNER_PERFLOG` names a folder. */
export interface Diagnostics {
  readonly logPath: string;
  /** `[2026-08-19 16:08:55Z INFO JobDispatcher] text`; further lines of a text have no prefix. */
  trace(source: string, text: string, severity?: Severity): void;
  /** To the console, and traced as `Terminal] WRITE LINE: …`. */
  writeLine(text: string): void;
  writeError(text: string): void;
  /** `Counter:2026-08-19T16:08:55.1230000Z` into `<RUNNER_PERFLOG>/<name>.perf`. */
  count(counter: string): void;
  /** A descriptor on the log, for the output of steps. The caller closes it. */
  openForAppending(): number;
}

/** @param name `Runner` for the listener, `Worker` for a Worker: the real runner names its files so. */
export function createDiagnostics(root: string, name: "Runner" | "Worker"): Diagnostics {
  const directory = join(root, "_diag");
  mkdirSync(directory, { recursive: true });
  const logPath = join(directory, `${name}_${formatFileStamp()}-utc.log`);
  const descriptor = openSync(logPath, "a");
  const perfDirectory = readEnvironment("RUNNER_PERFLOG");
  const perfPath = perfDirectory === undefined || perfDirectory === "" ? null : join(perfDirectory, `${name}.perf`);
  const trace: Diagnostics["trace"] = (source, text, severity = "INFO") => {
    ignoringFailure(() => writeSync(descriptor, `[${formatUniversal()} ${severity} ${source}] ${text}\n`));
  };
  return {
    logPath,
    trace,
    writeLine: (text) => {
      trace("Terminal", `WRITE LINE: ${text}`);
      print(1, text);
    },
    writeError: (text) => {
      trace("Terminal", `WRITE ERROR: ${text}`, "ERR ");
      print(2, text);
    },
    count: (counter) => {
      if (perfPath === null) return;
      ignoringFailure(() => appendFileSync(perfPath, `${counter.replaceAll(":", "_")}:${formatRoundTrip()}\n`));
    },
    openForAppending: () => openSync(logPath, "a"),
  };
}

/** Straight to the descriptor: whoever started the runner may have closed its end of the pipe. */
function print(descriptor: 1 | 2, text: string): void {
  ignoringFailure(() => writeSync(descriptor, `${text}\n`));
}

/** A full disk or a closed pipe must not end a job; the real runner swallows these too. */
function ignoringFailure(write: () => unknown): void {
  try {
    write();
  } catch {
    // There is nowhere left to say so.
  }
}

export function closeQuietly(descriptor: number): void {
  ignoringFailure(() => closeSync(descriptor));
}
