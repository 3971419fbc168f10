/**
 * What befalls a provider's machines and answers, drawn from the scenario's faults. Each machine draws from streams of its
 * own: one fault more or less changes nothing of the others.
 */
import type { Fault, FaultKind, FaultOf } from "../scenario/fault.ts";
import type { Chance } from "../world/chance.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";

/** Drawn when a machine starts. */
export interface MachineFate {
  readonly bootMs: number | null;
  readonly lagMs: number;
  readonly marksLost: { readonly afterMs: number; readonly which: "machine" | "all" } | null;
  readonly endingMs: number;
}

/** What of a provider decides on the fates of its machines. */
type Fateful = Pick<ProviderNature, "faultKinds" | "bootRange" | "endingMs">;

export class ProviderChances {
  readonly #world: ProviderModelWorld;
  readonly #nature: Fateful;
  readonly #answers: Chance;
  readonly #machines: Chance;

  constructor(world: ProviderModelWorld, nature: Fateful) {
    this.#world = world;
    this.#nature = nature;
    this.#answers = world.chance.fork("answers");
    this.#machines = world.chance.fork("machines");
  }

  /** Of a kind that this provider knows, while faults last. */
  active<Kind extends FaultKind>(kind: Kind): readonly FaultOf<Kind>[] {
    if (!this.#nature.faultKinds.has(kind) || !this.#world.isFaulty()) return [];
    return this.#world.faults.filter((fault: Fault): fault is FaultOf<Kind> => fault.kind === kind);
  }

  drawFate(providerId: string): MachineFate {
    const chance = this.#machines.fork(providerId);
    return {
      bootMs: this.#drawBoot(chance),
      lagMs: this.#drawLag(chance),
      marksLost: this.#drawMarksLost(chance),
      endingMs: chance.fork("ending").whole(this.#nature.endingMs),
    };
  }

  #drawBoot(chance: Chance): number | null {
    const own = chance.fork("boot");
    const usualMs = own.whole(this.#nature.bootRange(this.#world));
    for (const { perMachine, kind } of this.active("host.never-boots"))
      if (chance.fork(kind).happens(perMachine)) {
        this.#world.witness.faultHappened(kind);
        return null;
      }
    for (const { perMachine, bootMs, kind } of this.active("host.slow-boot")) {
      const slow = chance.fork(kind);
      if (!slow.happens(perMachine)) continue;
      this.#world.witness.faultHappened(kind);
      return Math.max(usualMs, slow.whole(bootMs));
    }
    return usualMs;
  }

  #drawLag(chance: Chance): number {
    const lags = this.active("provider.listing-lag").map(({ lagMs, kind }) => {
      this.#world.witness.faultHappened(kind);
      return chance.fork(kind).whole(lagMs);
    });
    return Math.max(0, ...lags);
  }

  #drawMarksLost(chance: Chance): MachineFate["marksLost"] {
    for (const { perMachine, afterMs, kind } of this.active("provider.marks-lost")) {
      const own = chance.fork(kind);
      if (own.happens(perMachine)) return { afterMs: own.whole(afterMs), which: own.happens(0.5) ? "machine" : "all" };
    }
    return null;
  }

  /** A whole listing lacks this machine. */
  isMissing(): boolean {
    return this.#happens("provider.missing-from-listing");
  }

  /** The call succeeds and the machine stays. */
  isEndingIgnored(): boolean {
    return this.#happens("provider.terminate-does-not-take");
  }

  #happens(kind: "provider.missing-from-listing" | "provider.terminate-does-not-take"): boolean {
    const isHit = this.active(kind).some(({ probability }) => this.#answers.happens(probability));
    if (isHit) this.#world.witness.faultHappened(kind);
    return isHit;
  }
}
