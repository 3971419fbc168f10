/** Each pool as it is now: its machines and their verdicts, its tickets, what holds it up, and how fresh that is. */
import { type Breaker, judgeBreaker, POOL_BARREN_MAX, UNHEARD_LAUNCHES_MAX } from "../../domain/breakers.ts";
import type { PoolName } from "../../domain/ids.ts";
import { formatInstant } from "../../domain/instant.ts";
import { invariant } from "../../domain/invariant.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { because } from "../../domain/timeline.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { listEvidence } from "../../store/evidence/evidence.ts";
import { countQueuedByPool } from "../../store/jobs/count.ts";
import { readLaunchOutcomes, readTicketOutcomes } from "../../store/outcomes.ts";
import { poolSubject } from "../../store/subjects.ts";
import { countLiveTickets, type LiveTicketCount } from "../../store/tickets/count.ts";
import type { Health } from "../health.ts";
import type { PoolAnswer } from "./answers.ts";
import { type Words, wordsOfPool } from "./read-words.ts";
import type { OperatorSources } from "./sources.ts";
import type { FleetMachine } from "./survey-fleet.ts";

/** What went wrong at a provider or at GitHub is shown for so long after it was last seen. */
const ERROR_SHOWN_MS = 15 * MINUTE_MS;
const ERRORS_PER_POOL_MAX = 3;
/** Enough to find that many among what operators said. */
const POOL_EVIDENCE_COUNT = 20;

export interface PoolsQuery {
  readonly health: Health;
  readonly fleet: readonly FleetMachine[];
  readonly words: Words;
}

/** The configured pools in their order, then those that left the configuration and are not drained. */
export async function describePools(
  sources: OperatorSources,
  { health, fleet, words }: PoolsQuery,
): Promise<PoolAnswer[]> {
  const { db } = sources.store;
  const byPool = Map.groupBy(fleet, (machine) => machine.pool);
  const queued = await countQueuedByPool(db);
  const configured = new Set(sources.pools.map((pool) => pool.name));
  const departed = (sources.readDeparted?.() ?? []).map(({ policy }) => policy.name);
  const removed = [...new Set([...byPool.keys(), ...queued.keys(), ...departed])]
    .filter((name) => !configured.has(name))
    .sort();
  const answers: PoolAnswer[] = [];
  for (const pool of [...sources.pools, ...removed]) {
    const name = typeof pool === "string" ? pool : pool.name;
    const machines = byPool.get(name) ?? [];
    answers.push({
      ...describePolicy(pool),
      ...countMachines(machines),
      ...countTickets(await countLiveTickets(db, name)),
      waitingJobs: queued.get(name) ?? 0,
      breakers: await readOpenBreakers(sources, name),
      ...describeReading(sources, name),
      agents: countAgents(machines),
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

function countMachines(machines: readonly FleetMachine[]): Pick<PoolAnswer, "machines" | "verdicts"> {
  const counts = { planned: 0, provisioning: 0, parked: 0, stopping: 0, stopped: 0, engaged: 0, retiring: 0 };
  const verdicts = { busy: 0, idle: 0, unknown: 0 };
  for (const { state, verdict } of machines) {
    if (state.kind === "gone") continue;
    counts[state.kind] += 1;
    if (verdict !== null) verdicts[verdict.kind] += 1;
  }
  return { machines: counts, verdicts };
}

function countTickets(tickets: readonly LiveTicketCount[]): Pick<PoolAnswer, "liveTickets" | "standing"> {
  const count = (isCounted: (ticket: LiveTicketCount) => boolean) =>
    tickets.reduce((sum, ticket) => sum + (isCounted(ticket) ? ticket.count : 0), 0);
  return {
    liveTickets: count(() => true),
    standing: {
      registered: count(({ purpose, state }) => purpose === "registered" && state === "online"),
      ready: count(({ purpose, state, isAimed }) => purpose === "ready" && !isAimed && state === "issued"),
    },
  };
}

function countAgents(machines: readonly FleetMachine[]): PoolAnswer["agents"] {
  const silent = machines.filter(({ agent }) => agent === "silent");
  const heardAtMs = silent.flatMap((machine) => machine.heardAtMs ?? []);
  return {
    heard: machines.filter(({ agent }) => agent === "heard").length,
    silent: silent.length,
    quietSince: heardAtMs.length === 0 ? null : formatInstant(Math.min(...heardAtMs)),
  };
}

/** From the rows, as the controllers find them. */
export async function readOpenBreakers({ store }: OperatorSources, pool: PoolName): Promise<PoolAnswer["breakers"]> {
  const tickets = judgeBreaker(await readTicketOutcomes(store.db, pool), POOL_BARREN_MAX);
  const launches = judgeBreaker(await readLaunchOutcomes(store.db, pool), UNHEARD_LAUNCHES_MAX);
  return [...describeBreaker("tickets", tickets), ...describeBreaker("launches", launches)];
}

function describeBreaker(stops: "tickets" | "launches", breaker: Breaker): PoolAnswer["breakers"] {
  if (breaker.kind === "closed") return [];
  const { sinceMs, failureCount, nextProbeAtMs } = breaker;
  return [{ stops, since: formatInstant(sinceMs), failures: failureCount, nextProbeAt: formatInstant(nextProbeAtMs) }];
}

function describeReading(sources: OperatorSources, name: PoolName): Pick<PoolAnswer, "listing" | "pauses"> {
  const reading = sources.readPool?.(name) ?? null;
  if (reading === null) return { listing: null, pauses: [] };
  const { listedAtMs, isListingFailing, pauses } = reading;
  return {
    listing: { at: listedAtMs === null ? null : formatInstant(listedAtMs), isFailing: isListingFailing },
    pauses: pauses.map(({ what, reason, untilMs }) => ({
      what,
      because: because(reason),
      until: formatInstant(untilMs),
    })),
  };
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
