/** The calls of one fleet as promises, its passes over its machines, and its end: a fleet that is stopped does nothing more. */
import type { FleetWorld } from "../world/algorithm.ts";

export class Calls {
  readonly world: FleetWorld;
  #isStopped = false;

  constructor(world: FleetWorld) {
    this.world = world;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /**
   * @returns null where the call failed or its answer was lost; a call that is asked for after the end is not made and
   * never settles.
   */
  ask<Answer>(to: "github" | "provider", operation: string, effect: () => Answer): Promise<Answer | null> {
    return new Promise((resolve) => {
      if (this.#isStopped) return;
      this.world.call(to, operation, effect, (answer) => {
        this.world.scheduler.disturb();
        resolve(answer);
      });
    });
  }

  /** Begins one pass at a time: a pass whose time comes while the last one is under way is left out. */
  repeat(pass: () => Promise<void>): void {
    const { scheduler, scenario } = this.world;
    let isUnderWay = false;
    const begin = (): void => {
      if (this.#isStopped) return;
      scheduler.after(scenario.fleet.passEveryMs, begin);
      if (isUnderWay) return;
      isUnderWay = true;
      scheduler.disturb();
      void pass().then(() => {
        isUnderWay = false;
      });
    };
    scheduler.at(scenario.startMs + scenario.fleet.firstPassMs, begin);
  }
}
