/** Where the operators' reads come from. Nothing here can change anything. */
import type { ConnectionName, ControllerId, MachineId, PoolName } from "../../domain/ids.ts";
import type { ProviderState } from "../../domain/observed.ts";
import type { PassPlan } from "../../domain/pass-plan.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import type { ReasonCode } from "../../domain/reasons.ts";
import type { HeardTime } from "../../domain/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BudgetReading } from "../../ports/github.ts";
import type { Store } from "../../store/store.ts";
import type { Health } from "../health.ts";
import type { DepartedPool } from "./departed.ts";

/** What is known of one connection to GitHub. */
export interface ConnectionReading {
  readonly name: ConnectionName;
  readonly demand: "webhooks" | "poll";
  readonly budgets: readonly BudgetReading[];
  /** Repositories that are looked at for jobs; null before they were listed. */
  readonly repositoryCount: number | null;
  /** When the one was looked at that waits the longest; null before all were. */
  readonly lookedAtMs: number | null;
  /** What went wrong lately, each with its code. */
  readonly troubles: readonly string[];
}

/** What this process remembers of a pool that it holds; its rows do not say it. */
export interface PoolReading {
  /** When the provider's listing last came whole; null if not yet. */
  readonly listedAtMs: number | null;
  readonly isListingFailing: boolean;
  /** Calls that rest after one that was refused or failed. */
  readonly pauses: readonly PoolPause[];
}

export interface PoolPause {
  readonly what: "launches" | "tickets";
  readonly reason: ReasonCode;
  readonly untilMs: number;
}

export interface SupportSources {
  /** As it is in force, without any secret. */
  readonly configuration: unknown;
  /** Every secret of the configuration, so that none is given out wherever else it stands. */
  readonly secrets: readonly string[];
  /** Of what this process runs on. */
  readonly versions: Readonly<Record<string, string>>;
  /** What was made for one machine alone. */
  secretsOfMachine(machineId: string): readonly string[];
  renderMetrics(): Promise<string>;
}

export interface OperatorSources {
  readonly controllerId: ControllerId;
  readonly version: string;
  /** Epoch milliseconds: when this process started. */
  readonly startedAtMs: number;
  readonly pools: readonly PoolPolicy[];
  readonly store: Pick<Store, "db">;
  readonly clock: Clock;
  /** Those that left the configuration and are not drained; left out where there can be none. */
  readonly readDeparted?: () => readonly DepartedPool[];
  /** The next pass of a pool, foretold; null for one that this process does not care for. Left out where none has any. */
  readonly foretell?: (pool: PoolName) => Promise<PassPlan | null>;
  /** Null where another process holds the pool; left out where nothing is remembered. */
  readonly readPool?: (pool: PoolName) => PoolReading | null;
  /** For whoever helps from afar; left out where nobody is to. */
  readonly support?: SupportSources;
  readHealth(): Health;
  readConnections(): readonly ConnectionReading[];
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
