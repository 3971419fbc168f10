/** A process in a time of its own, and what becomes of promises there. */

import { WorldProcess } from "../../../src/simulator/world/process.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";

export const START_MS = 1_000_000;

export interface ProcessScene {
  readonly scheduler: Scheduler;
  /** With the moments, since the start. */
  readonly happened: string[];
  readonly note: (what: string) => void;
  readonly makeProcess: (name?: string, wallOffsetMs?: () => number) => WorldProcess;
  /** Notes what becomes of it. */
  readonly watch: (promise: Promise<unknown>, what?: string) => void;
  readonly pass: (forMs: number) => Promise<void>;
}

export function makeProcessScene(): ProcessScene {
  const scheduler = new Scheduler(START_MS);
  const happened: string[] = [];
  const note = (what: string): void => void happened.push(`${scheduler.nowMs - START_MS} ${what}`);
  return {
    scheduler,
    happened,
    note,
    makeProcess: (name = "controller-1", wallOffsetMs = () => 0) =>
      new WorldProcess(name, scheduler, wallOffsetMs, () => note(`${name} is dead`)),
    watch: (promise, what = "") => {
      const say = (outcome: string) => note(`${what}${outcome}`);
      promise.then(
        (value) => say(String(value)),
        (error: unknown) => say(error instanceof Error ? `failed: ${error.message}` : String(error)),
      );
    },
    pass: (forMs) => scheduler.runUntil(scheduler.nowMs + forMs),
  };
}
