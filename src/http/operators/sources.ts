/** Where the operators' reads come from. Nothing here can change anything. */
import type { ControllerId, MachineId } from "../../domain/ids.ts";
import type { ProviderState } from "../../domain/observed.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { HeardTime } from "../../domain/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Store } from "../../store/store.ts";
import type { Health } from "../health.ts";

export interface OperatorSources {
  readonly controllerId: ControllerId;
  readonly version: string;
  /** Epoch milliseconds: when this process started. */
  readonly startedAtMs: number;
  readonly pools: readonly PoolPolicy[];
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  readHealth(): Health;
  /** When a machine's agent was last heard; null if not since this process started. */
  heardAtMs(machineId: MachineId): number | null;
  /** Since when we could have heard without a gap. */
  heardSinceMs(): number;
  /** The provider's last word about a machine; null if it has not been listed. */
  providerState(machineId: MachineId): ProviderState | null;
}

export function heardTime(sources: OperatorSources): HeardTime {
  return { heardSinceMs: sources.heardSinceMs(), nowMs: sources.clock.nowMs() };
}
