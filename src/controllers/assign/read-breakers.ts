/** Reads from the rows which breakers are open, and tells when one opens or closes. */
import {
  type Breaker,
  CLOSED,
  JOB_BARREN_MAX,
  judgeBreaker,
  POOL_BARREN_MAX,
  UNHEARD_LAUNCHES_MAX,
} from "../../domain/breakers.ts";
import type { JobId } from "../../domain/ids.ts";
import type { PoolBreakers } from "../../domain/pool-plan.ts";
import { recordEvidence } from "../../store/evidence/evidence.ts";
import { readLaunchOutcomes, readTicketOutcomes, readTicketOutcomesOfJobs } from "../../store/outcomes.ts";
import type { Queryable } from "../../store/schema.ts";
import { jobSubject, poolSubject } from "../../store/subjects.ts";
import type { PoolContext } from "../context.ts";
import { gaugePool } from "../pool-gauge.ts";

export interface OpenBreakers extends PoolBreakers {
  /** Of the jobs that wait; one without a breaker is left out. */
  readonly jobs: ReadonlyMap<JobId, Breaker>;
}

export async function readBreakers({ store, pool }: PoolContext, waiting: readonly JobId[]): Promise<OpenBreakers> {
  const ofJobs = await readTicketOutcomesOfJobs(store.db, pool.connection, waiting);
  const jobs = [...ofJobs].map(([id, outcomes]) => [id, judgeBreaker(outcomes, JOB_BARREN_MAX)] as const);
  return {
    tickets: judgeBreaker(await readTicketOutcomes(store.db, pool.name), POOL_BARREN_MAX),
    launches: judgeBreaker(await readLaunchOutcomes(store.db, pool.name), UNHEARD_LAUNCHES_MAX),
    jobs: new Map(jobs.filter(([, breaker]) => breaker !== CLOSED)),
  };
}

const FACTS = {
  tickets: `tickets stopped: ${POOL_BARREN_MAX} in a row ended without a job`,
  launches: `launches stopped: ${UNHEARD_LAUNCHES_MAX} machines in a row never checked in`,
  job: `no more tickets for it: ${JOB_BARREN_MAX} in a row ended without a job`,
} as const;

/** While one is open its pool and its job say so. */
export async function recordBreakers(context: PoolContext, tx: Queryable, breakers: OpenBreakers): Promise<void> {
  const observedAtMs = context.clock.nowMs();
  for (const kind of ["tickets", "launches"] as const) {
    if (breakers[kind].kind !== "open") continue;
    const subject = poolSubject(context.pool.name);
    await recordEvidence(tx, { subject, source: "store", fact: FACTS[kind], observedAtMs });
  }
  for (const jobId of breakers.jobs.keys()) {
    const subject = jobSubject(context.pool.connection, jobId);
    await recordEvidence(tx, { subject, source: "store", fact: FACTS.job, observedAtMs });
  }
}

/** A warning is logged once. */
export function tellBreakers(context: PoolContext, breakers: OpenBreakers): void {
  const { telemetry, memory } = context;
  const pool = context.pool.name;
  const open = new Map<string, string>();
  for (const kind of ["tickets", "launches"] as const) {
    const isOpen = breakers[kind].kind === "open";
    gaugePool(context, "holdfast_breakers_open", isOpen ? 1 : 0, { pool, breaker: kind });
    if (isOpen) open.set(kind, FACTS[kind]);
  }
  gaugePool(context, "holdfast_breakers_open", breakers.jobs.size, { pool, breaker: "job" });
  for (const jobId of breakers.jobs.keys()) open.set(`job ${jobId}`, FACTS.job);
  for (const [name, fact] of open) if (!memory.toldBreakers.has(name)) telemetry.warn(fact, { pool, breaker: name });
  for (const name of memory.toldBreakers)
    if (!open.has(name)) telemetry.info("a breaker is closed", { pool, breaker: name });
  memory.toldBreakers = new Set(open.keys());
}
