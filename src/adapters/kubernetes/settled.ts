/**
 * What is certain of the pods of launches that are not answered yet: they started, or they were refused and are not there. A
 * repeat asks for the rest only. Else a launch of many pods would need an API that fails none of as many calls in a row.
 */
import type { LaunchId, MachineId } from "../../domain/ids.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";

/** The oldest is forgotten, and asked for anew. */
const LAUNCHES_MAX = 1_000;
/** The API server works on a request that nobody waits for any more for no longer (`--request-timeout`). */
const UNDER_WAY_MS = MINUTE_MS;

interface Pods<Outcome> {
  readonly settled: Map<MachineId, Outcome>;
  /** When a creation was last asked for whose outcome is not known: monotonic. */
  readonly unknownAtMs: Map<MachineId, number>;
}

export class Settled<Outcome> {
  readonly #clock: Clock;
  readonly #launches = new Map<LaunchId, Pods<Outcome>>();
  #epoch: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called before a launch is made. Where another process held the pool meanwhile, it may have made what was not there. */
  take(epoch: number): void {
    if (this.#epoch !== epoch) this.#launches.clear();
    this.#epoch = epoch;
  }

  find(launchId: LaunchId, machineId: MachineId): Outcome | null {
    return this.#launches.get(launchId)?.settled.get(machineId) ?? null;
  }

  /** A creation of it may be under way for which nobody waits any more: then it is not certain that it is not there. */
  mayBeUnderWay(launchId: LaunchId, machineId: MachineId): boolean {
    const atMs = this.#launches.get(launchId)?.unknownAtMs.get(machineId);
    return atMs !== undefined && this.#clock.monotonicMs() - atMs < UNDER_WAY_MS;
  }

  note(launchId: LaunchId, machineId: MachineId, outcome: Outcome): void {
    this.#podsOf(launchId).settled.set(machineId, outcome);
  }

  /** A creation was asked for, and what became of it is not known. */
  noteUnknown(launchId: LaunchId, machineId: MachineId): void {
    this.#podsOf(launchId).unknownAtMs.set(machineId, this.#clock.monotonicMs());
  }

  #podsOf(launchId: LaunchId): Pods<Outcome> {
    const pods = this.#launches.get(launchId) ?? { settled: new Map(), unknownAtMs: new Map() };
    this.#launches.set(launchId, pods);
    const [oldest] = this.#launches.keys();
    if (this.#launches.size > LAUNCHES_MAX && oldest !== undefined) this.#launches.delete(oldest);
    return pods;
  }

  /** It was answered. */
  forget(launchId: LaunchId): void {
    this.#launches.delete(launchId);
  }
}
