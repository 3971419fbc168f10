/** The scenario's faults, drawn and counted. Once they have stopped there are none. */
import type { Fault, FaultKind, FaultOf } from "../scenario/fault.ts";
import type { Chance } from "./chance.ts";
import type { Scheduler } from "./scheduler.ts";

export class Faults {
  readonly #faults: readonly Fault[];
  readonly #chance: Chance;
  readonly #scheduler: Scheduler;
  readonly #endMs: number;
  readonly #startMs: number;
  readonly #counts = new Map<FaultKind, number>();

  /** @param endMs when they stop, since the world's start. */
  constructor(faults: readonly Fault[], chance: Chance, scheduler: Scheduler, endMs: number) {
    this.#faults = faults;
    this.#chance = chance;
    this.#scheduler = scheduler;
    this.#startMs = scheduler.nowMs;
    this.#endMs = scheduler.nowMs + endMs;
  }

  get isOn(): boolean {
    return this.#scheduler.nowMs < this.#endMs;
  }

  /** Until they stop. */
  get leftMs(): number {
    return Math.max(0, this.#endMs - this.#scheduler.nowMs);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Those of a kind; none once they have stopped. */
  of<Kind extends FaultKind>(kind: Kind): readonly FaultOf<Kind>[] {
    if (!this.isOn) return [];
    return this.#faults.filter((fault): fault is FaultOf<Kind> => fault.kind === kind);
  }

  count(kind: FaultKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** Whether it happens at this occasion; counted if so. */
  strikes<Kind extends FaultKind>(kind: Kind, shareOf: (fault: FaultOf<Kind>) => number): FaultOf<Kind> | null {
    for (const fault of this.of(kind)) {
      if (!this.#stream(kind).happens(shareOf(fault))) continue;
      this.count(kind);
      return fault;
    }
    return null;
  }

  /** Lets those of a kind that come by themselves come, as long as there are faults. */
  recur<Kind extends FaultOf<FaultKind> & { readonly everyMs: number }>(
    kind: Kind["kind"],
    strike: (fault: Kind, chance: Chance) => void,
  ): void {
    for (const [index, fault] of this.#faults.filter((one): one is Kind => one.kind === kind).entries()) {
      const chance = this.#chance.fork(`${kind}/${index}`);
      const next = (): void => {
        this.#scheduler.after(chance.wait(fault.everyMs), () => {
          if (!this.isOn) return;
          this.count(kind);
          strike(fault, chance);
          next();
        });
      };
      next();
    }
  }

  /** Milliseconds since the world's start. */
  get sinceStartMs(): number {
    return this.#scheduler.nowMs - this.#startMs;
  }

  readonly #streams = new Map<FaultKind, Chance>();

  #stream(kind: FaultKind): Chance {
    const known = this.#streams.get(kind) ?? this.#chance.fork(kind);
    this.#streams.set(kind, known);
    return known;
  }
}
