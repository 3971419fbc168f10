/**
 * What is known to have started of launches that are not answered yet: a repeat asks for the rest only. Else a launch of many
 * pods would need an API that fails none of as many calls in a row.
 */
import type { LaunchId, MachineId } from "../../domain/ids.ts";
import type { LaunchedMachine } from "../../ports/provider.ts";

/** The oldest is forgotten, and asked for anew. */
const LAUNCHES_MAX = 1_000;

export class Started {
  readonly #launches = new Map<LaunchId, Map<MachineId, LaunchedMachine>>();

  find(launchId: LaunchId, machineId: MachineId): LaunchedMachine | null {
    return this.#launches.get(launchId)?.get(machineId) ?? null;
  }

  note(launchId: LaunchId, machine: LaunchedMachine): void {
    const known = this.#launches.get(launchId) ?? new Map<MachineId, LaunchedMachine>();
    known.set(machine.machineId, machine);
    this.#launches.set(launchId, known);
    const [oldest] = this.#launches.keys();
    if (this.#launches.size > LAUNCHES_MAX && oldest !== undefined) this.#launches.delete(oldest);
  }

  /** It was answered. */
  forget(launchId: LaunchId): void {
    this.#launches.delete(launchId);
  }
}
