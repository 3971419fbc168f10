import { readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * What the stand-in runner takes from the machine: clock, timers, environment, its own place. Everything else of this
 * folder takes it from here.
 */
export type Environment = { readonly [name: string]: string | undefined };

/** The runner's root: the executables are `<root>/bin/…`, wherever that folder was copied to. */
export function findRoot(): string {
  const executable = process.argv[1];
  if (executable === undefined) throw new Error("finding the runner's root without an executable");
  return dirname(dirname(executable));
}

/** Takes variables out of the environment, so that no child inherits them. */
export function takeEnvironment(names: (name: string) => boolean): Environment {
  const taken: Record<string, string | undefined> = {};
  for (const name of Object.keys(process.env)) {
    if (!names(name)) continue;
    taken[name] = process.env[name];
    delete process.env[name];
  }
  return taken;
}

export function readEnvironment(name: string): string | undefined {
  return process.env[name];
}

export function copyEnvironment(): Environment {
  return { ...process.env };
}

/** `2026-08-19 16:08:55Z`: .NET's format "u". */
export function formatUniversal(now: Date = new Date()): string {
  return now
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}

/** `2026-08-19T16:08:55.1230000Z`: .NET's format "O". */
export function formatRoundTrip(now: Date = new Date()): string {
  return now.toISOString().replace("Z", "0000Z");
}

/** `20260819-160855`. */
export function formatFileStamp(now: Date = new Date()): string {
  return formatUniversal(now).replace(/[-:Z]/g, "").replace(" ", "-");
}

/** `12/28/2021 4:17:55 PM`: as the culture of the runner's host writes it, so nobody should parse it. */
export function formatCulture(epochMs: number): string {
  return new Date(epochMs).toLocaleString("en-US", { timeZone: "UTC" }).replace(",", "");
}

export function nowMs(): number {
  return Date.now();
}

/** Resolves after `delayMs`, or at once when the signal aborts; look at the signal to know which. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal?.addEventListener("abort", end);
  });
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Never resolves, and keeps the process alive. */
export function hang(): Promise<never> {
  return new Promise(() => {
    setInterval(() => {}, 60_000);
  });
}

export function readJsonFile(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

export function writeJsonFile(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, null, 2));
}
