/**
 * Random worlds of eight hours, unless shorter ones are asked for: a pool of any shape, a workload of any size, and a handful
 * of faults of all kinds. A seed determines the world; so does it what happens in it.
 */
import { parsePoolName } from "../../domain/ids.ts";
import { invariant } from "../../domain/invariant.ts";
import type { PoolPolicy } from "../../domain/pool.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { EC2_ERRORS, type Ec2ErrorCode } from "../ec2/errors.ts";
import { Chance } from "../world/chance.ts";
import {
  EC2_ERROR_PLACES,
  type Fault,
  type FaultKind,
  type FaultOf,
  GROUP_ERROR_CODES,
  GROUP_ERROR_PLACES,
  KUBERNETES_ERROR_PLACES,
  KUBERNETES_ERROR_REASONS,
} from "./fault.ts";
import { PLAIN_POOL } from "./plain-pool.ts";
import { drawGroup } from "./random-group.ts";
import { type Arrivals, PROVIDERS, type ProviderWorld, type Scenario } from "./scenario.ts";

const START_MS = 1_767_600_000_000;
const HOURS = 8;
/** This share of the worlds has no faults at all: there no safety net may move. */
const QUIET_SHARE = 0.06;
/** Each kind of fault is in a world with this chance. */
const KIND_SHARES = [0.1, 0.25, 0.5] as const;
/** Larger worlds show no more, and take as long as ten of this size. */
const JOBS_PER_HOUR_MAX = 60;
/** Each with a code, a place and an effect of its own: three hundred worlds in a row have all of them, and most several times. */
const EC2_ERRORS_PER_WORLD = 8;
/** Neighbours in the table are neighbours in what they ask for: a world gets some of each kind. */
const EC2_ERRORS_STRIDE = 89;
const REFUSALS_PER_WORLD = 4;
const REFUSALS_STRIDE = 5;
const GROUP_ERRORS_PER_WORLD = 4;
const GROUP_ERRORS_STRIDE = 7;
const EC2_CODES = Object.keys(EC2_ERRORS) as readonly Ec2ErrorCode[];
/** How many stopped machines a pool keeps, where it keeps any. */
const STOPPED_COUNTS = [1, 4] as const;
const STOPPED_SHARE = 0.35;

/** @param provider where the worlds are to be; drawn where left out. @param hours how long faults and new jobs come. */
export function randomScenario(seed: number, provider?: ProviderWorld, hours = HOURS): Scenario {
  const durationMs = hours * HOUR_MS;
  const chance = new Chance(seed).fork("random world");
  const where = provider ?? (chance.happens(0.7) ? "cloud" : "process");
  const faults = chance.happens(QUIET_SHARE) ? [] : drawFaults(chance.fork("faults"), { seed, where, durationMs });
  return {
    name: `random-${seed}`,
    startMs: START_MS,
    durationMs,
    algorithm: "holdfast",
    provider: where,
    pools:
      where === "ec2"
        ? withStopped(drawPools(chance.fork("pools")), chance.fork("stopped"))
        : drawPools(chance.fork("pools")),
    ...(where === "asg" ? { group: drawGroup(chance.fork("group")) } : {}),
    workload: { jobs: [], arrivals: drawArrivals(chance.fork("arrivals")) },
    faults,
    faultsEndMs: durationMs,
    bootMs: [15 * SECOND_MS, 75 * SECOND_MS],
    fleet: {
      isPersistent: chance.happens(0.5),
      passEveryMs: 5 * MINUTE_MS,
      firstPassMs: 5 * MINUTE_MS,
      minimumAgeMs: 5 * MINUTE_MS,
    },
    pace: faults.length === 0 ? 1 : chance.pick([1, 4, 10, 10]),
  };
}

function drawArrivals(chance: Chance): Arrivals {
  const perHour = Math.max(1, Math.min(JOBS_PER_HOUR_MAX, Math.round(chance.spread(6, 60))));
  const isBursty = chance.happens(0.4);
  return {
    perHour,
    burst: isBursty ? { everyMs: chance.pick([20, 60, 120]) * MINUTE_MS, jobs: chance.whole([3, 12]) } : null,
    duration: {
      p50Ms: chance.between([MINUTE_MS, 6 * MINUTE_MS]),
      p95Ms: chance.between([6 * MINUTE_MS, 25 * MINUTE_MS]),
    },
    labels: [PLAIN_POOL.labels],
    repositories: ["acme/widgets", "acme/gadgets"],
  };
}

