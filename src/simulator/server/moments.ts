import type { Timers } from "./clock.ts";

/**
 * The steps between GitHub and a runner, in their order. The window between `message-delivered` and `worker-started` is
 * the blind one: nothing but the listener itself knows that it has work.
 */
export type MomentName =
  | "session-created"
  | "message-delivered"
  | "acknowledged"
  | "acquired"
  | "renewed"
  | "worker-started"
  | "completed"
  | "session-deleted";

/**
 * One step of one runner. `before`: the call arrived and GitHub has not acted on it (for `message-delivered`: there is a
 * message for a poll, which is still GitHub's). `after`: GitHub acted, and no byte of the answer is written yet.
 */
export interface Moment {
  readonly name: MomentName;
  readonly side: "before" | "after";
  readonly runnerId: number;
  readonly runnerName: string;
  /** REST's job id; null where the step has no job, or the call named none that exists. */
  readonly jobId: number | null;
}

export interface MomentFilter {
  readonly name: MomentName;
  readonly side?: Moment["side"];
  readonly runnerId?: number;
  readonly jobId?: number;
}

/** A runner's call that is being held up. */
export interface Hold {
  /** Resolves when a matching call is there and waits; rejects if the hold is released or the server closed before. */
  readonly reached: Promise<Moment>;
  /** Lets it go on. Idempotent. */
  release(): void;
}

/** Called at each moment; the call goes on when the promise that it returns is settled. Must not throw. */
export type MomentListener = (moment: Moment) => void | Promise<void>;

export interface Moments {
  /** Returns how to stop listening. Several listeners are awaited together. */
  observe(listener: MomentListener): () => void;
  /** Holds the first call that matches, until released, at most `HOLD_MS_MAX`. */
  hold(filter: MomentFilter): Hold;
}

const HOLD_MS_MAX = 120_000;

export interface MomentBoard extends Moments {
  reach(moment: Moment): Promise<void>;
  releaseAll(): void;
}

export function createMoments(timers: Timers): MomentBoard {
  const listeners = new Set<MomentListener>();
  const holds = new Set<Hold>();
  return {
    observe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    hold: (filter) => {
      const hold = startHold(filter, listeners, timers);
      holds.add(hold);
      return hold;
    },
    reach: async (moment) => {
      await Promise.all([...listeners].map((listener) => listener(moment)));
    },
    releaseAll: () => {
      for (const hold of holds) hold.release();
      holds.clear();
      listeners.clear();
    },
  };
}

function startHold(filter: MomentFilter, listeners: Set<MomentListener>, timers: Timers): Hold {
  const reached = Promise.withResolvers<Moment>();
  const released = Promise.withResolvers<void>();
  // Nobody has to wait for `reached`: an unheard rejection would end the process.
  reached.promise.catch(() => {});
  let cancelTimeout = () => {};
  const listener: MomentListener = (moment) => {
    if (!matches(filter, moment)) return undefined;
    listeners.delete(listener);
    cancelTimeout = timers.after(HOLD_MS_MAX, released.resolve);
    reached.resolve(moment);
    return released.promise;
  };
  listeners.add(listener);
  return {
    reached: reached.promise,
    release: () => {
      listeners.delete(listener);
      cancelTimeout();
      reached.reject(new Error(`released before ${filter.name} was reached`));
      released.resolve();
    },
  };
}

function matches(filter: MomentFilter, moment: Moment): boolean {
  if (filter.name !== moment.name) return false;
  if (filter.side !== undefined && filter.side !== moment.side) return false;
  if (filter.runnerId !== undefined && filter.runnerId !== moment.runnerId) return false;
  return filter.jobId === undefined || filter.jobId === moment.jobId;
}
