import { POINTS_PER_MINUTE_MAX, WRITE_POINT_COUNT } from "../../domain/budget.ts";
import { formatInstant } from "../../domain/instant.ts";
import { HOUR_MS } from "../../domain/units.ts";
import type { BudgetReading } from "../../ports/github.ts";
import { countDeliveriesByState, readLastDelivered } from "../../store/deliveries/list.ts";
import { countCompletedSince, countJobsByStatus, countQueuedByPool } from "../../store/jobs/count.ts";
import { loadMachines } from "../../store/machines/load.ts";
import type { Queryable } from "../../store/schema.ts";
import type { Health } from "../health.ts";
import type { ConnectionAnswer, StandingWord, StatusAnswer } from "./answers.ts";
import { describePools } from "./describe-pools.ts";
import { allWords, MACHINE_WORDS_MAX, readWords, type Words } from "./read-words.ts";
import type { ConnectionReading, OperatorSources } from "./sources.ts";
import { type FleetMachine, surveyFleet } from "./survey-fleet.ts";

/** GitHub's clock may be ahead of ours by so much, and a job of the last hour still counts. */
const CLOCK_SLACK_MS = HOUR_MS;

/** @param read the fleet, where somebody has read it already. */
export async function readStatus(
  sources: OperatorSources,
  read: readonly FleetMachine[] | null = null,
): Promise<StatusAnswer> {
  const { db } = sources.store;
  const health = sources.readHealth();
  const fleet = read ?? (await surveyFleet(sources));
  const words = await readWords(db);
  return {
    now: formatInstant(sources.clock.nowMs()),
    controllerId: sources.controllerId,
    version: sources.version,
    since: formatInstant(sources.startedAtMs),
    health: describeHealth(health),
    connections: await readConnections(sources),
    pools: await describePools(sources, { health, fleet, words }),
    jobs: await countJobs(sources),
    deliveries: { pending: 0, applied: 0, ignored: 0, quarantined: 0, ...(await countDeliveriesByState(db)) },
    words: await readAllWords(db, words, fleet),
  };
}

/** Those about machines that came last to their states; the list of machines has the others. */
async function readAllWords(db: Queryable, words: Words, fleet: readonly FleetMachine[]): Promise<StandingWord[]> {
  const spoken = fleet.filter(({ hasWord }) => hasWord).sort((a, b) => b.state.sinceMs - a.state.sinceMs);
  const ids = spoken.slice(0, MACHINE_WORDS_MAX).map(({ id }) => id);
  const machines = await loadMachines(db, ids);
  return allWords(
    words,
    ids.flatMap((id) => machines.get(id) ?? []),
  );
}

function describeHealth({ isReady, problems, controllers }: Health): StatusAnswer["health"] {
  return {
    isReady,
    problems: [...problems],
    controllers: controllers.map(({ name, pool, lastRunAtMs, lastError }) => ({
      name,
      pool,
      lastRunAt: lastRunAtMs === null ? null : formatInstant(lastRunAtMs),
      lastError,
    })),
  };
}

async function readConnections(sources: OperatorSources): Promise<ConnectionAnswer[]> {
  const readings = sources.readConnections();
  const deliveredAtMs = await readLastDelivered(
    sources.store.db,
    readings.map(({ name }) => name),
  );
  return readings.map((connection) => describeConnection(connection, deliveredAtMs.get(connection.name) ?? null));
}

function describeConnection(connection: ConnectionReading, deliveredAtMs: number | null): ConnectionAnswer {
  const { name, demand, repositoryCount, lookedAtMs, troubles } = connection;
  return {
    name,
    demand,
    budgets: connection.budgets.map(describeBudget),
    repositories: repositoryCount,
    lookedAt: lookedAtMs === null ? null : formatInstant(lookedAtMs),
    deliveredAt: deliveredAtMs === null ? null : formatInstant(deliveredAtMs),
    troubles: [...troubles],
  };
}

function describeBudget(budget: BudgetReading): ConnectionAnswer["budgets"][number] {
  const { account, primary, pointCount, ticketCount, blockedUntilMs } = budget;
  return {
    account,
    limit: primary?.limit ?? null,
    remaining: primary?.remaining ?? null,
    resetsAt: primary === null ? null : formatInstant(primary.resetsAtMs),
    pointsPerMinute: pointCount,
    pointsPerMinuteMax: POINTS_PER_MINUTE_MAX,
    ticketsPerMinute: ticketCount,
    ticketsPerMinuteMax: POINTS_PER_MINUTE_MAX / WRITE_POINT_COUNT,
    blockedUntil: blockedUntilMs === null ? null : formatInstant(blockedUntilMs),
  };
}

async function countJobs({ store, clock }: OperatorSources): Promise<StatusAnswer["jobs"]> {
  const byStatus = await countJobsByStatus(store.db);
  const byPool = await countQueuedByPool(store.db);
  const queued = [...byPool.values()].reduce((sum, count) => sum + count, 0);
  const lastHour = { sinceMs: clock.nowMs() - HOUR_MS, slackMs: CLOCK_SLACK_MS };
  return {
    waiting: byStatus.waiting,
    queued,
    unmatched: Math.max(0, byStatus.queued - queued),
    running: byStatus.in_progress,
    completedLastHour: await countCompletedSince(store.db, lastHour),
  };
}
