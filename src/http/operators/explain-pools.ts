/** What is read to tell why nothing starts: the queued jobs of pools, what was decided about each, and what pools met. */
import {
  explainFleet,
  explainPool,
  type FleetExplanation,
  type PoolExplanation,
  type PoolStory,
} from "../../domain/explain-pools.ts";
import type { PoolName } from "../../domain/ids.ts";
import { TIMELINE_COUNT_MAX } from "../../domain/timeline.ts";
import { latestDecisions } from "../../store/evidence/decisions.ts";
import { subjectKey } from "../../store/evidence/row.ts";
import { countJobsByStatus, countQueuedByPool } from "../../store/jobs/count.ts";
import { listQueuedJobsOfPool } from "../../store/jobs/list.ts";
import { countPresentByPool } from "../../store/machines/count.ts";
import { jobSubject, poolSubject } from "../../store/subjects.ts";
import { findPool } from "./commands/find-target.ts";
import { readRecords } from "./read-records.ts";
import type { OperatorSources } from "./sources.ts";

/** The oldest of a pool; what the others wait for is no other. */
const JOBS_MAX = 1_000;

/** `pool:linux` where a machine has the same name. */
const PREFIX = /^pool:/;

/** @returns null where there is no such pool. */
export async function findPoolNamed(sources: OperatorSources, text: string): Promise<PoolName | null> {
  const configured = sources.pools.map(({ name }) => name);
  return findPool(sources.store.db, configured, text.trim().replace(PREFIX, ""));
}

export async function tellPool(sources: OperatorSources, name: PoolName): Promise<PoolExplanation> {
  return explainPool(await readStory(sources, name, await readCounts(sources)));
}

/** Every pool that is configured, has machines or has queued jobs. */
export async function tellFleet(sources: OperatorSources): Promise<FleetExplanation> {
  const counts = await readCounts(sources);
  const names = new Set([...sources.pools.map(({ name }) => name), ...counts.machines.keys(), ...counts.queued.keys()]);
  const pools: PoolStory[] = [];
  for (const name of names) pools.push(await readStory(sources, name, counts));
  const { queued } = await countJobsByStatus(sources.store.db);
  const routedCount = [...counts.queued.values()].reduce((sum, count) => sum + count, 0);
  return explainFleet({
    controllerId: sources.controllerId,
    problems: readProblems(sources),
    unmatchedCount: Math.max(0, queued - routedCount),
    pools,
  });
}

function readProblems(sources: OperatorSources): readonly string[] {
  const { problems, controllers } = sources.readHealth();
  return [
    ...problems,
    ...controllers.flatMap(({ name, pool, lastError }) =>
      lastError === null
        ? []
        : [`The last pass of ${name}${pool === null ? "" : ` for pool ${pool}`} failed: ${lastError}.`],
    ),
    ...sources.readConnections().flatMap(({ name, troubles }) => troubles.map((one) => `Connection ${name}: ${one}.`)),
  ];
}

interface Counts {
  readonly machines: ReadonlyMap<PoolName, number>;
  readonly queued: ReadonlyMap<PoolName, number>;
}

async function readCounts({ store }: OperatorSources): Promise<Counts> {
  return { machines: await countPresentByPool(store.db), queued: await countQueuedByPool(store.db) };
}

async function readStory({ pools, store }: OperatorSources, name: PoolName, counts: Counts): Promise<PoolStory> {
  const { db } = store;
  const policy = pools.find((pool) => pool.name === name) ?? null;
  const jobs = await listQueuedJobsOfPool(db, name, JOBS_MAX);
  const subjects = jobs.map(({ job }) => jobSubject(job.connection, job.id));
  const latest = await latestDecisions(db, subjects);
  return {
    name,
    mode: policy === null || policy.mode === "departed" ? "removed" : policy.mode,
    machineCount: counts.machines.get(name) ?? 0,
    max: policy?.machineCountMax ?? null,
    waiting: subjects.map((subject) => latest.get(subjectKey(subject))?.reason ?? null),
    isMoreWaiting: (counts.queued.get(name) ?? 0) > jobs.length,
    records: await readRecords(db, [poolSubject(name)], TIMELINE_COUNT_MAX),
  };
}
