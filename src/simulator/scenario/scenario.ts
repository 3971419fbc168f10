/** One world, as data: with a seed it determines everything that happens. Times are milliseconds since the world's start. */
import type { PoolPolicy } from "../../domain/pool.ts";
import type { Range } from "../world/chance.ts";
import type { Fault } from "./fault.ts";
import type { GroupPlan } from "./group-plan.ts";

export const ALGORITHMS = [
  "holdfast",
  "flag-then-deregister",
  "deregister-then-recheck",
  "idle-confirmation-window",
  "age-cap",
  "ledger-reaper",
  "asg-stop-on-terminating",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
export type Baseline = Exclude<Algorithm, "holdfast">;

export const PROVIDERS = ["cloud", "process", "ec2", "kubernetes", "asg"] as const;
export type ProviderWorld = (typeof PROVIDERS)[number];

export interface PlannedJob {
  /** By which faults and the timeline name it; unique. */
  readonly name: string;
  readonly atMs: number;
  /** `owner/name` */
  readonly repository: string;
  readonly labels: readonly string[];
  readonly durationMs: number;
}

export interface Arrivals {
  readonly perHour: number;
  readonly burst: { readonly everyMs: number; readonly jobs: number } | null;
  readonly duration: { readonly p50Ms: number; readonly p95Ms: number };
  /** Each job asks for one of these. */
  readonly labels: readonly (readonly string[])[];
  readonly repositories: readonly string[];
}

export interface Scenario {
  readonly name: string;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly algorithm: Algorithm;
  readonly provider: ProviderWorld;
  readonly pools: readonly PoolPolicy[];
  /** Of each pool's group, where the provider has groups; as AWS advises for workers where it is left out. */
  readonly group?: GroupPlan;
  readonly workload: { readonly jobs: readonly PlannedJob[]; readonly arrivals: Arrivals | null };
  readonly faults: readonly Fault[];
  /**
   * When faults stop, and new jobs with them: from then on everything must come to its end. Null: never, and only safety is
   * judged.
   */
  readonly faultsEndMs: number | null;
  /** How long that may take; five hours where it is left out: the longest of the deadlines, one after the other. */
  readonly settleMaxMs?: number;
  /** How long a machine takes to boot. */
  readonly bootMs: Range;
  /** How a baseline's fleet is run. */
  readonly fleet: {
    /** A runner takes job after job; else one each. */
    readonly isPersistent: boolean;
    /** Between two scale-down passes. */
    readonly passEveryMs: number;
    /** When the first one begins. */
    readonly firstPassMs: number;
    /** How long a machine must have been up before it is looked at. */
    readonly minimumAgeMs: number;
  };
  /** The controllers' periods times this: what wakes them comes at its time, the nets beneath come later. 1 or more. */
  readonly pace: number;
}
