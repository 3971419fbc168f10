/**
 * A runner's calls to GitHub. What was sent takes effect there at a moment of its own, whatever becomes of the sender; the
 * answer comes back at another one, or never.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { Course } from "./course.ts";
import type { Machine } from "./machine.ts";

/** There and back: half of all calls take less than the first, one in twenty more than the second. */
const CALL_MS = [90, 900] as const;
/** Of a call's time, the way there. */
const WAY_THERE = 0.6;
/** When a call that gets no answer is given up. */
const NO_ANSWER_MS = 8 * SECOND_MS;

export class Wire {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** One way of a message between GitHub and the machine. */
  drawWayMs(): number {
    return this.#machine.world.chance.between([5, 120]);
  }

  drawCallMs(): number {
    return this.#machine.world.chance.spread(...CALL_MS);
  }

  /** @param course the caller's: it hears the answer, null where none came. */
  call<Answer>(
    course: Course,
    effect: () => Answer,
    onAnswer: (answer: Answer | null) => void,
    tookMs: number = this.drawCallMs(),
  ): void {
    const { scheduler, github } = this.#machine.world;
    scheduler.after(tookMs * WAY_THERE, () => {
      if (!this.#machine.reachesGitHub) return this.#giveUp(course, onAnswer);
      const answer = effect();
      github.changed();
      scheduler.after(tookMs * (1 - WAY_THERE), () => {
        if (this.#machine.reachesGitHub) course.arrive(() => onAnswer(answer));
        else this.#giveUp(course, onAnswer);
      });
    });
  }

  #giveUp(course: Course, onAnswer: (answer: null) => void): void {
    course.after(NO_ANSWER_MS, () => onAnswer(null));
  }
}
