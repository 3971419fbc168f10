/** Whether an agent stood still since it last asked (`src/agent/sleep.ts`), alone or with its machine. */
import type { Scheduler } from "../world/scheduler.ts";
import type { Course } from "./course.ts";

/** Its clocks show no less. */
const SLEEP_MIN_MS = 2_000;

export class SleepSense {
  readonly #scheduler: Scheduler;
  readonly #course: Course;
  #stoodStillMs: number;

  constructor(scheduler: Scheduler, course: Course) {
    this.#scheduler = scheduler;
    this.#course = course;
    this.#stoodStillMs = this.#read();
  }

  hasSlept(): boolean {
    const beforeMs = this.#stoodStillMs;
    this.#stoodStillMs = this.#read();
    return this.#stoodStillMs - beforeMs > SLEEP_MIN_MS;
  }

  /** More by one number, the same at all times. */
  #read(): number {
    return this.#scheduler.nowMs - this.#course.ranMs;
  }
}
