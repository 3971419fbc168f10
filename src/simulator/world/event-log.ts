/** What happened, in its order: the digest that tells two runs apart, and the last events of each subject for a report. */
import { createHash } from "node:crypto";

export interface WorldEvent {
  readonly atMs: number;
  /** In words, without ids that are not the world's own. */
  readonly text: string;
  /** The machine's provider id, the job's name or number: whom it concerns. */
  readonly subjects: readonly string[];
}

/** Of one subject. */
const KEPT_COUNT = 60;

interface Kept {
  readonly event: WorldEvent;
  /** Several events have one moment. */
  readonly order: number;
}

export class EventLog {
  readonly #startMs: number;
  readonly #now: () => number;
  readonly #sink: ((event: WorldEvent) => void) | null;
  readonly #hash = createHash("sha256");
  readonly #bySubject = new Map<string, Kept[]>();
  #count = 0;

  /** @param sink gets every event, for a trace. */
  constructor(startMs: number, now: () => number, sink: ((event: WorldEvent) => void) | null = null) {
    this.#startMs = startMs;
    this.#now = now;
    this.#sink = sink;
  }

  note(text: string, ...subjects: readonly string[]): void {
    const event: WorldEvent = { atMs: this.#now() - this.#startMs, text, subjects };
    this.#hash.update(`${event.atMs} ${subjects.join(",")} ${text}\n`);
    this.#sink?.(event);
    this.#count += 1;
    const kept: Kept = { event, order: this.#count };
    for (const subject of subjects) {
      const events = this.#bySubject.get(subject) ?? [];
      events.push(kept);
      if (events.length > KEPT_COUNT) events.shift();
      this.#bySubject.set(subject, events);
    }
  }

  /** The last events of these subjects together, oldest first. */
  of(subjects: readonly string[]): readonly WorldEvent[] {
    const kept = new Set(subjects.flatMap((subject) => this.#bySubject.get(subject) ?? []));
    return [...kept].sort((one, other) => one.order - other.order).map(({ event }) => event);
  }

  /** To be asked once, at the end. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
