/** What the controllers of one pool work with, and the little they remember between passes. */

import type { ControllerId, JobId, MachineId, ProviderId, TicketId } from "../domain/ids.ts";
import type { Machine } from "../domain/machine.ts";
import type { Membership } from "../domain/membership.ts";
import type { ObservedMachine } from "../domain/observed.ts";
import type { PoolPolicy, RegistrationScope } from "../domain/pool.ts";
import type { PoolStops } from "../domain/pool-plan.ts";
import type { ReasonCode } from "../domain/reasons.ts";
import type { RunnerVersionFacts } from "../domain/runner-version.ts";
import type { RunnerReading } from "../domain/slow-proofs.ts";
import type { HeardTime } from "../domain/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { GitHub } from "../ports/github.ts";
import type { Hearing } from "../ports/hearing.ts";
import type { Hold, Provider, ProviderAbilities } from "../ports/provider.ts";
import type { Random } from "../ports/random.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { Wake } from "../ports/wake.ts";
import type { LaunchRow } from "../store/launches/row.ts";
import type { Lease } from "../store/leases.ts";
import type { PoolRemains } from "../store/pools/remains.ts";
import type { Store } from "../store/store.ts";
import type { Refusals } from "./retire/refusals.ts";

/**
 * `launches`: no machine is started, those that are there can be used; `launches-but-one`: one is, to try.
 * `everything`: no ticket is made either; `everything-but-one`: one is, to try.
 */
export type Standstill = "none" | "launches" | "launches-but-one" | "everything" | "everything-but-one";

/** What every controller needs, whichever pool it serves. */
export interface Surroundings {
  readonly controllerId: ControllerId;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly wake: Wake;
  readonly hearing: Hearing;
  /** Notes there what other processes heard. */
  hearOthers(): Promise<void>;
  /** Every configured pool: routing looks at all of them. */
  readonly pools: readonly PoolPolicy[];
  /** Everything is being taken down: nothing is launched, and what is free retires. */
  isShuttingDown(): boolean;
  heardSinceMs(): number;
  /** Whether a pool could do anything for a job of this repository now. */
  standstill(pool: PoolPolicy, repository: string): Standstill;
  /** What a machine's agent proves its identity with, where the platform signs none. */
  identitySecret(machineId: MachineId): string;
}

export interface PoolContext extends Surroundings {
  readonly pool: PoolPolicy;
  readonly github: GitHub;
  readonly provider: Provider;
  /** What its provider can do besides; absent: nothing. */
  readonly abilities?: ProviderAbilities;
  readonly memory: PoolMemory;
  /** Whether settings put machines where its provider looks; left out: all do. */
  readonly isPlaceKnown?: (settingsHash: string) => Promise<boolean>;
  /** Its connection left the configuration with it: nothing can be asked of GitHub, and nothing deleted there. */
  readonly isUnconnected?: boolean;
  /** The lease under which this pool's rows are written; null while somebody else holds it. */
  lease(): Lease | null;
  /** How long it is certain that nobody else holds the lease: a store that does not answer ends that, before it is lost. */
  leaseLeftMs(): number;
}

