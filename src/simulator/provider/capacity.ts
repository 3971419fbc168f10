/**
 * Whether there is room for more machines: spells without capacity, and a quota on all machines together. A launch that was
 * begun holds its places until it is whole, so that two half-begun launches cannot wait for each other for ever.
 */
import type { Chance } from "../world/chance.ts";
import type { ProviderChances } from "./chances.ts";
import type { ProviderModelWorld } from "./provider-world.ts";

/** The share of refused launches of several machines that get a part of them. */
const PART_SHARE = 0.5;

export type Refusal =
  | { readonly startsNone: true; readonly why: string }
  | { readonly startsNone: false; readonly count: number };

export class Capacity {
  readonly #world: ProviderModelWorld;
  readonly #chances: ProviderChances;
  readonly #spells: Chance;
  readonly #parts: Chance;
  #spellCount = 0;

  constructor(world: ProviderModelWorld, chances: ProviderChances) {
    this.#world = world;
    this.#chances = chances;
    this.#spells = world.chance.fork("capacity");
    this.#parts = world.chance.fork("parts");
    for (const { kind, everyMs, forMs } of chances.active("provider.no-capacity")) this.#expect(kind, everyMs, forMs);
  }

  #expect(kind: "provider.no-capacity", everyMs: number, forMs: readonly [number, number]): void {
    const { scheduler, witness, log } = this.#world;
    scheduler.after(this.#spells.wait(everyMs), () => {
      if (!this.#world.isFaulty()) return;
      this.#spellCount += 1;
      witness.faultHappened(kind);
      log.note("the provider has no capacity");
      scheduler.after(this.#spells.whole(forMs), () => {
        this.#spellCount -= 1;
        log.note("the provider has capacity again");
        this.#expect(kind, everyMs, forMs);
      });
    });
  }

  isSpent(): boolean {
    return this.#spellCount > 0 && this.#world.isFaulty();
  }

  /** @param takenCount machines that are there, and places that are held. @returns null where all of them may start. */
  refuse(wantedCount: number, takenCount: number): Refusal | null {
    if (!this.#hasQuota(wantedCount, takenCount)) return { startsNone: true, why: "over the quota of machines" };
    if (!this.isSpent()) return null;
    if (wantedCount > 1 && this.#parts.happens(PART_SHARE))
      return { startsNone: false, count: this.#parts.whole([1, wantedCount - 1]) };
    return { startsNone: true, why: "without capacity" };
  }

  #hasQuota(wantedCount: number, takenCount: number): boolean {
    const quotas = this.#chances.active("provider.quota");
    const isOver = quotas.some(({ machines }) => takenCount + wantedCount > machines);
    if (isOver) this.#world.witness.faultHappened("provider.quota");
    return !isOver;
  }
}
