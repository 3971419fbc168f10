import { HOUR_MS } from "../../domain/units.ts";

/**
 * Real time for the HTTP server: the only file of it that reads the clock or starts a timer. The model takes the time as
 * an argument. Every timer is started through one of these, so that `clear` at the end leaves none behind.
 */
export interface Timers {
  nowMs(): number;
  /** Moves the clock, and no timer with it. */
  shift(byMs: number): void;
  /** Runs `action` once after `delayMs` unless it is cancelled, which is what the result does. */
  after(delayMs: number, action: () => void): () => void;
  /** Resolves after `delayMs`, or at once when the timers are cleared. */
  sleep(delayMs: number): Promise<void>;
  clear(): void;
}

/** A longer timer would overflow and fire at once; whoever waits for more looks again. */
const DELAY_MS_MAX = HOUR_MS;

/** @param initialOffsetMs how far this clock is ahead of the machine's. */
export function createTimers(initialOffsetMs = 0): Timers {
  let offsetMs = initialOffsetMs;
  const pending = new Map<NodeJS.Timeout, () => void>();
  let isCleared = false;
  const start = (delayMs: number, action: () => void, onClear: () => void): (() => void) => {
    if (isCleared) {
      onClear();
      return () => {};
    }
    const timer = setTimeout(
      () => {
        pending.delete(timer);
        action();
      },
      Math.min(Math.max(delayMs, 0), DELAY_MS_MAX),
    );
    pending.set(timer, onClear);
    return () => {
      clearTimeout(timer);
      pending.delete(timer);
    };
  };
  return {
    nowMs: () => Date.now() + offsetMs,
    shift: (byMs) => {
      offsetMs += byMs;
    },
    after: (delayMs, action) => start(delayMs, action, () => {}),
    sleep: (delayMs) => new Promise((resolve) => start(delayMs, resolve, resolve)),
    clear: () => {
      isCleared = true;
      for (const [timer, onClear] of pending) {
        clearTimeout(timer);
        onClear();
      }
      pending.clear();
    },
  };
}

/** An instant of an answer, as the official clients hand it on. */
export function readDate(text: string): Date {
  return new Date(text);
}

/** As a `date` header has it. */
export function formatHttpDate(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}
