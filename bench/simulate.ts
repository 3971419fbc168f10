/**
 * How fast the simulator is: simulated hours for each minute of one core, in a world of 80 machines and 240 jobs an hour, with
 * faults of every kind and with none, at two paces of the controllers' nets.
 *
 * Time is the processor's, not the clock's: a world runs on one thread, and what else the computer does counts little. Each
 * round is a world of another seed, and the figure is the median of the rounds.
 */
import type { PoolPolicy } from "../src/domain/pool.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../src/domain/units.ts";
import type { Fault } from "../src/simulator/scenario/fault.ts";
import { PLAIN_POOL } from "../src/simulator/scenario/plain-pool.ts";
import type { WorldResult } from "../src/simulator/scenario/result.ts";
import type { Scenario } from "../src/simulator/scenario/scenario.ts";
import { runWorld } from "../src/simulator/world/run.ts";
import { type Aim, type Bench, type Figure, median, rounded } from "./bench.ts";

const POOL: PoolPolicy = { ...PLAIN_POOL, warmParkedCount: 5 };

/** Every kind, each as often as an unlucky installation would see it. */
const FAULTS: readonly Fault[] = [
  { kind: "github.busy-flag-lag", perJob: 0.2, lagMs: [25 * SECOND_MS, 180 * SECOND_MS] },
  { kind: "github.busy-flag-drops", perJob: 0.05, afterMs: [30 * SECOND_MS, 15 * MINUTE_MS] },
  { kind: "github.busy-flag-never", perJob: 0.05 },
  { kind: "github.busy-flag-stale", perJob: 0.05, forMs: [MINUTE_MS, 20 * MINUTE_MS] },
  {
    kind: "github.offline-while-working",
    perJob: 0.05,
    afterMs: [10 * SECOND_MS, 5 * MINUTE_MS],
    forMs: [MINUTE_MS, 20 * MINUTE_MS],
  },
  { kind: "github.completed-while-working", perJob: 0.02 },
  { kind: "github.missing-from-listing", probability: 0.01 },
  { kind: "github.taken-elsewhere", perJob: 0.01 },
  { kind: "github.acquire-refused", perJob: 0.01 },
  { kind: "github.cancelled", perJob: 0.02, afterMs: [SECOND_MS, 10 * MINUTE_MS] },
  { kind: "github.webhook-lost", probability: 0.01 },
  { kind: "github.webhook-repeated", probability: 0.02 },
  { kind: "github.webhook-late", probability: 0.02, delayMs: [5 * SECOND_MS, 15 * MINUTE_MS] },
  { kind: "github.call-fails", probability: 0.01 },
  { kind: "github.answer-lost", probability: 0.01 },
  { kind: "github.outage", everyMs: 6 * HOUR_MS, forMs: [MINUTE_MS, 20 * MINUTE_MS] },
  { kind: "provider.call-fails", probability: 0.01 },
  { kind: "provider.answer-lost", probability: 0.01 },
  { kind: "provider.listing-lag", lagMs: [SECOND_MS, MINUTE_MS] },
  { kind: "provider.missing-from-listing", probability: 0.001 },
  { kind: "provider.no-capacity", everyMs: 6 * HOUR_MS, forMs: [MINUTE_MS, 20 * MINUTE_MS] },
  { kind: "provider.quota", machines: 70 },
  { kind: "provider.terminate-does-not-take", probability: 0.01 },
  { kind: "provider.reclaim", everyMs: HOUR_MS },
  { kind: "provider.marks-lost", perMachine: 0.01, afterMs: [0, 30 * MINUTE_MS] },
  { kind: "host.slow-boot", perMachine: 0.03, bootMs: [2 * MINUTE_MS, 12 * MINUTE_MS] },
  { kind: "host.never-boots", perMachine: 0.01 },
  { kind: "host.agent-crash", everyMs: 20 * MINUTE_MS },
  { kind: "host.agent-pause", everyMs: 20 * MINUTE_MS, forMs: [SECOND_MS, 5 * MINUTE_MS] },
  { kind: "host.machine-pause", everyMs: HOUR_MS, forMs: [SECOND_MS, 15 * MINUTE_MS] },
  { kind: "host.dies", everyMs: HOUR_MS },
  { kind: "host.cut-off", from: "controller", everyMs: HOUR_MS, forMs: [MINUTE_MS, 30 * MINUTE_MS] },
  { kind: "host.runner-exits", perTicket: 0.01 },
  { kind: "host.runner-never-online", perTicket: 0.01 },
  { kind: "host.runner-dies", perJob: 0.01 },
  { kind: "host.runner-hangs", perJob: 0.005 },
  { kind: "host.orphan-worker", perJob: 0.005 },
  { kind: "host.disk-full", everyMs: HOUR_MS, forMs: [MINUTE_MS, 15 * MINUTE_MS] },
  { kind: "controller.crash", everyMs: HOUR_MS },
  { kind: "controller.pause", everyMs: 2 * HOUR_MS, forMs: [SECOND_MS, 5 * MINUTE_MS] },
  { kind: "controller.deploy", everyMs: 4 * HOUR_MS },
  { kind: "controller.restore", atMs: 4 * HOUR_MS, ageMs: 10 * MINUTE_MS },
  { kind: "controller.second", everyMs: 4 * HOUR_MS },
  { kind: "controller.slow-store", probability: 0.0003, delayMs: [SECOND_MS, 10 * SECOND_MS] },
  { kind: "controller.clock-step", everyMs: 6 * HOUR_MS, byMs: [-HOUR_MS, HOUR_MS] },
];

