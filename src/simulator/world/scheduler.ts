/**
 * The world's time. Everything that happens is an event at a moment; events of one moment happen in the order in which they
 * were asked for. Between two events nothing runs: whatever an event set going has come to rest, or waits for a later one.
 */
import { invariant } from "../../domain/invariant.ts";
import { drain } from "./system/drain.ts";

export interface Scheduled {
  /** Idempotent; does nothing once it has happened. */
  cancel(): void;
}

interface Entry extends Scheduled {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

export class Scheduler {
  /** By moment, then by order: a binary heap. */
  readonly #heap: Entry[] = [];
  #nowMs: number;
  #orderCount = 0;
  #eventCount = 0;
  #isDisturbed = false;

  /** @param startMs epoch milliseconds at which the world begins. */
  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  /** The world's own time, which nobody steps: epoch milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have happened. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** @param atMs rounded up to whole milliseconds; a moment that is past means: next. */
  at(atMs: number, run: () => void): Scheduled {
    const entry: Entry = {
      atMs: Math.max(Math.ceil(atMs), this.#nowMs),
      order: ++this.#orderCount,
      run,
      cancel: () => {
        entry.run = null;
      },
    };
    this.#push(entry);
    return entry;
  }

  after(delayMs: number, run: () => void): Scheduled {
    return this.at(this.#nowMs + delayMs, run);
  }

  /** To be said by an event that set code going which goes on by promises: the next event waits for it. */
  disturb(): void {
    this.#isDisturbed = true;
  }

  /** Runs `run` now and then every so often, until cancelled. */
  every(periodMs: number, run: () => void): Scheduled {
    invariant(periodMs > 0, "a period has a length");
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      run();
      this.after(periodMs, again);
    };
    this.after(0, again);
    return {
      cancel: () => {
        isOver = true;
      },
    };
  }

  /** @returns when everything has happened that is due by then, and the world stands at that moment. */
  async runUntil(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs && !isOver(); next = this.#heap[0]) {
      this.#pop();
      const { run } = next;
      if (run === null) continue;
      this.#nowMs = next.atMs;
      this.#eventCount += 1;
      next.run = null;
      run();
      if (!this.#isDisturbed) continue;
      this.#isDisturbed = false;
      await drain();
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent] as Entry, entry)) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry);
      const child = isRight ? right : left;
      if (isBefore(last, heap[child] as Entry)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
