/**
 * A mutant: the product with one guard broken, by which the simulator shows that it can find what it looks for. Each is a
 * file of its own under `test/mutants`, which exports it as `mutant`; the product knows nothing of them.
 */
import type { PoolPolicy } from "../../domain/pool.ts";
import type { Fault } from "../scenario/fault.ts";
import type { GroupPlan } from "../scenario/group-plan.ts";
import type { Invariant } from "../scenario/result.ts";
import type { ProviderWorld, Scenario } from "../scenario/scenario.ts";

/** One text of one source file that is replaced while the product is loaded. */
export interface Change {
  /** Relative to the repository: `src/domain/…`. */
  readonly source: string;
  /** Exactly as it stands there, once. */
  readonly text: string;
  readonly replacement: string;
}

/** What a world must have for a mutant to show in it. What is left out is as `world-for-mutant.ts` has it. */
export interface MutantWorld {
  /** A cloud unless given. */
  readonly provider?: ProviderWorld;
  /** Of an Auto Scaling group, what is not as AWS advises. */
  readonly group?: Partial<GroupPlan>;
  readonly faults: readonly Fault[];
  readonly pool?: Partial<Omit<PoolPolicy, "deadlines">>;
  readonly deadlines?: Partial<PoolPolicy["deadlines"]>;
  readonly arrivals?: Partial<NonNullable<Scenario["workload"]["arrivals"]>>;
  readonly durationMs?: number;
  readonly settleMaxMs?: number;
  readonly bootMs?: Scenario["bootMs"];
  /** Nets that catch a race only if they often look. */
  readonly pace?: number;
}

export interface Mutant extends Change {
  /** The one that the broken guard keeps. */
  readonly invariant: Invariant;
  /** Guards that would keep it as well, broken with it: of two nets one above the other neither shows alone. */
  readonly nets?: readonly Change[];
  /** One sentence: what happens then, and to whom. */
  readonly why: string;
  readonly world: MutantWorld;
}

/** The guard and its nets. */
export function changesOf(mutant: Mutant): readonly Change[] {
  return [mutant, ...(mutant.nets ?? [])];
}
