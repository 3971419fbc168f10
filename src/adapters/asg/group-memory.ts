/**
 * What a process knows of its launches in one group, and of the group's desired capacity: one memory for all settings of a
 * pool that name the group, because each of them may have a launch open there.
 */
import type { Clock } from "../../ports/clock.ts";
import type { LaunchTenure } from "../../ports/provider.ts";
import { Desired } from "./desired.ts";
import { OpenLaunches } from "./open-launches.ts";
import { readTarget, type Target } from "./order.ts";

export class GroupMemory {
  readonly desired: Desired;
  readonly launches = new OpenLaunches();
  #epoch: number | null = null;

  constructor(clock: Clock) {
    this.desired = new Desired(clock);
  }

  /**
   * To be called before anything is decided by it. Where another process held the pool meanwhile, what was open here was
   * its to carry out.
   */
  take({ epoch, others }: LaunchTenure, { region, group }: Pick<Target, "region" | "group">, nowMs: number): void {
    if (this.#epoch !== null && this.#epoch !== epoch) {
      this.launches.forgetOwn();
      this.desired.forgetOthers();
    }
    this.#epoch = epoch;
    for (const { launchId, order } of others) {
      const target = readTarget(order, nowMs);
      if (target?.group === group && target.region === region && !this.launches.isOwn(launchId))
        this.desired.noteOthers(launchId, target.desiredMax);
    }
  }
}
