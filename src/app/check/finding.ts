/** What `holdfast check` has to say: one fact, where it was found, and what to do about it. */
import type { ErrorCode } from "../../domain/errors.ts";

export type Severity = "error" | "warning" | "ok";

export interface Finding {
  readonly severity: Severity;
  /** What it is about, as people name it: `connection main`, `webhook main`, `jobs main`, `pool linux`. */
  readonly area: string;
  /** The key of the configuration that it is about: `github.main.app`, `pools[0].scope`. */
  readonly path: string;
  readonly finding: string;
  /** What to do; empty where all is well. */
  readonly mend: string;
  /** Of the catalogue, where the finding is one of its errors. */
  readonly code: ErrorCode | null;
}

export type Place = Pick<Finding, "area" | "path">;

export function ok({ area, path }: Place, finding: string): Finding {
  return { severity: "ok", area, path, finding, mend: "", code: null };
}

export function warning({ area, path }: Place, finding: string, mend: string, code: ErrorCode | null = null): Finding {
  return { severity: "warning", area, path, finding, mend, code };
}

export function failure({ area, path }: Place, finding: string, mend: string, code: ErrorCode | null = null): Finding {
  return { severity: "error", area, path, finding, mend, code };
}

/** `1 job`, `3 jobs`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const NAMED_COUNT_MAX = 6;

/** `a, b, c`, and how many more there are where it would become long. */
export function listOf(names: readonly string[]): string {
  const named = names.slice(0, NAMED_COUNT_MAX).join(", ");
  return names.length <= NAMED_COUNT_MAX ? named : `${named} and ${names.length - NAMED_COUNT_MAX} more`;
}
