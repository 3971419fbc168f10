import type { Timers } from "./clock.ts";
import type { JobSnapshot } from "./snapshots.ts";

/** Those who wait for something to be true of GitHub. They look again after every change. */
export interface Watchers {
  onJobChange(listener: (job: JobSnapshot) => void): () => void;
  /**
   * Resolves with the first value that `look` returns which is neither undefined, null nor false; looks at once and after
   * every change. Rejects after `timeoutMs`, and when the server closes, naming what was waited for.
   */
  waitFor<Found>(what: string, look: () => Found | undefined | null | false, timeoutMs: number): Promise<Found>;
  changed(jobs: readonly JobSnapshot[]): void;
  close(): void;
}

interface Watch {
  look(): boolean;
  abandon(reason: string): void;
}

export function createWatchers(timers: Timers): Watchers {
  const listeners = new Set<(job: JobSnapshot) => void>();
  const watches = new Set<Watch>();
  return {
    onJobChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    waitFor: <Found>(what: string, look: () => Found | undefined | null | false, timeoutMs: number) => {
      const { promise, resolve, reject } = Promise.withResolvers<Found>();
      const settle = (): void => {
        watches.delete(watch);
        cancel();
      };
      const watch: Watch = {
        look: () => {
          const found = look();
          if (found === undefined || found === null || found === false) return false;
          settle();
          resolve(found);
          return true;
        },
        abandon: (reason) => {
          settle();
          reject(new Error(`waiting for ${what}: ${reason}`));
        },
      };
      const cancel = timers.after(timeoutMs, () => {
        if (!watch.look()) watch.abandon(`not so within ${timeoutMs} ms`);
      });
      watches.add(watch);
      watch.look();
      // Only who awaits it is to hear of a rejection: one that nobody hears would end the process.
      promise.catch(() => {});
      return promise;
    },
    changed: (jobs) => {
      for (const job of jobs) for (const listener of listeners) listener(job);
      for (const watch of [...watches]) watch.look();
    },
    close: () => {
      for (const watch of [...watches]) watch.abandon("the simulator closed");
      listeners.clear();
    },
  };
}
