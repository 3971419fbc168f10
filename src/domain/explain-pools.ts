/**
 * Why nothing starts, in a pool or in all of them: what its queued jobs wait for, by how many of them, and what was met at
 * the provider and at GitHub. Pure; what is not stored is not told.
 */
import type { Told } from "./explain.ts";
import type { ReasonCode } from "./reasons.ts";
import { because, type Records, tellTimeline } from "./timeline.ts";

export interface PoolSubject {
  readonly kind: "pool";
  readonly id: string;
  readonly name: string;
  /** removed: no longer in the configuration, and not drained yet. */
  readonly mode: "run" | "observe" | "removed";
  /** Machines that are there or on their way. */
  readonly machineCount: number;
  /** Null for one that left the configuration. */
  readonly max: number | null;
}

/** All pools of a controller. */
export interface FleetSubject {
  readonly kind: "fleet";
  readonly id: string;
  readonly name: string;
}

export interface PoolStory extends Omit<PoolSubject, "kind" | "id"> {
  /** Of each queued job the latest reason, oldest job first; null for one about which nothing is decided yet. */
  readonly waiting: readonly (ReasonCode | null)[];
  /** Whether more jobs wait than were looked at. */
  readonly isMoreWaiting: boolean;
  readonly records: Records;
}

export interface FleetStory {
  readonly controllerId: string;
  /** What keeps the controller itself from working, in sentences. */
  readonly problems: readonly string[];
  /** Queued jobs that no pool takes. */
  readonly unmatchedCount: number;
  readonly pools: readonly PoolStory[];
}

export type PoolExplanation = Told<PoolSubject>;
export type FleetExplanation = Told<FleetSubject>;

export function explainPool(story: PoolStory): PoolExplanation {
  const { name, mode, machineCount, max, waiting } = story;
  return {
    subject: { kind: "pool", id: name, name, mode, machineCount, max },
    verdict: {
      kind: waiting.length > 0 ? "waiting" : "quiet",
      sentences: [...describeMode(story), describeMachines(story), ...describeWaiting(story)],
    },
    waitingFor: commonest(waiting),
    ...tellTimeline(story.records),
  };
}

export function explainFleet({ controllerId, problems, unmatchedCount, pools }: FleetStory): FleetExplanation {
  const waiting = pools.flatMap((pool) => pool.waiting);
  const unmatched = Array.from({ length: unmatchedCount }, () => "no-pool" as const);
  const all = [...unmatched, ...waiting];
  const records = {
    evidence: pools.flatMap((pool) => pool.records.evidence),
    decisions: pools.flatMap((pool) => pool.records.decisions),
  };
  return {
    subject: { kind: "fleet", id: controllerId, name: controllerId },
    verdict: {
      kind: all.length > 0 ? "waiting" : "quiet",
      sentences: [
        ...problems,
        ...(unmatchedCount === 0 ? [] : [`${countJobs(unmatchedCount)} for no pool: ${sentenceOf("no-pool")}`]),
        ...pools.flatMap((pool) => (pool.waiting.length === 0 ? [] : describeWaiting(pool))),
        ...(all.length === 0 ? ["No job waits for a machine."] : []),
      ],
    },
    waitingFor: commonest(all),
    ...tellTimeline(records),
  };
}

function describeMode({ mode }: PoolStory): readonly string[] {
  if (mode === "observe") return [sentenceOf("pool-observes")];
  return mode === "removed" ? ["It is no longer in the configuration: what it has runs to its end."] : [];
}

function describeMachines({ machineCount, max }: PoolStory): string {
  const limit = max === null ? "" : ` of at most ${max}`;
  return `It has ${machineCount}${limit} machines.`;
}

/** The commonest reason first; among equals the one that a job has met for longest. */
function describeWaiting({ name, waiting, isMoreWaiting }: PoolStory): readonly string[] {
  if (waiting.length === 0) return ["No job waits for it."];
  const more = isMoreWaiting ? [`More than ${waiting.length} jobs wait for pool ${name}; of the oldest of them:`] : [];
  const told = byCount(waiting).map(([reason, count]) => {
    const why = reason === null ? "nothing is decided about it yet." : `${sentenceOf(reason)} (${reason})`;
    return `${countJobs(count)} for pool ${name}: ${why}`;
  });
  return [...more, ...told];
}

function countJobs(count: number): string {
  return count === 1 ? "1 job waits" : `${count} jobs wait`;
}

function commonest(reasons: readonly (ReasonCode | null)[]): PoolExplanation["waitingFor"] {
  const [first] = byCount(reasons.filter((reason) => reason !== null));
  return first === undefined || first[0] === null ? null : because(first[0]);
}

/** The commonest first; among equals the one that was met first. */
export function byCount(reasons: readonly (ReasonCode | null)[]): readonly (readonly [ReasonCode | null, number])[] {
  const groups = [...Map.groupBy(reasons, (reason) => reason)];
  return groups.map(([reason, all]) => [reason, all.length] as const).sort((a, b) => b[1] - a[1]);
}

function sentenceOf(reason: ReasonCode): string {
  return because(reason).sentence;
}
