/**
 * What is certain of the pods of launches that are not answered yet: they started, or they were refused and are not there. A
 * repeat asks for the rest only. Else a launch of many pods would need an API that fails none of as many calls in a row.
 */
import type { LaunchId, MachineId } from "../../domain/ids.ts";

/** The oldest is forgotten, and asked for anew. */
const LAUNCHES_MAX = 1_000;

export class Settled<Outcome> {
  readonly #launches = new Map<LaunchId, Map<MachineId, Outcome>>();
  #epoch: number | null = null;

  /** To be called before a launch is made. Where another process held the pool meanwhile, it may have made what was not there. */
  take(epoch: number): void {
    if (this.#epoch !== epoch) this.#launches.clear();
    this.#epoch = epoch;
  }

  find(launchId: LaunchId, machineId: MachineId): Outcome | null {
    return this.#launches.get(launchId)?.get(machineId) ?? null;
  }

  note(launchId: LaunchId, machineId: MachineId, outcome: Outcome): void {
    const known = this.#launches.get(launchId) ?? new Map<MachineId, Outcome>();
    known.set(machineId, outcome);
    this.#launches.set(launchId, known);
    const [oldest] = this.#launches.keys();
    if (this.#launches.size > LAUNCHES_MAX && oldest !== undefined) this.#launches.delete(oldest);
  }

  /** It was answered. */
  forget(launchId: LaunchId): void {
    this.#launches.delete(launchId);
  }
}
