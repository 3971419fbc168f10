/** What became of a mutant: the product with one guard broken. */
import type { Invariant } from "../../simulator/scenario/result.ts";

export interface MutantOutcome {
  readonly name: string;
  readonly source: string;
  /** The one that the broken guard keeps. */
  readonly expected: Invariant;
  /** Any finds it; null: it survived. */
  readonly caughtBy: Invariant | null;
  readonly seedsTried: number;
  readonly violation: string | null;
}

export type RunMutants = (request: {
  /** All where it is null. */
  readonly names: readonly string[] | null;
  /** Worlds for each, at most. */
  readonly seedCount: number;
  /** Mutants that are tried at a time. */
  readonly concurrentMax: number;
  readonly onOutcome?: (outcome: MutantOutcome) => void;
}) => Promise<readonly MutantOutcome[]>;
