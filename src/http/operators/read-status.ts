import { POINTS_PER_MINUTE_MAX, WRITE_POINT_COUNT } from "../../domain/budget.ts";
import type { PoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { invariant } from "../../domain/invariant.ts";
import type { Machine } from "../../domain/machine.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { isHeldReady, type Ticket } from "../../domain/ticket.ts";
import { HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import type { BudgetReading } from "../../ports/github.ts";
import { countDeliveriesByState } from "../../store/deliveries/list.ts";
import { listEvidence } from "../../store/evidence/evidence.ts";
import { countJobsByStatus, countQueuedByPool } from "../../store/jobs/count.ts";
import { listRecentJobs } from "../../store/jobs/list.ts";
import { listMachines } from "../../store/machines/list.ts";
import { poolSubject } from "../../store/subjects.ts";
import { listLiveTicketsOfPool } from "../../store/tickets/list.ts";
import type { Health } from "../health.ts";
import type { ConnectionAnswer, PoolAnswer, StatusAnswer } from "./answers.ts";
import { judge } from "./judge.ts";
import { allWords, readWords, type Words, wordsOfPool } from "./read-words.ts";
import type { ConnectionReading, OperatorSources } from "./sources.ts";

/** Above all that `machines.max` of a few pools allows; beyond it the counts are too low. */
const MACHINES_MAX = 20_000;
/** Completed jobs that are looked through for those of the last hour. */
const COMPLETED_MAX = 2_000;
/** What went wrong at a provider or at GitHub is shown for so long after it was last seen. */
const ERROR_SHOWN_MS = 15 * MINUTE_MS;
const ERRORS_PER_POOL_MAX = 3;
/** Enough to find that many among what operators said. */
const POOL_EVIDENCE_COUNT = 20;

export async function readStatus(sources: OperatorSources): Promise<StatusAnswer> {
  const health = sources.readHealth();
  const machines = await listMachines(sources.store.db, { includeGone: false, limitCount: MACHINES_MAX });
  const words = await readWords(sources.store.db);
  return {
    now: formatInstant(sources.clock.nowMs()),
    controllerId: sources.controllerId,
    version: sources.version,
    since: formatInstant(sources.startedAtMs),
    health: describeHealth(health),
    connections: sources.readConnections().map(describeConnection),
    pools: await readPools(sources, health, machines, words),
    jobs: await countJobs(sources),
    deliveries: {
      pending: 0,
      applied: 0,
      ignored: 0,
      quarantined: 0,
      ...(await countDeliveriesByState(sources.store.db)),
    },
    words: allWords(words, machines),
  };
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

function describeConnection(connection: ConnectionReading): ConnectionAnswer {
  const { name, demand, repositoryCount, lookedAtMs, troubles } = connection;
  return {
    name,
    demand,
    budgets: connection.budgets.map(describeBudget),
    repositories: repositoryCount,
    lookedAt: lookedAtMs === null ? null : formatInstant(lookedAtMs),
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
  const completed = await listRecentJobs(store.db, { limitCount: COMPLETED_MAX, statuses: ["completed"] });
  const sinceMs = clock.nowMs() - HOUR_MS;
  return {
    waiting: byStatus.waiting,
    queued,
    unmatched: Math.max(0, byStatus.queued - queued),
    running: byStatus.in_progress,
    completedLastHour: completed.filter(({ job }) => (job.completedAtMs ?? 0) >= sinceMs).length,
  };
}

/** The configured pools in their order, then those that left the configuration and are not drained. */
async function readPools(
  sources: OperatorSources,
  health: Health,
  machines: readonly Machine[],
  words: Words,
): Promise<PoolAnswer[]> {
  const { db } = sources.store;
  const byPool = Map.groupBy(machines, (machine) => machine.pool);
  const queued = await countQueuedByPool(db);
  const configured = new Set(sources.pools.map((pool) => pool.name));
  const departed = (sources.readDeparted?.() ?? []).map(({ policy }) => policy.name);
  const removed = [...new Set([...byPool.keys(), ...queued.keys(), ...departed])]
    .filter((name) => !configured.has(name))
    .sort();
  const answers: PoolAnswer[] = [];
  for (const pool of [...sources.pools, ...removed]) {
    const name = typeof pool === "string" ? pool : pool.name;
    answers.push({
      ...describePolicy(pool),
      ...countMachines(sources, byPool.get(name) ?? [], await listLiveTicketsOfPool(db, name)),
      waitingJobs: queued.get(name) ?? 0,
      lastErrors: await readErrors(sources, health, name),
      words: wordsOfPool(words, name),
    });
  }
  return answers;
}

function describePolicy(pool: PoolPolicy | PoolName): Pick<PoolAnswer, "name" | "mode" | "max" | "labels"> {
  if (typeof pool === "string") return { name: pool, mode: "removed", max: null, labels: [] };
  invariant(pool.mode !== "departed", "a configured pool has not left");
  return { name: pool.name, mode: pool.mode, max: pool.machineCountMax, labels: [...pool.labels] };
}

function countMachines(
  sources: OperatorSources,
  machines: readonly Machine[],
  tickets: readonly Ticket[],
): Pick<PoolAnswer, "machines" | "verdicts" | "liveTickets" | "standing"> {
  const counts = { planned: 0, provisioning: 0, parked: 0, stopping: 0, stopped: 0, engaged: 0, retiring: 0 };
  const verdicts = { busy: 0, idle: 0, unknown: 0 };
  const byMachine = Map.groupBy(tickets, (ticket) => ticket.machineId);
  for (const machine of machines) {
    if (machine.state.kind === "gone") continue;
    counts[machine.state.kind] += 1;
    const verdict = judge(sources, machine, byMachine.get(machine.id) ?? []);
    if (verdict !== null) verdicts[verdict.kind] += 1;
  }
  const standing = {
    registered: tickets.filter(({ purpose, state }) => purpose === "registered" && state.kind === "online").length,
    ready: tickets.filter((ticket) => isHeldReady(ticket) && ticket.state.kind === "issued").length,
  };
  return { machines: counts, verdicts, liveTickets: tickets.length, standing };
}

/** Evidence about a pool itself is what went wrong with its calls, and what operators said of it. */
async function readErrors(sources: OperatorSources, health: Health, pool: PoolName): Promise<string[]> {
  const failing = health.controllers.filter((one) => one.pool === pool && one.lastError !== null);
  const evidence = await listEvidence(sources.store.db, poolSubject(pool), POOL_EVIDENCE_COUNT);
  const errors = evidence.filter(({ source }) => source !== "operator").slice(0, ERRORS_PER_POOL_MAX);
  const sinceMs = sources.clock.nowMs() - ERROR_SHOWN_MS;
  return [
    ...failing.map((one) => `${one.name}: ${one.lastError}`),
    ...errors.filter((one) => one.confirmedAtMs >= sinceMs).map((one) => one.fact),
  ];
}
