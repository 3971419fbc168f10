/** Runs one world from its start to its end, and says what it was. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { AdapterPorts } from "../provider/make-provider.ts";
import type { Distribution, WorldResult } from "../scenario/result.ts";
import type { RunWorld } from "../scenario/run-world.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { findLeftovers, Inspections, isNothingLeft, judgeEnd, type Leftovers } from "./inspections.ts";
import { startTroubles } from "./troubles.ts";
import { createWorld, type World } from "./world.ts";

/** After the faults, everything comes to its end within this: the longest of the deadlines, one after the other. */
const SETTLE_MAX_MS = 5 * HOUR_MS;
const SETTLE_STEP_MS = 5 * MINUTE_MS;
/** What a machine of one job's own takes besides its boot and its job: its ticket, its end, its turn at the provider. */
const TURNAROUND_MS = 5 * MINUTE_MS;

type RunOptions = Parameters<RunWorld>[1] & AdapterPorts;

/** The same scenario and seed give the same result, to the last digit of its digest. */
export async function runWorld(scenario: Scenario, options: RunOptions): Promise<WorldResult> {
  const world = createWorld(scenario, options.seed, options.onEvent ?? null, options);
  const inspections = new Inspections(world);
  const { stopsAtFirst = false, stopsAfterMs = Number.POSITIVE_INFINITY } = options;
  const isOver = () =>
    (stopsAtFirst && world.judge.violationCount > 0) || world.scheduler.nowMs - scenario.startMs > stopsAfterMs;
  world.webhooks.start();
  world.installation?.start();
  world.workload.start(Math.min(scenario.durationMs, scenario.faultsEndMs ?? scenario.durationMs));
  startTroubles(world);
  inspections.start();
  await world.scheduler.runUntil(scenario.startMs + scenario.durationMs, isOver);
  const left = await settle(world, isOver);
  inspections.checkForeign();
  // What is asked of `explain` comes a moment later.
  await world.scheduler.runUntil(world.scheduler.nowMs + SECOND_MS);
  const result = resultOf(world, options.seed, inspections, left);
  world.fleet?.stop();
  world.database?.close();
  return result;
}

/** Without faults, and without new jobs: until nothing is left, or the bound is past. */
async function settle(world: World, isOver: () => boolean): Promise<Leftovers> {
  const { scenario, scheduler } = world;
  if (scenario.faultsEndMs === null) return findLeftovers(world);
  const untilMs =
    scenario.startMs +
    Math.max(scenario.durationMs, scenario.faultsEndMs) +
    (scenario.settleMaxMs ?? SETTLE_MAX_MS + backlogMs(world));
  let left = findLeftovers(world);
  while (!isNothingLeft(left) && scheduler.nowMs < untilMs && !isOver()) {
    await scheduler.runUntil(scheduler.nowMs + SETTLE_STEP_MS, isOver);
    left = findLeftovers(world);
  }
  if (!isOver()) judgeEnd(world, left);
  return left;
}

/**
 * How long the jobs that are not over keep the machines busy that there may be, one for each at its slowest: all of them
 * shared out, and the longest after that.
 */
function backlogMs({ scenario, workload, github }: World): number {
  const waiting = workload.queued.filter(({ id }) => github.state.jobs.get(id)?.phase.kind !== "completed");
  const eachMs = TURNAROUND_MS + scenario.bootMs[1];
  const worksMs = waiting.map(({ id }) => workload.durationMs(id) + eachMs);
  const workMs = worksMs.reduce((sumMs, oneMs) => sumMs + oneMs, 0);
  const machineCount = Math.max(1, Math.min(...scenario.pools.map(({ machineCountMax }) => machineCountMax)));
  return workMs / machineCount + Math.max(0, ...worksMs);
}

function resultOf(world: World, seed: number, inspections: Inspections, left: Leftovers): WorldResult {
  const { scenario, scheduler, judge, faults, githubRemote, providerRemote, log } = world;
  const simulatedMs = scheduler.nowMs - scenario.startMs;
  return {
    scenario: scenario.name,
    seed,
    algorithm: scenario.algorithm,
    jobs: jobsOf(world),
    machines: machinesOf(world, inspections, left),
    ghosts: { created: judge.deletedCount, leftover: left.registrations.length },
    calls: { github: githubRemote.counts, provider: providerRemote.counts },
    faults: faults.counts,
    violations: judge.violations,
    simulatedHours: simulatedMs / HOUR_MS,
    machineHours: world.provider.paidMs() / HOUR_MS,
    events: scheduler.eventCount,
    digest: log.digest(),
  };
}

function jobsOf({ github, judge, workload }: World): WorldResult["jobs"] {
  const count = { succeeded: 0, cancelled: 0, killedByUs: 0, lostForced: 0, lostByWorld: 0, open: 0 };
  const waitsSeconds: number[] = [];
  for (const { id, atMs } of workload.queued) {
    const phase = github.state.jobs.get(id)?.phase;
    const acquiredAtMs = judge.acquiredAtMs(id);
    if (acquiredAtMs !== null) waitsSeconds.push((acquiredAtMs - atMs) / SECOND_MS);
    const death = judge.deathOf(id);
    if (death === "us") count.killedByUs += 1;
    else if (phase?.kind !== "completed") count.open += 1;
    else if (phase.conclusion === "success") count.succeeded += 1;
    else if (death === "forced") count.lostForced += 1;
    else if (phase.conclusion === "cancelled" && phase.cause !== "never-acquired") count.cancelled += 1;
    else count.lostByWorld += 1;
  }
  return {
    total: workload.queued.length,
    ...count,
    delays: judge.delayCount,
    waitSeconds: distribute(waitsSeconds),
  };
}

function machinesOf(world: World, inspections: Inspections, left: Leftovers): WorldResult["machines"] {
  const { provider, judge, telemetry, scenario } = world;
  const paidMs = provider.paidMs();
  const minutes = (ms: number) => Math.round((10 * ms) / MINUTE_MS) / 10;
  return {
    launched: provider.startedCount,
    max: judge.machinesMax,
    strayMax: inspections.strayMax,
    leaked: scenario.faultsEndMs === null ? 0 : left.machines.length,
    leakedMinutes: minutes(inspections.leakedMs),
    idleMinutes: minutes(Math.max(0, paidMs - judge.busyMs)),
    busyMinutes: minutes(judge.busyMs),
    paidMinutes: minutes(paidMs),
    retiredByProof: telemetry.by("holdfast_machines_ended_total", "proof"),
  };
}

export function distribute(values: readonly number[]): Distribution {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) =>
    Math.round(10 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0)) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
