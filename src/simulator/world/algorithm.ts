/** Who runs the fleet of a world: Holdfast, or another system's published algorithm. */
import type { Baseline, Scenario } from "../scenario/scenario.ts";
import type { Chance } from "./chance.ts";
import type { EventLog } from "./event-log.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { BareBirth, BareHost } from "./host.ts";
import type { ProviderModel } from "./provider.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Cause } from "./witness.ts";

/** What a baseline works with. Its calls take a moment each and may fail like ours do. */
export interface FleetWorld {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly github: GitHubWorld;
  readonly provider: ProviderModel;
  readonly log: EventLog;
  makeBareHost(birth: BareBirth): BareHost;
  /**
   * Calls GitHub or the provider: `effect` happens a moment later, its answer comes another moment later, or null where
   * the call failed or its answer was lost.
   */
  call<Answer>(
    to: "github" | "provider",
    operation: string,
    effect: () => Answer,
    onAnswer: (answer: Answer | null) => void,
  ): void;
  /** To be told right before a machine is ended, or a registration deleted, by the algorithm. */
  cause(what: string): Cause;
}

export interface Fleet {
  /** A `workflow_job` event reached the system. */
  onJobEvent(event: {
    readonly action: "queued" | "in_progress" | "completed";
    readonly jobId: number;
    readonly labels: readonly string[];
    readonly repository: string;
    readonly runnerName: string | null;
  }): void;
  /** What it had written down of the machine with that runner is gone. Left out where it keeps no such book. */
  onRowLost?(runnerName: string): void;
  stop(): void;
}

export type MakeFleet = (baseline: Baseline, world: FleetWorld) => Fleet;
