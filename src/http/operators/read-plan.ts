/** What the next pass of each pool would do and what it would leave, with the rule behind each. */
import { formatInstant } from "../../domain/instant.ts";
import { isAct, type PassPlan, type PlannedStep } from "../../domain/pass-plan.ts";
import { sentenceOf } from "../../domain/reasons.ts";
import { countJobsByStatus, countQueuedByPool } from "../../store/jobs/count.ts";
import type { PlanAnswer } from "./answer-plan.ts";
import type { StandingWord } from "./answers.ts";
import { findPoolNamed } from "./explain-pools.ts";
import { readWords, wordsOfPool } from "./read-words.ts";
import type { OperatorSources } from "./sources.ts";

export interface PlanQuery {
  /** Null for every pool. */
  readonly pool: string | null;
  /** Of each pool: what would be done comes before what waits. */
  readonly limitCount: number;
}

/** @returns null where there is no such pool. */
export async function readPlan(sources: OperatorSources, { pool, limitCount }: PlanQuery): Promise<PlanAnswer | null> {
  const { db } = sources.store;
  const named = pool === null ? null : await findPoolNamed(sources, pool);
  if (pool !== null && named === null) return null;
  const departed = (sources.readDeparted?.() ?? []).map(({ policy }) => policy);
  const policies = [...sources.pools, ...departed].filter(({ name }) => named === null || name === named);
  const words = await readWords(db);
  const pools: PlanAnswer["pools"] = [];
  for (const policy of policies) {
    const plan = (await sources.foretell?.(policy.name)) ?? null;
    if (plan === null) continue;
    const mode = policy.mode === "departed" || !sources.pools.includes(policy) ? "removed" : policy.mode;
    const settings = { mode, max: mode === "removed" ? null : policy.machineCountMax } as const;
    pools.push(describePlan(plan, { ...settings, words: wordsOfPool(words, policy.name), limitCount }));
  }
  const { queued } = await countJobsByStatus(db);
  const routedCount = [...(await countQueuedByPool(db)).values()].reduce((sum, count) => sum + count, 0);
  return {
    now: formatInstant(sources.clock.nowMs()),
    pools,
    unmatchedJobs: Math.max(0, queued - routedCount),
  };
}

interface Setting extends Pick<PlanAnswer["pools"][number], "mode" | "max"> {
  readonly words: StandingWord[];
  readonly limitCount: number;
}

function describePlan(plan: PassPlan, { mode, max, words, limitCount }: Setting): PlanAnswer["pools"][number] {
  const { pool, isHeld, machineCount, waitingJobCount, launchCount, launchRoom, unsound, steps, unseenCount } = plan;
  const shown = steps.slice(0, limitCount);
  return {
    name: pool,
    mode,
    isHeld,
    machines: machineCount,
    max,
    waitingJobs: waitingJobCount,
    launches: launchCount,
    room: {
      count: launchRoom.count,
      limit: { reason: launchRoom.limit, sentence: sentenceOf(launchRoom.limit) },
    },
    unsound: [...unsound],
    words,
    steps: shown.map(describeStep),
    omittedCount: steps.length - shown.length + unseenCount,
  };
}

function describeStep(step: PlannedStep): PlanAnswer["pools"][number]["steps"][number] {
  const { controller, action, subject, title, reason, note, retryAtMs } = step;
  return {
    controller,
    action,
    isAct: isAct(step),
    about: {
      kind: subject.kind,
      id: subject.kind === "job" ? (subject.id.split("/").at(-1) ?? "") : subject.id,
      title,
    },
    reason,
    sentence: sentenceOf(reason),
    note,
    retryAt: retryAtMs === null ? null : formatInstant(retryAtMs),
  };
}
