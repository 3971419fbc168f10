/**
 * What a runner writes of itself: the listener's log and the perf file, as texts of the real shape, and a reader that folds
 * them with the product's own parser as far as they have grown. On a full disk its lines are lost.
 */
import type { FilesSight } from "../../domain/host/look.ts";
import type { LogSize } from "../../domain/host/motion.ts";
import { foldLogLine, foldPerfLine, NO_FACTS, type RunnerFacts } from "../../domain/host/runner-log.ts";
import { formatInstant } from "../../domain/instant.ts";

export class RunnerFiles {
  readonly log: string[] = [];
  readonly perf: string[] = [];
  /** The self-update left its mark in the root. */
  isUpdateFinished = false;
  /** Lines that it wrote are nowhere: nobody on the machine can tell what it was given. */
  hasLostLines = false;
  #byteCount = 0;
  #workerLogBytes = 0;
  readonly #now: () => number;
  readonly #hasRoom: () => boolean;
  readonly #onLine: () => void;

  constructor(world: { readonly now: () => number; readonly hasRoom: () => boolean; readonly onLine: () => void }) {
    this.#now = world.now;
    this.#hasRoom = world.hasRoom;
    this.#onLine = world.onLine;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** `[2026-08-19 16:08:55Z INFO JobDispatcher] text` */
  trace(source: string, text: string, severity: "INFO" | "ERR " = "INFO"): void {
    this.#write(this.log, `[${this.#universal()} ${severity} ${source}] ${text}`);
  }

  writeLine(text: string): void {
    this.trace("Terminal", `WRITE LINE: ${text}`);
  }

  /** With the time before it, as most of them are. */
  writeTimedLine(text: string): void {
    this.writeLine(`${this.#universal()}: ${text}`);
  }

  writeError(text: string): void {
    this.trace("Terminal", `WRITE ERROR: ${text}`, "ERR ");
  }

  /** `Counter:2026-08-19T16:08:55.1230000Z` */
  count(counter: string): void {
    this.#write(this.perf, `${counter.replaceAll(":", "_")}:${formatInstant(this.#now())}`);
  }

  /** The Worker's log grows with its work. */
  writeOfWorker(byteCount: number): void {
    if (this.#hasRoom()) this.#workerLogBytes += byteCount;
  }

  sizes(): readonly LogSize[] {
    return [
      { path: "_diag/Runner.log", size: String(this.#byteCount) },
      { path: "_diag/Worker.log", size: String(this.#workerLogBytes) },
    ];
  }

  #write(file: string[], line: string): void {
    if (!this.#hasRoom()) {
      this.hasLostLines = true;
      return;
    }
    file.push(line);
    this.#byteCount += line.length + 1;
    this.#onLine();
  }

  #universal(): string {
    return `${formatInstant(this.#now()).slice(0, 19).replace("T", " ")}Z`;
  }
}

/** One agent's reading of one ticket's files. */
export class FilesReader {
  readonly #files: RunnerFiles | null;
  #facts: RunnerFacts = NO_FACTS;
  #logCount = 0;
  #perfCount = 0;

  /** @param files null where there is no such root. */
  constructor(files: RunnerFiles | null) {
    this.#files = files;
  }

  look(): FilesSight {
    const files = this.#files;
    if (files !== null) this.#readOn(files);
    return {
      facts: this.#facts,
      isComplete: true,
      isLineOpen: false,
      byteCount: files?.byteCount ?? 0,
      unreadable: null,
      isUpdateFinished: files?.isUpdateFinished ?? false,
    };
  }

  /** The perf file first: an assignment that it does not show yet has no close in the log either. */
  #readOn({ log, perf }: RunnerFiles): void {
    for (; this.#perfCount < perf.length; this.#perfCount += 1)
      this.#facts = foldPerfLine(this.#facts, perf[this.#perfCount] ?? "");
    for (; this.#logCount < log.length; this.#logCount += 1)
      this.#facts = foldLogLine(this.#facts, log[this.#logCount] ?? "");
    if (log.length > 0 && !this.#facts.hasLog) this.#facts = { ...this.#facts, hasLog: true };
  }
}
