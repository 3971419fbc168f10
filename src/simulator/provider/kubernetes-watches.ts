/** The watches that processes of the world have open on its cluster: what they are told is on its way for a moment. */
import { advance } from "../kubernetes/life.ts";
import type { KubernetesState } from "../kubernetes/state.ts";
import { nextWatchMs, readWatch, type Watch, type WatchEvent } from "../kubernetes/watch.ts";
import type { Chance, Range } from "../world/chance.ts";
import type { Scheduled, Scheduler } from "../world/scheduler.ts";

const WAY_MS: Range = [5, 200];

export interface Watcher {
  /** Runs code of the process; nothing where it is dead. */
  readonly deliver: (run: () => void) => void;
  readonly isDead: () => boolean;
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  readonly onEnd: () => void;
}

interface Open extends Watcher {
  readonly watch: Watch;
  /** What is told later never comes before what was told. */
  toldAtMs: number;
  wake: Scheduled | null;
}

export class KubernetesWatches {
  readonly #scheduler: Scheduler;
  readonly #state: KubernetesState;
  readonly #ways: Chance;
  readonly #open = new Set<Open>();

  constructor(scheduler: Scheduler, state: KubernetesState, ways: Chance) {
    this.#scheduler = scheduler;
    this.#state = state;
    this.#ways = ways;
  }

  /** @returns breaks it off: nobody is told of it any more. */
  open(watch: Watch, watcher: Watcher): () => void {
    const open: Open = { ...watcher, watch, toldAtMs: this.#scheduler.nowMs, wake: null };
    this.#open.add(open);
    this.#read(open);
    return () => this.#close(open);
  }

  /** To be called after whatever changed. */
  read(): void {
    for (const open of this.#open) this.#read(open);
  }

  #read(open: Open): void {
    if (open.isDead()) {
      this.#close(open);
      return;
    }
    const { nowMs } = this.#scheduler;
    const events = readWatch(this.#state, open.watch, nowMs);
    if (events.length > 0) this.#tell(open, () => open.onEvents(events));
    if (open.watch.isOver) {
      this.#tell(open, () => open.onEnd());
      this.#close(open);
      return;
    }
    open.wake?.cancel();
    const nextMs = Math.max(nowMs + 1, nextWatchMs(this.#state, open.watch, nowMs));
    open.wake = this.#scheduler.at(nextMs, () => {
      advance(this.#state, this.#scheduler.nowMs);
      this.#read(open);
    });
  }

  #tell(open: Open, tell: () => void): void {
    open.toldAtMs = Math.max(open.toldAtMs, this.#scheduler.nowMs + this.#ways.between(WAY_MS));
    this.#scheduler.at(open.toldAtMs, () => open.deliver(tell));
  }

  #close(open: Open): void {
    open.wake?.cancel();
    this.#open.delete(open);
  }
}
