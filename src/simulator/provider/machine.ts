/** A machine as its provider keeps it, whatever runs there. */
import type { ControllerId, LaunchId, MachineId, PoolName } from "../../domain/ids.ts";
import type { Host } from "../world/host.ts";

/** What a launch of ours puts on its machines. */
export interface Marks {
  readonly controllerId: ControllerId;
  readonly machineId: MachineId;
  readonly launchId: LaunchId;
  readonly pool: PoolName;
}

export interface ProviderMachine {
  readonly providerId: string;
  /** As they were put on it; null for a machine of another maker's fleet. */
  readonly marks: Marks | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly startedAtMs: number;
  /** Null: never. */
  readonly bootMs: number | null;
  /** Before that moment no reading shows it. */
  readonly visibleAtMs: number;
  /** How long after its end it still shows as running. */
  readonly endingMs: number;
  readonly host: Host;
  /** `machine`: which of ours it is cannot be read; `all`: nor whose it is at all. */
  lostMarks: "none" | "machine" | "all";
  /** Nothing runs there any more; null until then. */
  end: { readonly atMs: number; readonly shownFromMs: number } | null;
}