function scenario(faults: readonly Fault[], pace: number, durationMs: number): Scenario {
  return {
    name: "bench",
    startMs: 1_767_600_000_000,
    durationMs,
    algorithm: "holdfast",
    provider: "cloud",
    pools: [POOL],
    workload: {
      jobs: [],
      arrivals: {
        perHour: 240,
        burst: null,
        duration: { p50Ms: 4 * MINUTE_MS, p95Ms: 30 * MINUTE_MS },
        labels: [POOL.labels],
        repositories: ["acme/widgets", "acme/gadgets"],
      },
    },
    faults,
    faultsEndMs: null,
    bootMs: [15 * SECOND_MS, 75 * SECOND_MS],
    fleet: { isPersistent: true, passEveryMs: 5 * MINUTE_MS, firstPassMs: 5 * MINUTE_MS, minimumAgeMs: 5 * MINUTE_MS },
    pace,
  };
}

interface Round {
  readonly result: WorldResult;
  readonly cpuSeconds: number;
}

async function round(world: Scenario, seed: number): Promise<Round> {
  const before = process.cpuUsage();
  const result = await runWorld(world, { seed });
  const { user, system } = process.cpuUsage(before);
  return { result, cpuSeconds: (user + system) / 1e6 };
}

/** Twelve thousand times as fast as life. */
const HOURS_PER_MINUTE_LEAST = 200;

export const simulate: Bench = {
  name: "simulate",
  work: "worlds of 80 machines and 240 jobs an hour, with faults of every kind and with none, on one core",
  run: async ({ rounds, hours, seed, note }) => {
    const figures: Figure[] = [];
    const aims: Aim[] = [];
    for (const [faultNames, faults] of [
      ["every fault", FAULTS],
      ["no fault", []],
    ] as const) {
      for (const pace of [10, 1]) {
        const name = `${faultNames}, pace ${pace}`;
        const done: Round[] = [];
        for (let count = 0; count < rounds; count += 1)
          done.push(await round(scenario(faults, pace, hours * HOUR_MS), seed + count));
        const hoursPerMinute = rounded(medianOf(done, hoursPerMinuteOf), 0);
        note(`${name}: ${hoursPerMinute} hours a minute`);
        figures.push(...figuresOf(name, done, hoursPerMinute));
        if (faults.length > 0)
          aims.push({ what: `hours a minute, ${name}`, least: HOURS_PER_MINUTE_LEAST, measured: hoursPerMinute });
      }
    }
    return { figures, aims };
  },
};

function figuresOf(name: string, rounds: readonly Round[], hoursPerMinute: number): readonly Figure[] {
  const violationCount = rounds.reduce((sum, { result }) => sum + result.violations.length, 0);
  return [
    { what: `${name}: simulated hours a minute`, ours: hoursPerMinute },
    { what: "  jobs", ours: medianOf(rounds, ({ result }) => result.jobs.total) },
    {
      what: "  machine hours",
      ours: rounded(
        medianOf(rounds, ({ result }) => result.machineHours),
        0,
      ),
    },
    { what: "  CPU for each job", ours: rounded(medianOf(rounds, msPerJobOf), 1), unit: "ms" },
    { what: "  memory", ours: rounded(process.memoryUsage.rss() / 2 ** 20, 0), unit: "MB" },
    { what: "  violations", ours: violationCount },
  ];
}

function hoursPerMinuteOf({ result, cpuSeconds }: Round): number {
  return (60 * result.simulatedHours) / cpuSeconds;
}

function msPerJobOf({ result, cpuSeconds }: Round): number {
  return (1_000 * cpuSeconds) / result.jobs.total;
}

/** Without the first, where there is a second one: it loads and warms the code. */
function medianOf(rounds: readonly Round[], figure: (round: Round) => number): number {
  return median((rounds.length > 1 ? rounds.slice(1) : rounds).map(figure));
}