/** Losing any of this costs time, never safety: it is rebuilt by the next passes, and forgotten where the pool is taken. */
export interface PoolMemory {
  /** The provider's last word about each machine. */
  readonly observed: Map<MachineId, ObservedMachine>;
  /** What the records of machines that it spoke of are still to say of that, oldest first. */
  readonly unnoted: Map<MachineId, readonly UntoldFact[]>;
  /**
   * All that is where the pool's settings of today put machines was compared with the rows, and what had none was adopted.
   * Former settings start nothing new.
   */
  isFleetListed: boolean;
  /** Hashes of former settings of which what is where they put machines was not: their place has not been read since. */
  unlistedSettings: ReadonlySet<string>;
  /** Machines are where its provider does not look: that it does not know one says nothing. */
  isPlaceMissing: boolean;
  /** Since when the provider does not know the id of a machine of ours. */
  readonly notFound: Map<MachineId, number>;
  /** Machines that the provider has by their id and does not list. */
  readonly unlisted: Set<MachineId>;
  /** Since when the provider says that a machine is stopped which we did not stop. */
  readonly stoppedSinceMs: Map<MachineId, number>;
  readonly standby: StandbyMemory;
  /**
   * When the first machine of the pool's group came of which an agent of ours was heard; null: none was. Asked only of a pool
   * that has one.
   */
  agentsSinceMs: number | null;
  /** Machines that their group wanted to end, and was made to wait for, until they are gone or back. */
  readonly holds: Map<MachineId, HeldMember>;
  /** Members whose hold is under way, perhaps since a pass before. */
  readonly holdsUnderWay: Set<MachineId>;
  /** Members that may run a job, and of which their hooks said last that nothing waits for them. */
  readonly denials: Map<MachineId, Denial>;
  /** Machines whose console was read at their end. */
  readonly consolesRead: Set<MachineId>;
  /** Since when a machine is shown that has no row, and whose marks do not say which pool it is of: monotonic. */
  readonly unplacedSinceMs: Map<MachineId, number>;
  /** Since when each job that was the oldest has been queued: it is read once. */
  readonly queuedSinceMs: Map<JobId, number>;
  /** Since when a machine has been seen to retire: its row says since when it is at its present step. */
  readonly retiringSinceMs: Map<MachineId, number>;
  /** Since when no job has needed a parked machine. */
  readonly surplusSinceMs: Map<MachineId, number>;
  /** Parked machines that the last plan found replaced. */
  replaced: ReadonlySet<MachineId>;
  /** Since when a parked machine's agent has been making itself ready again. */
  readonly notReadySinceMs: Map<MachineId, number>;
  /** Since when each machine's group has been seen to want its end. */
  readonly departingSinceMs: Map<MachineId, number>;
  /** When each machine that boots was last seen out of its group's service. */
  readonly lastAsideMs: Map<MachineId, number>;
  /** Of tickets that their hosts cannot hand back. */
  refusals: ReadonlyMap<TicketId, Refusals>;
  /** Jobs that `execute/ask` is to ask GitHub about. */
  readonly jobsToAsk: Set<JobId>;
  /** When GitHub was last asked about a job without an answer to rely on, and what it said instead. */
  readonly askFailures: Map<JobId, AskFailure>;
  /** By `scopeKey`: a repository that GitHub refuses holds up no other. */
  readonly mintPauses: Map<string, MintPause>;
  readonly launch: LaunchPause;
  /** Machines that the next launch may ask for; null until this process writes its first. */
  launchSizeMax: number | null;
  /** What the last pass found of the pool's breakers: jobs are routed by it. */
  stops: PoolStops;
  /** Open breakers that have been told, by name. */
  toldBreakers: ReadonlySet<string>;
  /** What GitHub said of the version of the runner that machines get; null before it said anything. */
  runnerVersion: { readonly facts: RunnerVersionFacts; readonly askedAtMs: number } | null;
  /** When a ticket was last asked back, drains aside. */
  lastHandBackAtMs: number | null;
  /** What GitHub says of the runners of silent hosts. */
  readonly runnerReadings: Map<TicketId, RunnerReading>;
  readonly guards: GuardMemory;
  /** When GitHub last called a registration busy whose host had handed the ticket back: monotonic. */
  readonly contradictedAtMs: Map<TicketId, number>;
  /** By `scopeKey`: where registrations cannot be listed, they are tried again ever later. */
  readonly sweepPauses: Map<string, Pause>;
  /** Of a pool that left the configuration, what has not come to its end; null before it was counted. */
  remains: PoolRemains | null;
  /** Where a ticket was last asked for: of a pool over `owner/*` the only place that is known. */
  lastScope: RegistrationScope | null;
}

/** What `execute/standby` looks at. */
export interface StandbyMemory {
  /** When the provider was last asked to stop each machine: monotonic. */
  readonly askedAtMs: Map<MachineId, number>;
  /** When each was last asked to stop without an answer that says what came of it: monotonic. */
  readonly unansweredAtMs: Map<MachineId, number>;
  /** The last word of each machine's host when this process first saw it being stopped: whose, and which. */
  readonly wordBefore: Map<MachineId, Pick<Machine, "incarnation" | "sequence">>;
  /** Parked machines that the last plan found to be stopped instead of ended. */
  toStop: ReadonlySet<MachineId>;
  /** After a start that was refused or failed. */
  readonly start: Pause;
  /** After a machine that could not be stopped. */
  readonly stop: Pause;
}

export interface HeldMember {
  readonly providerId: ProviderId;
  readonly hold: Hold;
  /** Monotonic. */
  readonly heldAtMs: number;
  /** What its group waited by then; null: that was not known. */
  readonly hookEdition: string | null;
  /** Where it was on its group's way then. */
  readonly membership: Membership | null;
  /** That the time for which it can be held runs out. */
  readonly isTold: boolean;
  /** How often in a row its hooks have said since that nothing waits for it. */
  readonly deniedCount: number;
  /** What its record is still to say of that, oldest first. */
  readonly untold: readonly UntoldFact[];
}

