/**
 * A listener's long poll: held open by GitHub until there is a message or its time is over. What GitHub has sent is on the
 * wire, also to a listener that is stopped, dead or cut off: it counts as delivered there.
 */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { beginPoll, closeSession, endPoll, takeMessage } from "../github/sessions.ts";
import type { Runner as Registration, RunnerMessage, Session } from "../github/state.ts";
import type { Scheduled } from "../world/scheduler.ts";
import type { Course } from "./course.ts";
import type { Machine } from "./machine.ts";
import type { Wire } from "./wire.ts";

/** GitHub answers that there is nothing. */
const HOLD_MS = 50 * SECOND_MS;
/** GitHub forgets the session of a listener that is gone; it counts as offline long before. */
const FORGET_AFTER_MS = 5 * MINUTE_MS;

export interface PollHandler {
  /** It left GitHub: from now on it is this listener's, or nobody's. */
  onSent(message: RunnerMessage): void;
  onMessage(message: RunnerMessage): void;
  /** Nothing, within the poll's time. */
  onNothing(): void;
  onRefused(why: "runner-not-found" | "session-invalid" | "deprecated"): void;
  onNoAnswer(): void;
  /** GitHub has a message for a listener that is dead. */
  onUndeliverable(jobId: number): void;
}

export interface PollParts {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly registration: Registration;
  readonly course: Course;
  readonly handler: PollHandler;
}

export class LongPoll {
  readonly #parts: PollParts;
  readonly #session: Session;
  #hold: Scheduled | null = null;
  #isSending = false;

  constructor(parts: PollParts, session: Session) {
    this.#parts = parts;
    this.#session = session;
  }

  /** Does nothing while one is open. */
  send(): void {
    if (this.#hold !== null || this.#isSending) return;
    const { machine, wire, course, handler } = this.#parts;
    this.#isSending = true;
    machine.world.scheduler.after(wire.drawWayMs(), () => {
      this.#isSending = false;
      if (course.isOver) return;
      if (!machine.reachesGitHub) return void course.after(10 * SECOND_MS, () => handler.onNoAnswer());
      const { state } = machine.world.github;
      const poll = beginPoll(state, this.#session.id, machine.nowMs);
      if (poll.kind === "open") this.#hold = this.#wait();
      else this.#answer(() => handler.onRefused(poll.kind));
    });
  }

  /** The listener breaks it off. */
  breakOff(): void {
    this.#close();
  }

  /** The listener is dead. Killed: its system closes the connection. With its machine gone: GitHub waits for nobody. */
  orphan(isMachineGone: boolean): void {
    const { machine, wire } = this.#parts;
    const { scheduler } = machine.world;
    if (!isMachineGone) scheduler.after(wire.drawWayMs(), () => this.#close());
    this.#watchDead();
    scheduler.after(FORGET_AFTER_MS, () => this.#forget());
  }

  #wait(): Scheduled {
    const { machine, registration } = this.#parts;
    const { github, scheduler } = machine.world;
    github.wait(registration.id, () => this.#ring());
    github.changed();
    return scheduler.after(HOLD_MS, () => {
      this.#close();
      const { course, handler } = this.#parts;
      if (machine.reachesGitHub) this.#answer(() => handler.onNothing());
      else course.arrive(() => handler.onNoAnswer());
    });
  }

  #ring(): void {
    const { machine, registration, course, handler } = this.#parts;
    const { github } = machine.world;
    // A registration that is gone does not end the poll: the next one hears of it.
    const message = this.#session.messages[0];
    if (message === undefined) return void github.stopWaiting(registration.id);
    if (course.isOver) return void this.#tellUndeliverable();
    takeMessage(github.state, this.#session);
    this.#close();
    // To a machine that is cut off it goes nowhere; the listener learns that only by its connection's silence.
    if (!machine.reachesGitHub) return void course.after(HOLD_MS, () => handler.onNoAnswer());
    handler.onSent(message);
    this.#answer(() => handler.onMessage(message));
  }

  #answer(run: () => void): void {
    const { machine, wire, course } = this.#parts;
    machine.world.scheduler.after(wire.drawWayMs(), () => course.arrive(run));
  }

  #close(): void {
    if (this.#hold === null) return;
    const { machine, registration } = this.#parts;
    const { github } = machine.world;
    this.#hold.cancel();
    this.#hold = null;
    if (!this.#parts.course.isOver) github.stopWaiting(registration.id);
    endPoll(github.state, this.#session, machine.nowMs);
    github.changed();
  }

  /** A dead listener counts as online for a while, and gets jobs. */
  #watchDead(): void {
    const { machine, registration } = this.#parts;
    if (registration.sessionId !== this.#session.id) return;
    machine.world.github.wait(registration.id, () => this.#ring());
  }

  #tellUndeliverable(): void {
    for (const { kind, jobId } of this.#session.messages)
      if (kind === "job-request") this.#parts.handler.onUndeliverable(jobId);
  }

  #forget(): void {
    const { machine, registration } = this.#parts;
    const { github } = machine.world;
    this.#close();
    if (registration.sessionId === this.#session.id) github.stopWaiting(registration.id);
    closeSession(github.state, this.#session.id);
  }
}
