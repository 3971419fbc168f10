/** The machines of one provider, from their start until it has forgotten them. */
import type { ProviderState } from "../../domain/observed.ts";
import type { Host } from "../world/host.ts";
import type { Cause } from "../world/witness.ts";
import type { ProviderChances } from "./chances.ts";
import type { ProviderMachine } from "./machine.ts";
import type { ProviderModelWorld, ProviderNature } from "./provider-world.ts";

/** @param bootMs null: never. */
export type MakeHost = (providerId: string, onGone: () => void, bootMs: number | null) => Host;

export class Roster {
  readonly #world: ProviderModelWorld;
  readonly #nature: ProviderNature;
  readonly #chances: ProviderChances;
  readonly #known = new Map<string, ProviderMachine>();
  readonly #hosts = new Map<string, Host>();
  #startedCount = 0;
  #paidMs = 0;

  constructor(world: ProviderModelWorld, nature: ProviderNature, chances: ProviderChances) {
    this.#world = world;
    this.#nature = nature;
    this.#chances = chances;
  }

  get hosts(): ReadonlyMap<string, Host> {
    return this.#hosts;
  }

  get startedCount(): number {
    return this.#startedCount;
  }

  paidMs(): number {
    let livingMs = 0;
    for (const { startedAtMs, end } of this.#known.values())
      if (end === null) livingMs += this.#world.scheduler.nowMs - startedAtMs;
    return this.#paidMs + livingMs;
  }

  start(born: Pick<ProviderMachine, "providerId" | "marks" | "tags">, make: MakeHost): ProviderMachine {
    const { scheduler, witness, log } = this.#world;
    const { providerId } = born;
    const fate = this.#chances.drawFate(providerId);
    const startedAtMs = scheduler.nowMs;
    const machine: ProviderMachine = {
      ...born,
      startedAtMs,
      bootMs: fate.bootMs,
      visibleAtMs: startedAtMs + fate.lagMs,
      endingMs: fate.endingMs,
      host: make(providerId, () => this.#finish(machine), fate.bootMs),
      lostMarks: "none",
      end: null,
    };
    this.#startedCount += 1;
    this.#known.set(providerId, machine);
    this.#hosts.set(providerId, machine.host);
    log.note("the provider started it", providerId);
    witness.machineStarted(machine.host.truth());
    if (fate.marksLost !== null) this.#expectLoss(machine, fate.marksLost);
    return machine;
  }

  #expectLoss(machine: ProviderMachine, { afterMs, which }: { afterMs: number; which: "machine" | "all" }): void {
    const { scheduler, witness, log } = this.#world;
    scheduler.after(afterMs, () => {
      if (machine.end !== null || !this.#world.isFaulty()) return;
      machine.lostMarks = which;
      witness.faultHappened("provider.marks-lost");
      log.note("its marks are lost", machine.providerId);
    });
  }

  /** Everything on it ends now. Nothing for one that has ended. */
  end(machine: ProviderMachine, cause: Cause): void {
    if (machine.end !== null) return;
    machine.host.end(cause);
    this.#finish(machine);
  }

  #finish(machine: ProviderMachine): void {
    if (machine.end !== null) return;
    const { nowMs } = this.#world.scheduler;
    machine.end = { atMs: nowMs, shownFromMs: nowMs + machine.endingMs };
    this.#paidMs += nowMs - machine.startedAtMs;
    this.#hosts.delete(machine.providerId);
    this.#world.log.note("nothing runs on it any more", machine.providerId);
  }

  /** Nothing of it is left, and its id is unknown from now on. */
  forget(machine: ProviderMachine): void {
    this.#known.delete(machine.providerId);
  }

  find(providerId: string): ProviderMachine | undefined {
    const machine = this.#known.get(providerId);
    return machine === undefined || this.stateOf(machine) === null ? undefined : machine;
  }

  /** Null once the provider has forgotten it. */
  stateOf(machine: ProviderMachine): ProviderState | null {
    return this.#nature.stateOf(machine, this.#world.scheduler.nowMs);
  }

  /** Whether readings find it already. */
  isVisible({ visibleAtMs }: ProviderMachine): boolean {
    return this.#world.scheduler.nowMs >= visibleAtMs || !this.#world.isFaulty();
  }

  /** What a listing of everything shows, by those that are looked for: fresh machines and unlucky ones are missing. */
  list(isWanted: (machine: ProviderMachine) => boolean): readonly { machine: ProviderMachine; state: ProviderState }[] {
    const shown: { machine: ProviderMachine; state: ProviderState }[] = [];
    for (const machine of this.#known.values()) {
      const state = this.stateOf(machine);
      if (state === null) this.forget(machine);
      else if (isWanted(machine) && this.isVisible(machine) && !this.#chances.isMissing())
        shown.push({ machine, state });
    }
    return shown;
  }
}
