/** Where the agent touches its machine's clock, chance, environment and signals. Nothing else of the agent does. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

export interface System {
  /** The present moment, for log lines that people read. */
  timestamp(): string;
  /** Milliseconds that only grow. They may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Milliseconds by a clock that is set by others, and that a sleep does not stop. */
  wallClockMs(): number;
  /** Resolves after `durationMs`, or at once when the signal aborts; never rejects. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Aborts after `durationMs`. */
  timeout(durationMs: number): AbortSignal;
  /** A number in [0, 1). */
  fraction(): number;
  /** Hexadecimal digits that nobody draws twice. */
  token(): string;
}

export const system: System = {
  timestamp: () => new Date().toISOString(),
  monotonicMs: () => performance.now(),
  wallClockMs: () => Date.now(),
  sleep: (durationMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, durationMs);
      signal?.addEventListener("abort", end);
    }),
  timeout: (durationMs) => AbortSignal.timeout(durationMs),
  fraction: () => Math.random(),
  token: () => randomBytes(16).toString("hex"),
};

export type Environment = Readonly<Record<string, string | undefined>>;

export function readEnvironment(): Environment {
  return process.env;
}

/** Whether the agent, and so the runner that it starts, is the root user. */
export function isRootUser(): boolean {
  return ownUserId() === 0;
}

/** Null where users have no numbers. */
export function ownUserId(): number | null {
  return process.getuid?.() ?? null;
}

/** The kernel's boot id; where there is none, the boot is told by nothing better than the platform. */
export function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return `unknown-${process.platform}`;
  }
}

/** Calls back for each of the signals that ask the agent to end. A hangup ends nothing. */
export function onAskedToStop(callback: () => void): void {
  process.on("SIGTERM", callback);
  process.on("SIGINT", callback);
  process.on("SIGHUP", () => {});
}
