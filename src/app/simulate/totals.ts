/** Many worlds' results as one: what can be added is added; waits are those of the world in the middle. */
import { createHash } from "node:crypto";
import type { Distribution, Violation, WorldResult } from "../../simulator/scenario/result.ts";

/** A result, and the command that shows the same again. */
export interface FinishedWorld {
  readonly result: WorldResult;
  readonly startMs: number;
  readonly again: string;
}

/** A violation, and the world that it is of. */
export type FoundViolation = Violation &
  Pick<WorldResult, "scenario" | "seed" | "algorithm"> & { readonly again: string };

type Jobs = Omit<WorldResult["jobs"], "waitSeconds" | "delays">;
type Machines = Omit<WorldResult["machines"], "retiredByProof">;

export interface Totals {
  readonly worlds: number;
  readonly simulatedHours: number;
  readonly machineHours: number;
  readonly events: number;
  readonly jobs: Jobs;
  /** Percentiles of the world in the middle, of those with a job that ran; `max` of all worlds. */
  readonly waitSeconds: Distribution;
  /** Sums; `max` and `strayMax` are the most in any world. */
  readonly machines: Machines;
  readonly retiredByProof: Readonly<Record<string, number>>;
  readonly ghosts: WorldResult["ghosts"];
  readonly calls: WorldResult["calls"];
  readonly faults: Readonly<Record<string, number>>;
  /** Dispatches that were taken back before they were acquired. */
  readonly delays: number;
  readonly violations: readonly FoundViolation[];
  /** SHA-256 of the worlds' digests in their order. */
  readonly digest: string;
}

const MINUTE_DIGITS = 1;
const HOUR_DIGITS = 3;

export function sumUp(worlds: readonly FinishedWorld[]): Totals {
  const results = worlds.map(({ result }) => result);
  const sum = (read: (result: WorldResult) => number) => results.reduce((total, one) => total + read(one), 0);
  const most = (read: (result: WorldResult) => number) => results.reduce((max, one) => Math.max(max, read(one)), 0);
  const merged = (read: (result: WorldResult) => Readonly<Record<string, number>>) => mergeCounts(results.map(read));
  return {
    worlds: results.length,
    simulatedHours: round(
      sum(({ simulatedHours }) => simulatedHours),
      HOUR_DIGITS,
    ),
    machineHours: round(
      sum(({ machineHours }) => machineHours),
      HOUR_DIGITS,
    ),
    events: sum(({ events }) => events),
    jobs: {
      total: sum(({ jobs }) => jobs.total),
      succeeded: sum(({ jobs }) => jobs.succeeded),
      cancelled: sum(({ jobs }) => jobs.cancelled),
      killedByUs: sum(({ jobs }) => jobs.killedByUs),
      lostForced: sum(({ jobs }) => jobs.lostForced),
      lostByWorld: sum(({ jobs }) => jobs.lostByWorld),
      open: sum(({ jobs }) => jobs.open),
    },
    waitSeconds: mergeWaits(results),
    machines: {
      launched: sum(({ machines }) => machines.launched),
      max: most(({ machines }) => machines.max),
      strayMax: most(({ machines }) => machines.strayMax),
      leaked: sum(({ machines }) => machines.leaked),
      leakedMinutes: round(
        sum(({ machines }) => machines.leakedMinutes),
        MINUTE_DIGITS,
      ),
      idleMinutes: round(
        sum(({ machines }) => machines.idleMinutes),
        MINUTE_DIGITS,
      ),
      busyMinutes: round(
        sum(({ machines }) => machines.busyMinutes),
        MINUTE_DIGITS,
      ),
      paidMinutes: round(
        sum(({ machines }) => machines.paidMinutes),
        MINUTE_DIGITS,
      ),
    },
    retiredByProof: merged(({ machines }) => machines.retiredByProof),
    ghosts: { created: sum(({ ghosts }) => ghosts.created), leftover: sum(({ ghosts }) => ghosts.leftover) },
    calls: { github: merged(({ calls }) => calls.github), provider: merged(({ calls }) => calls.provider) },
    faults: merged(({ faults }) => faults),
    delays: sum(({ jobs }) => jobs.delays),
    violations: worlds.flatMap(({ result: { violations, scenario, seed, algorithm }, again }) =>
      violations.map((violation) => ({ ...violation, scenario, seed, algorithm, again })),
    ),
    digest: results.reduce((hash, { digest }) => hash.update(`${digest}\n`), createHash("sha256")).digest("hex"),
  };
}

/** By their names, so that the order of worlds does not count. */
function mergeCounts(counts: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const total = new Map<string, number>();
  for (const one of counts) {
    for (const [name, count] of Object.entries(one)) total.set(name, (total.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...total].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * A world's percentiles cannot be added. Of many worlds each is the median of theirs: the wait in a world in the middle.
 */
function mergeWaits(results: readonly WorldResult[]): Distribution {
  const waits = results.filter(({ jobs }) => jobs.total > 0).map(({ jobs }) => jobs.waitSeconds);
  const median = (read: (wait: Distribution) => number) => {
    const sorted = waits.map(read).sort((one, other) => one - other);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  };
  return {
    p50: median(({ p50 }) => p50),
    p95: median(({ p95 }) => p95),
    p99: median(({ p99 }) => p99),
    max: waits.reduce((longest, { max }) => Math.max(longest, max), 0),
  };
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}
