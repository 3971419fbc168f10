/** GitHub in the world's time: its model, and a bell for listeners that wait for a message. */
import { advance } from "../github/lease.ts";
import type { GitHubState } from "../github/state.ts";
import type { Scheduler } from "./scheduler.ts";

const PULSE_MS = 1_000;

export class GitHubWorld {
  readonly state: GitHubState;
  readonly #scheduler: Scheduler;
  readonly #waiting = new Map<number, () => void>();
  #isRinging = false;

  constructor(state: GitHubState, scheduler: Scheduler) {
    this.state = state;
    this.#scheduler = scheduler;
    scheduler.every(PULSE_MS, () => {
      advance(state, scheduler.nowMs);
      this.changed();
    });
  }

  /** To be called after every change of the state, by whoever made it: messages reach their listeners by it. */
  changed(): void {
    if (this.#isRinging) return;
    this.#isRinging = true;
    this.#scheduler.after(0, () => {
      this.#isRinging = false;
      for (const [runnerId, ring] of this.#waiting) if (this.#hasNews(runnerId)) ring();
    });
  }

  /**
   * Rings, as an event of its own, when the runner's session has a message, or its registration or session is gone. A
   * runner has one waiter at most: a second takes the first one's place.
   */
  wait(runnerId: number, ring: () => void): void {
    this.#waiting.set(runnerId, ring);
    if (this.#hasNews(runnerId)) this.changed();
  }

  stopWaiting(runnerId: number): void {
    this.#waiting.delete(runnerId);
  }

  #hasNews(runnerId: number): boolean {
    const runner = this.state.runners.get(runnerId);
    if (runner === undefined) return true;
    if (runner.registration.kind === "ended" && runner.registration.cause === "deleted") return true;
    const session = runner.sessionId === null ? undefined : this.state.sessions.get(runner.sessionId);
    return session === undefined || session.messages.length > 0;
  }
}