function drawPools(chance: Chance): readonly PoolPolicy[] {
  const first = drawPool(chance, "linux");
  if (!chance.happens(0.25)) return [first];
  return [first, { ...drawPool(chance, "spare"), priority: -1 }];
}

function drawPool(chance: Chance, name: string): PoolPolicy {
  const isByRepository = chance.happens(0.2);
  const isWarm = chance.happens(0.4);
  const machineCountMax = chance.pick([5, 8, 20, 40, 80]);
  const jobsPerMachine = chance.pick([1, 1, 3, 20]);
  const warmParkedCount = isWarm ? chance.whole([1, 3]) : 0;
  const registeredCount = chance.happens(0.3) ? chance.whole([1, 2]) : 0;
  const readyCount = isWarm && chance.happens(0.3) ? chance.whole([1, 3]) : 0;
  return {
    ...PLAIN_POOL,
    name: parsePoolName(name),
    scope: isByRepository
      ? { kind: "repositories", repositories: ["acme/widgets", "acme/gadgets"] }
      : { kind: "organization", organization: "acme" },
    machineCountMax,
    jobsPerMachine,
    warmParkedCount,
    warmStoppedCount: 0,
    // As a configuration may have it: with one place to register in, and a parked machine for each ticket.
    warmRegisteredCount: isByRepository ? 0 : registeredCount,
    readyTicketCount: isByRepository ? 0 : Math.min(readyCount, warmParkedCount),
    maxAgeMs: chance.happens(0.2) ? 2 * HOUR_MS : null,
  };
}

/** Of the world's providers EC2 alone stops machines. */
function withStopped(pools: readonly PoolPolicy[], chance: Chance): readonly PoolPolicy[] {
  return pools.map((pool) => {
    const { machineCountMax, warmParkedCount, warmRegisteredCount } = pool;
    const count = chance.happens(STOPPED_SHARE) ? chance.whole(STOPPED_COUNTS) : 0;
    // As a configuration may have it: all that waits fits into the pool.
    const room = machineCountMax - warmParkedCount - warmRegisteredCount;
    return { ...pool, warmStoppedCount: Math.max(0, Math.min(count, room)) };
  });
}

type Ec2Error = Omit<FaultOf<"ec2.error">, "kind" | "probability">;

/** Every error that can be put on a call, at every place, before its effect and after it. */
export const EC2_ERRORS_OF_WORLDS: readonly Ec2Error[] = EC2_CODES.flatMap((code) =>
  EC2_ERROR_PLACES.flatMap((on) => (["none", "done"] as const).map((effect) => ({ code, on, effect }))),
);

/** The seed says which: one world goes on in the table where the one before it ended. */
function errorsOf(seed: number, chance: Chance): readonly Fault[] {
  const countAll = EC2_ERRORS_OF_WORLDS.length;
  return Array.from({ length: EC2_ERRORS_PER_WORLD }, (_, index): Fault => {
    const place = ((seed * EC2_ERRORS_PER_WORLD + index) * EC2_ERRORS_STRIDE) % countAll;
    const error = EC2_ERRORS_OF_WORLDS[place];
    invariant(error !== undefined, "the table of errors has no holes");
    return { kind: "ec2.error", ...error, probability: few(chance) };
  });
}

type Refusal = Omit<FaultOf<"kubernetes.error">, "kind" | "probability">;

/** Every refusal that can be put on a call, at every place, before its effect and after it. */
export const REFUSALS_OF_WORLDS: readonly Refusal[] = KUBERNETES_ERROR_REASONS.flatMap((reason) =>
  KUBERNETES_ERROR_PLACES.flatMap((on) => (["none", "done"] as const).map((effect) => ({ reason, on, effect }))),
);

