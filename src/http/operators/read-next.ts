/** When something is tried or looked at next, from what the pool's rows and its controllers' memory say. */
import type { PoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import type { NextStep, Prospects } from "../../domain/next-step.ts";
import type { ExplainAnswer } from "./answers.ts";
import { readOpenBreakers } from "./describe-pools.ts";
import type { OperatorSources } from "./sources.ts";

export async function readProspects(sources: OperatorSources, pool: PoolName): Promise<Prospects> {
  const nowMs = sources.clock.nowMs();
  const breakers = await readOpenBreakers(sources, pool);
  const until = [
    ...breakers.map(({ nextProbeAt }) => Date.parse(nextProbeAt)),
    ...(sources.readPool?.(pool)?.pauses ?? []).map(({ untilMs }) => untilMs),
  ].filter((atMs) => atMs > nowMs);
  return {
    heldUpUntilMs: until.length === 0 ? null : Math.max(...until),
    nextPassAtMs: nextPassAtMs(sources, pool, "assign"),
  };
}

/** Unless something wakes it before. */
export function nextPassAtMs(sources: OperatorSources, pool: PoolName, controller: string): number | null {
  const found = sources.readHealth().controllers.find((one) => one.name === controller && one.pool === pool);
  if (found?.periodMs === undefined || found.lastRunAtMs === null) return null;
  return Math.max(found.lastRunAtMs + found.periodMs, sources.clock.nowMs());
}

export function answerNext(next: NextStep | null): ExplainAnswer["next"] {
  return next === null ? null : { sentence: next.sentence, at: next.atMs === null ? null : formatInstant(next.atMs) };
}