export interface Denial {
  /** Where it was shown. */
  readonly membership: Membership;
  /** Since when it has been denied there: monotonic, as the last time is. */
  readonly sinceMs: number;
  readonly deniedAtMs: number;
}

/** What a machine's record is still to say: the store has not taken it yet. */
export interface UntoldFact {
  readonly fact: string;
  readonly observedAtMs: number;
}

/** What the guards against many endings at once look at. */
export interface GuardMemory {
  /**
   * When the ending of each machine was first permitted by a slow proof. One that is asked for again takes no other's place:
   * a machine that the provider does not end would else hold up every other for ever.
   */
  readonly endedAtMs: Map<MachineId, number>;
  /** Machines of the pool that are not gone, at the last pass. */
  machineCount: number;
  /** Since when nobody can judge a machine. */
  readonly unknownSinceMs: Map<MachineId, number>;
  /** The provider's last listing: whether it came whole, how many machines it showed, and since when it has shown the same. */
  listing: {
    readonly isWhole: boolean;
    readonly listedCount: number;
    readonly steadySinceMs: number | null;
    /** When it last came whole. */
    readonly wholeAtMs: number | null;
  };
}

/** By the monotonic clock: a clock that is set back must not make a pause longer. */
export interface Pause {
  failureCount: number;
  untilMonotonicMs: number;
}

export interface AskFailure {
  readonly atMonotonicMs: number;
  readonly reason: ReasonCode;
}

export interface LaunchPause extends Pause {
  /** What the provider's last refusal means for the jobs that wait. */
  reason: ReasonCode;
  /** When the next launch may be written after one that was made, where a launch is one call for many: monotonic. */
  gathersUntilMonotonicMs: number | null;
}

export interface MintPause extends Pause {
  readonly reason: ReasonCode;
}

export function emptyMemory(): PoolMemory {
  return {
    observed: new Map(),
    unnoted: new Map(),
    isFleetListed: false,
    unlistedSettings: new Set(),
    isPlaceMissing: false,
    notFound: new Map(),
    unlisted: new Set(),
    stoppedSinceMs: new Map(),
    standby: {
      askedAtMs: new Map(),
      unansweredAtMs: new Map(),
      wordBefore: new Map(),
      toStop: new Set(),
      start: { failureCount: 0, untilMonotonicMs: 0 },
      stop: { failureCount: 0, untilMonotonicMs: 0 },
    },
    agentsSinceMs: null,
    holds: new Map(),
    holdsUnderWay: new Set(),
    denials: new Map(),
    consolesRead: new Set(),
    unplacedSinceMs: new Map(),
    surplusSinceMs: new Map(),
    queuedSinceMs: new Map(),
    retiringSinceMs: new Map(),
    replaced: new Set(),
    notReadySinceMs: new Map(),
    departingSinceMs: new Map(),
    lastAsideMs: new Map(),
    refusals: new Map(),
    jobsToAsk: new Set(),
    askFailures: new Map(),
    mintPauses: new Map(),
    launch: { failureCount: 0, untilMonotonicMs: 0, reason: "launch-backoff", gathersUntilMonotonicMs: null },
    launchSizeMax: null,
    stops: { tickets: "none", launches: "none" },
    toldBreakers: new Set(),
    runnerVersion: null,
    lastHandBackAtMs: null,
    runnerReadings: new Map(),
    guards: {
      endedAtMs: new Map(),
      machineCount: 0,
      unknownSinceMs: new Map(),
      listing: { isWhole: false, listedCount: 0, steadySinceMs: null, wholeAtMs: null },
    },
    contradictedAtMs: new Map(),
    sweepPauses: new Map(),
    remains: null,
    lastScope: null,
  };
}

/** A pool that is taken again was another's meanwhile, or nobody's: what was known of it is as old as that of no process. */
export function forgetAll(memory: PoolMemory): void {
  Object.assign(memory, emptyMemory());
}

/** Whether all was compared with the rows that is where the launch puts its machines, since this process took the pool. */
export function isPlaceListed(
  { memory, pool }: PoolContext,
  { settingsHash }: Pick<LaunchRow, "settingsHash">,
): boolean {
  return memory.isFleetListed && (settingsHash === pool.settingsHash || !memory.unlistedSettings.has(settingsHash));
}

export function heardTime(context: Surroundings): HeardTime {
  return { heardSinceMs: context.heardSinceMs(), nowMs: context.clock.nowMs() };
}