/** As with EC2's errors; a stride that shares no factor with their number. */
function refusalsOf(seed: number, chance: Chance): readonly Fault[] {
  return Array.from({ length: REFUSALS_PER_WORLD }, (_, index): Fault => {
    const place = ((seed * REFUSALS_PER_WORLD + index) * REFUSALS_STRIDE) % REFUSALS_OF_WORLDS.length;
    const refusal = REFUSALS_OF_WORLDS[place];
    invariant(refusal !== undefined, "the table of refusals has no holes");
    return { kind: "kubernetes.error", ...refusal, probability: few(chance) };
  });
}

type GroupError = Omit<FaultOf<"asg.error">, "kind" | "probability">;

/** Every error that can be put on a call, at every place, before its effect and after it. */
export const GROUP_ERRORS_OF_WORLDS: readonly GroupError[] = GROUP_ERROR_CODES.flatMap((code) =>
  GROUP_ERROR_PLACES.flatMap((on) => (["none", "done"] as const).map((effect) => ({ code, on, effect }))),
);

/** As with EC2's errors; a stride that shares no factor with their number. */
function groupErrorsOf(seed: number, chance: Chance): readonly Fault[] {
  return Array.from({ length: GROUP_ERRORS_PER_WORLD }, (_, index): Fault => {
    const place = ((seed * GROUP_ERRORS_PER_WORLD + index) * GROUP_ERRORS_STRIDE) % GROUP_ERRORS_OF_WORLDS.length;
    const error = GROUP_ERRORS_OF_WORLDS[place];
    invariant(error !== undefined, "the table of a group's errors has no holes");
    return { kind: "asg.error", ...error, probability: few(chance) };
  });
}

interface Drawing {
  readonly seed: number;
  readonly where: ProviderWorld;
  readonly durationMs: number;
}

function drawFaults(chance: Chance, { seed, where, durationMs }: Drawing): readonly Fault[] {
  const share = chance.pick(KIND_SHARES);
  const kinds = (Object.keys(DRAWS) as (keyof Draws)[]).filter((kind) => isOf(where, kind));
  const drawn = kinds.flatMap((kind) => (chance.happens(share) ? [DRAWS[kind](chance, durationMs)] : []));
  if (where === "ec2") return [...drawn, ...errorsOf(seed, chance.fork("errors"))];
  if (where === "asg") return [...drawn, ...groupErrorsOf(seed, chance.fork("errors"))];
  return where === "kubernetes" ? [...drawn, ...refusalsOf(seed, chance.fork("errors"))] : drawn;
}

/** Kinds that one provider has are in its worlds only. */
function isOf(where: ProviderWorld, kind: FaultKind): boolean {
  const [family = ""] = kind.split(".");
  return !PROVIDERS.some((provider) => provider === family) || family === where;
}

/** Errors are drawn by their table. */
type TabledKind = "ec2.error" | "kubernetes.error" | "asg.error";
/** No hand deletes rows by chance: one that does has broken what the store promises. A group's endings come by other kinds. */
type ScriptedKind = "controller.row-lost" | "controller.down" | "asg.ends-one";

type Draws = {
  readonly [Kind in Exclude<FaultKind, TabledKind | ScriptedKind>]: (chance: Chance, durationMs: number) => Fault;
};

const minutes = (from: number, to: number) => [from * MINUTE_MS, to * MINUTE_MS] as const;
const seconds = (from: number, to: number) => [from * SECOND_MS, to * SECOND_MS] as const;
const few = (chance: Chance) => chance.pick([0.01, 0.03, 0.1]);
const many = (chance: Chance) => chance.pick([0.05, 0.2, 1]);
const often = (chance: Chance) => chance.pick([10, 30, 90]) * MINUTE_MS;

