/** The open polls of this process, so that a ticket reaches its machine the moment it is issued. */
import type { MachineId } from "../../domain/ids.ts";

/** Given with each wake: without one a new error, with its stack, would be made for every poll that is woken. */
const WOKEN = "woken";

export class OpenPolls {
  readonly #waiting = new Map<MachineId, Set<AbortController>>();

  /** Ends the wait of every open poll of the machine. */
  wake(machineId: MachineId): void {
    for (const poll of this.#waiting.get(machineId) ?? []) poll.abort(WOKEN);
  }

  wakeAll(): void {
    for (const machineId of this.#waiting.keys()) this.wake(machineId);
  }

  /** A signal that aborts at the next wake. Taken before the rows are read, so that no wake between is missed. */
  enter(machineId: MachineId): { readonly signal: AbortSignal; leave(): void } {
    const poll = new AbortController();
    const polls = this.#waiting.get(machineId) ?? new Set();
    polls.add(poll);
    this.#waiting.set(machineId, polls);
    return {
      signal: poll.signal,
      leave: () => {
        polls.delete(poll);
        if (polls.size === 0 && this.#waiting.get(machineId) === polls) this.#waiting.delete(machineId);
      },
    };
  }
}
