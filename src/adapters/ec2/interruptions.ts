/**
 * How often EC2 took spot machines back lately, by type and zone: new ones are asked for where that is seldom, as long as
 * there is such a place. A single reclaim only rests its place for a while (`rests.ts`); this is for places that are
 * reclaimed again and again, and would be asked for after each rest.
 *
 * Old machines count for less and less, so a place that was left out is tried again. Kept in memory, as the rests are.
 */
import { HOUR_MS } from "../../domain/units.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Place } from "./rests.ts";

/** After this, a machine that was started or taken back counts for half. */
const HALF_LIFE_MS = 6 * HOUR_MS;
/** The band in which AWS's Spot Instance advisor shows the types that it interrupts most. */
const OFTEN_SHARE = 0.2;
/** One alone, or several of long ago, are chance. */
const RECLAIMED_MIN = 1.5;
const PLACES_MAX = 10_000;

interface Tally {
  readonly name: string;
  readonly startedCount: number;
  readonly reclaimedCount: number;
  readonly atMonotonicMs: number;
}

export class Interruptions {
  readonly #clock: Clock;
  readonly #tallies = new Map<string, Tally>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  noteStarted(place: Place, count: number): void {
    this.#note(place, count, 0);
  }

  noteReclaimed(place: Place): void {
    this.#note(place, 0, 1);
  }

  /** @returns all of them where there is none that is seldom reclaimed. */
  seldomIn(places: readonly Place[]): readonly Place[] {
    const seldom = places.filter((place) => !isOften(this.#read(keyOf(place))));
    return seldom.length === 0 ? places : seldom;
  }

  /** Places that are asked for last, in words. */
  describe(): readonly string[] {
    const often = [...this.#tallies.keys()].flatMap((key) => this.#read(key) ?? []).filter(isOften);
    return often.map(({ name, startedCount, reclaimedCount }) => {
      const ofHowMany = Math.max(startedCount, reclaimedCount);
      return `${name} comes last: EC2 took back about ${Math.round(reclaimedCount)} of ${Math.round(ofHowMany)} machines there lately`;
    });
  }

  #note(place: Place, startedCount: number, reclaimedCount: number): void {
    const key = keyOf(place);
    const before = this.#read(key);
    this.#tallies.delete(key);
    const [oldest] = this.#tallies.keys();
    if (this.#tallies.size >= PLACES_MAX && oldest !== undefined) this.#tallies.delete(oldest);
    this.#tallies.set(key, {
      name: `${place.instanceType} in ${place.zone} on spot`,
      startedCount: (before?.startedCount ?? 0) + startedCount,
      reclaimedCount: (before?.reclaimedCount ?? 0) + reclaimedCount,
      atMonotonicMs: this.#clock.monotonicMs(),
    });
  }

  /** Its counts, faded by the time since the last of them was noted. */
  #read(key: string): Tally | null {
    const tally = this.#tallies.get(key);
    if (tally === undefined) return null;
    const weight = 0.5 ** ((this.#clock.monotonicMs() - tally.atMonotonicMs) / HALF_LIFE_MS);
    return { ...tally, startedCount: tally.startedCount * weight, reclaimedCount: tally.reclaimedCount * weight };
  }
}

/** More may have been taken back than were started: those of before this process are not among the started ones. */
function isOften(tally: Tally | null): boolean {
  if (tally === null || tally.reclaimedCount < RECLAIMED_MIN) return false;
  return tally.reclaimedCount >= OFTEN_SHARE * tally.startedCount;
}

/** A zone is reclaimed as a whole, whichever subnet of it a machine is in. */
function keyOf({ instanceType, zone }: Place): string {
  return `${instanceType} ${zone}`;
}