/** Every kind has its draw: a kind without one does not compile. */
const DRAWS: Draws = {
  "github.busy-flag-lag": (chance) => ({ kind: "github.busy-flag-lag", perJob: many(chance), lagMs: seconds(25, 180) }),
  "github.busy-flag-drops": (chance) => ({
    kind: "github.busy-flag-drops",
    perJob: many(chance),
    afterMs: seconds(30, 900),
  }),
  "github.busy-flag-never": (chance) => ({ kind: "github.busy-flag-never", perJob: many(chance) }),
  "github.busy-flag-stale": (chance) => ({
    kind: "github.busy-flag-stale",
    perJob: many(chance),
    forMs: minutes(1, 20),
  }),
  "github.offline-while-working": (chance) => ({
    kind: "github.offline-while-working",
    perJob: many(chance),
    afterMs: seconds(10, 300),
    forMs: minutes(1, 60),
  }),
  "github.completed-while-working": (chance) => ({ kind: "github.completed-while-working", perJob: many(chance) }),
  "github.missing-from-listing": (chance) => ({ kind: "github.missing-from-listing", probability: few(chance) }),
  "github.taken-elsewhere": (chance) => ({ kind: "github.taken-elsewhere", perJob: few(chance) }),
  "github.acquire-refused": (chance) => ({ kind: "github.acquire-refused", perJob: few(chance) }),
  "github.cancelled": (chance) => ({ kind: "github.cancelled", perJob: few(chance), afterMs: seconds(1, 600) }),
  "github.webhook-lost": (chance) => ({ kind: "github.webhook-lost", probability: few(chance) }),
  "github.webhook-repeated": (chance) => ({ kind: "github.webhook-repeated", probability: few(chance) }),
  "github.webhook-late": (chance) => ({
    kind: "github.webhook-late",
    probability: few(chance),
    delayMs: seconds(5, 900),
  }),
  "github.call-fails": (chance) => ({ kind: "github.call-fails", probability: few(chance) }),
  "github.answer-lost": (chance) => ({ kind: "github.answer-lost", probability: few(chance) }),
  "github.outage": () => ({ kind: "github.outage", everyMs: 3 * HOUR_MS, forMs: minutes(1, 40) }),
  "provider.call-fails": (chance) => ({ kind: "provider.call-fails", probability: few(chance) }),
  "provider.answer-lost": (chance) => ({ kind: "provider.answer-lost", probability: few(chance) }),
  "provider.listing-lag": () => ({ kind: "provider.listing-lag", lagMs: seconds(1, 180) }),
  "provider.missing-from-listing": (chance) => ({
    kind: "provider.missing-from-listing",
    probability: few(chance) / 10,
  }),
  "provider.no-capacity": () => ({ kind: "provider.no-capacity", everyMs: 2 * HOUR_MS, forMs: minutes(1, 30) }),
  "provider.quota": (chance) => ({ kind: "provider.quota", machines: chance.whole([8, 40]) }),
  "provider.terminate-does-not-take": (chance) => ({
    kind: "provider.terminate-does-not-take",
    probability: few(chance),
  }),
  "provider.reclaim": (chance) => ({ kind: "provider.reclaim", everyMs: often(chance) }),
  "provider.marks-lost": (chance) => ({
    kind: "provider.marks-lost",
    perMachine: few(chance),
    afterMs: minutes(0, 30),
  }),
  "host.slow-boot": (chance) => ({ kind: "host.slow-boot", perMachine: few(chance), bootMs: minutes(2, 12) }),
  "host.never-boots": (chance) => ({ kind: "host.never-boots", perMachine: few(chance) }),
  "host.agent-crash": (chance) => ({ kind: "host.agent-crash", everyMs: often(chance) / 5 }),
  "host.agent-pause": (chance) => ({ kind: "host.agent-pause", everyMs: often(chance) / 5, forMs: seconds(1, 300) }),
  "host.machine-pause": (chance) => ({ kind: "host.machine-pause", everyMs: often(chance), forMs: seconds(1, 900) }),
  "host.dies": (chance) => ({ kind: "host.dies", everyMs: often(chance) }),
  "host.cut-off": (chance) => ({
    kind: "host.cut-off",
    from: chance.pick(["controller", "github", "both"] as const),
    everyMs: often(chance),
    forMs: minutes(1, 45),
  }),
  "host.runner-exits": (chance) => ({ kind: "host.runner-exits", perTicket: few(chance) }),
  "host.runner-never-online": (chance) => ({ kind: "host.runner-never-online", perTicket: few(chance) }),
  "host.runner-dies": (chance) => ({ kind: "host.runner-dies", perJob: few(chance) }),
  "host.runner-hangs": (chance) => ({ kind: "host.runner-hangs", perJob: few(chance) }),
  "host.orphan-worker": (chance) => ({ kind: "host.orphan-worker", perJob: few(chance) }),
  "host.disk-full": (chance) => ({ kind: "host.disk-full", everyMs: often(chance), forMs: minutes(1, 15) }),
  "controller.crash": (chance) => ({ kind: "controller.crash", everyMs: chance.pick([3, 10, 30]) * MINUTE_MS }),
  "controller.pause": (chance) => ({ kind: "controller.pause", everyMs: often(chance), forMs: seconds(1, 1_500) }),
  "controller.deploy": (chance) => ({ kind: "controller.deploy", everyMs: often(chance) }),
  "controller.restore": (chance, durationMs) => ({
    kind: "controller.restore",
    atMs: (chance.whole([2, 6]) * durationMs) / 8,
    ageMs: chance.pick([10, 60]) * MINUTE_MS,
  }),
  "controller.second": (chance) => ({ kind: "controller.second", everyMs: 2 * often(chance) }),
  "controller.slow-store": (chance) => ({
    kind: "controller.slow-store",
    probability: few(chance) / 10,
    delayMs: seconds(1, 20),
  }),
  "controller.clock-step": () => ({
    kind: "controller.clock-step",
    everyMs: 3 * HOUR_MS,
    byMs: [-2 * HOUR_MS, 2 * HOUR_MS],
  }),
  "controller.replica": (chance) => ({
    kind: "controller.replica",
    everyMs: 2 * often(chance),
    forMs: minutes(10, 90),
  }),
  "ec2.throttled": (chance) => ({ kind: "ec2.throttled", everyMs: often(chance), forMs: seconds(10, 300) }),
  "ec2.pending-fails": (chance) => ({ kind: "ec2.pending-fails", perMachine: few(chance) }),
  "ec2.state-lag": () => ({ kind: "ec2.state-lag", lagMs: seconds(1, 120) }),
  "kubernetes.stale-reads": (chance) => ({
    kind: "kubernetes.stale-reads",
    probability: few(chance),
    lagMs: seconds(1, 60),
  }),
  "kubernetes.watch-gap": (chance) => ({ kind: "kubernetes.watch-gap", everyMs: often(chance) }),
  "kubernetes.pod-deleted": (chance) => ({ kind: "kubernetes.pod-deleted", everyMs: often(chance) }),
  "kubernetes.finalizer": (chance) => ({
    kind: "kubernetes.finalizer",
    perMachine: few(chance),
    forMs: minutes(1, 60),
  }),
  "kubernetes.node-silent": (chance) => ({
    kind: "kubernetes.node-silent",
    everyMs: 2 * often(chance),
    forMs: minutes(1, 30),
  }),
  "kubernetes.node-lost": (chance) => ({ kind: "kubernetes.node-lost", everyMs: 2 * often(chance) }),
  "kubernetes.node-starts-nothing": (chance) => ({
    kind: "kubernetes.node-starts-nothing",
    everyMs: 2 * often(chance),
    forMs: minutes(5, 60),
  }),
  "asg.throttled": (chance) => ({ kind: "asg.throttled", everyMs: often(chance), forMs: seconds(10, 300) }),
  "asg.stale-reads": () => ({ kind: "asg.stale-reads", lagMs: seconds(0, 120) }),
  "asg.resized": (chance) => ({ kind: "asg.resized", everyMs: often(chance) }),
  "asg.unprotected": (chance) => ({ kind: "asg.unprotected", everyMs: often(chance) }),
  "asg.unhealthy": (chance) => ({ kind: "asg.unhealthy", everyMs: often(chance) }),
  "asg.refresh": (chance) => ({ kind: "asg.refresh", everyMs: 2 * often(chance) }),
  "asg.one-zone": (chance) => ({ kind: "asg.one-zone", everyMs: 2 * often(chance), forMs: minutes(5, 60) }),
  "asg.standby": (chance) => ({ kind: "asg.standby", everyMs: often(chance), forMs: minutes(1, 60) }),
  "asg.detached": (chance) => ({ kind: "asg.detached", everyMs: 2 * often(chance) }),
  "asg.warm-pool-resized": (chance) => ({ kind: "asg.warm-pool-resized", everyMs: often(chance) }),
  "kubernetes.no-image": () => ({ kind: "kubernetes.no-image", everyMs: 3 * HOUR_MS, forMs: minutes(1, 30) }),
};
