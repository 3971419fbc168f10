/**
 * Groups whose desired capacity we lowered by its number, which the contract forbids: whom they end until it is back where it
 * was, we ended. What somebody else set a moment before no reading shows; that a number of ours undoes it is told
 * (docs/design/asg.md), and is their doing as much as ours.
 */
import { SECOND_MS } from "../../domain/units.ts";
import type { Group } from "../asg/state.ts";

/** Between a current reading and the number that is set by it. */
const TURN_MS = 2 * SECOND_MS;

export class Lowered {
  readonly #nowMs: () => number;
  readonly #readingLagMs: () => number;
  /** From where. */
  readonly #from = new Map<Group, number>();
  readonly #resizedAtMs = new Map<Group, number>();

  /** @param readingLagMs how old a reading may be at most. */
  constructor(nowMs: () => number, readingLagMs: () => number) {
    this.#nowMs = nowMs;
    this.#readingLagMs = readingLagMs;
  }

  has(group: Group): boolean {
    return this.#from.has(group);
  }

  /** By others than Holdfast. */
  noteResized(group: Group): void {
    this.#from.delete(group);
    this.#resizedAtMs.set(group, this.#nowMs());
  }

  /** We set its number. @param priorCount what it was right before. */
  noteSet(group: Group, priorCount: number): void {
    const fromCount = Math.max(priorCount, this.#from.get(group) ?? 0);
    const resizedAtMs = this.#resizedAtMs.get(group) ?? Number.NEGATIVE_INFINITY;
    const isUnshown = this.#nowMs() - resizedAtMs <= this.#readingLagMs() + TURN_MS;
    if (group.desired < fromCount && !isUnshown) this.#from.set(group, fromCount);
    else this.#from.delete(group);
  }
}
