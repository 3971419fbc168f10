/**
 * Which waiting job gets a ticket, on which machine, or why not yet.
 *
 * GitHub gives any matching job to any matching idle runner, so a ticket is never bound to a job for good. What counts is
 * that for every waiting job there is one ticket on its way, whichever of them then runs it. A ticket that was made for a
 * job which something else ran, or which was cancelled, is aimed at another waiting job before a new one is minted.
 */
import { backoffMs, CALL_BACKOFF } from "./backoff.ts";
import { type Breaker, mayProbe } from "./breakers.ts";
import type { JobId, MachineId, TicketId } from "./ids.ts";
import { invariant } from "./invariant.ts";
import type { Job } from "./job.ts";
import { type PoolPolicy, registrationScope, scopeCovers, scopeKey } from "./pool.ts";
import type { ReasonCode } from "./reasons.ts";
import { isLate, isStandingReady, isStandingRegistered, isSupply, type StandingWanted } from "./supply.ts";
import { isHeldReady, type Ticket, type TicketStateKind } from "./ticket.ts";
import type { HeardTime } from "./time.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** A job older than this, or one that has had a ticket, is read at GitHub before another ticket is minted for it. */
export const FRESH_JOB_MS = MINUTE_MS;
/** How long GitHub's answer that a job is still queued may be relied on. */
export const QUEUED_ANSWER_MS = MINUTE_MS;

export interface WaitingJob {
  readonly job: Job;
  /** Tickets ever made because of it. */
  readonly ticketCount: number;
  readonly lastTicketAtMs: number | null;
  /** When GitHub itself was last asked and said that it is queued; null if never. */
  readonly askedAtMs: number | null;
  /** GitHub was asked a moment ago and had no answer to rely on: it is not asked again yet. */
  readonly isAskPaused: boolean;
  /** What came of that question, where it is known; null or left out where it is not. */
  readonly askProblem?: ReasonCode | null;
  /** Its own: tickets made for it kept ending barren. Left out where they did not. */
  readonly breaker?: Breaker;
}

/** A machine without a ticket that has one left in its life. */
export interface FreeMachine {
  readonly id: MachineId;
  readonly state: "parked" | "provisioning" | "planned";
}

export type JobDecision =
  /** Make a ticket for it on this machine. */
  | { readonly kind: "mint"; readonly jobId: JobId; readonly machineId: MachineId }
  /** A ticket made for another job now counts for this one. */
  | { readonly kind: "aim"; readonly jobId: JobId; readonly ticketId: TicketId }
  /** Ask GitHub whether it is still queued. */
  | { readonly kind: "ask"; readonly jobId: JobId }
  /** A machine that waits stopped is started for it. */
  | { readonly kind: "start"; readonly jobId: JobId; readonly machineId: MachineId }
  /** A machine is to be launched for it. */
  | { readonly kind: "launch"; readonly jobId: JobId }
  | { readonly kind: "wait"; readonly jobId: JobId; readonly reason: ReasonCode };

export interface DemandInput {
  /** Routed to this pool, status queued, in the order they get machines: oldest first. */
  readonly jobs: readonly WaitingJob[];
  /** Every live ticket of the pool. */
  readonly tickets: readonly Ticket[];
  /** Those in `running` whose job GitHub has not named to us. */
  readonly unnamedRunning: readonly Ticket[];
  readonly machines: readonly FreeMachine[];
  /** Stopped machines that may be started now, in their order; none where it is left out. */
  readonly startable?: readonly MachineId[];
  /**
   * Whose agents have been silent for `SILENT_AFTER_MS`: what is out there may never bring anything. None where left out.
   */
  readonly silent?: ReadonlySet<MachineId>;
  /** Scopes (`scopeKey`) in which GitHub gave no ticket at the last request, until the pause after it is over: and why. */
  readonly mintPauses: ReadonlyMap<string, ReasonCode>;
  readonly launchRoom: LaunchRoom;
  /** Tickets that are to be there before a job is; none where it is left out. */
  readonly standing?: StandingWanted;
}

/** How many machines could be launched now, and why no more. */
export interface LaunchRoom {
  readonly count: number;
  readonly limit: ReasonCode;
}

export interface DemandPlan {
  /** Exactly one for each job, in the order of the jobs. */
  readonly decisions: readonly JobDecision[];
  /** Free machines that no job needs. */
  readonly spare: readonly FreeMachine[];
  /** Stopped machines that no job needs; none where it is left out. */
  readonly startable?: readonly MachineId[];
  /**
   * Issued tickets that no job needs, or that nobody came for: they are voided before they leave us, for a listener that
   * waits in vain could be taken back only by the fence.
   */
  readonly unneeded: readonly TicketId[];
  /** Tickets that no job needs and that are wanted all the same. */
  readonly standing: StandingWanted;
}

interface Remaining {
  readonly waitingIds: ReadonlySet<JobId>;
  supply: Ticket[];
  readonly unnamedRunning: Ticket[];
  readonly machines: FreeMachine[];
  readonly startable: MachineId[];
  launchCount: number;
}

const NONE_STANDING: StandingWanted = { registeredCount: 0, readyCount: 0 };

/** Every ticket and every machine is used at most once. */
export function decideDemand(input: DemandInput, pool: PoolPolicy, time: HeardTime): DemandPlan {
  if (pool.mode === "departed") return planDeparture(input);
  const plan = planDemand(input, pool, time);
  if (pool.mode === "run") return plan;
  return { decisions: plan.decisions.map(observed), spare: input.machines, unneeded: [], standing: NONE_STANDING };
}

/** Nothing is for a job any more: what has not left us is voided, and its jobs are routed anew once it is. */
function planDeparture({ jobs, tickets }: DemandInput): DemandPlan {
  const unneeded = tickets.filter(({ state: { kind } }) => kind === "issued" || kind === "minting");
  return {
    decisions: jobs.map(({ job }) => wait(job, "pool-left")),
    spare: [],
    unneeded: unneeded.map((ticket) => ticket.id),
    standing: NONE_STANDING,
  };
}

/** What a pool that only observes says instead of doing it. It may ask GitHub: that changes nothing. */
function observed(decision: JobDecision): JobDecision {
  const { kind, jobId } = decision;
  if (kind === "launch" || kind === "start") return { kind: "wait", jobId, reason: "would-launch" };
  if (kind === "mint") return { kind: "wait", jobId, reason: "would-mint" };
  return kind === "aim" ? { kind: "wait", jobId, reason: "pool-observes" } : decision;
}

function planDemand(input: DemandInput, pool: PoolPolicy, time: HeardTime): DemandPlan {
  const waitingIds = new Set(input.jobs.map(({ job }) => job.id));
  const remaining: Remaining = {
    waitingIds,
    supply: input.tickets.filter((ticket) => isSupply(ticket, waitingIds, pool, time)).sort(soonestFirst),
    unnamedRunning: [...input.unnamedRunning],
    machines: [...input.machines].sort((a, b) => MACHINE_ORDER[a.state] - MACHINE_ORDER[b.state]),
    startable: [...(input.startable ?? [])],
    launchCount: input.launchRoom.count,
  };
  // A job's own ticket is its cover before anything is aimed elsewhere.
  const covered = new Map<JobId, JobDecision>();
  for (const { job } of input.jobs) {
    const own = takeFirst(remaining.supply, (ticket) => ticket.jobId === job.id);
    if (own !== null) covered.set(job.id, wait(job, reasonForCovered(own, input)));
  }
  // One that is on a silent machine still counts for its own job, whose deadline runs; nothing else waits for it.
  remaining.supply = remaining.supply.filter(({ machineId }) => input.silent?.has(machineId) !== true);
  // Those that GitHub gives no ticket at the moment hold up no other: they get what is left.
  const uncovered = input.jobs.filter(({ job }) => !covered.has(job.id));
  for (const isHeld of [false, true])
    for (const waiting of uncovered.filter((one) => isHeldUp(one, input, pool, time) === isHeld))
      covered.set(waiting.job.id, decideUncovered(waiting, remaining, input, pool, time));
  const decisions = input.jobs.map(({ job }) => decisionOf(covered, job));
  const kept = keepStanding(remaining, input.standing ?? NONE_STANDING, time);
  const unneeded = input.tickets.filter(
    (ticket) =>
      ticket.state.kind === "issued" &&
      ((remaining.supply.includes(ticket) && !kept.tickets.has(ticket)) || isLate(ticket, waitingIds, pool, time)),
  );
  return {
    decisions,
    spare: remaining.machines,
    startable: remaining.startable,
    unneeded: unneeded.map((ticket) => ticket.id),
    standing: kept.counts,
  };
}

/** Of the tickets that no job needs, those that are wanted in advance. What has left us is kept first: it cannot be voided. */
function keepStanding(
  { supply, waitingIds }: Remaining,
  wanted: StandingWanted,
  time: HeardTime,
): { readonly tickets: ReadonlySet<Ticket>; readonly counts: StandingWanted } {
  const registered = supply
    .filter((ticket) => isStandingRegistered(ticket, waitingIds))
    .slice(0, wanted.registeredCount);
  const ready = supply.filter((ticket) => isStandingReady(ticket, time)).slice(0, wanted.readyCount);
  return {
    tickets: new Set([...registered, ...ready]),
    counts: { registeredCount: registered.length, readyCount: ready.length },
  };
}

/** A listener that is online may get its job at once; a ticket held ready comes after one that would else be voided. */
function soonestFirst(a: Ticket, b: Ticket): number {
  const rank = (ticket: Ticket) => 2 * SUPPLY_ORDER.indexOf(ticket.state.kind) + (isHeldReady(ticket) ? 1 : 0);
  return rank(a) - rank(b);
}

const SUPPLY_ORDER: readonly TicketStateKind[] = ["online", "delivered", "issued", "minting"];

const MACHINE_ORDER: Readonly<Record<FreeMachine["state"], number>> = { parked: 0, provisioning: 1, planned: 2 };

function decideUncovered(
  waiting: WaitingJob,
  remaining: Remaining,
  input: DemandInput,
  pool: PoolPolicy,
  time: HeardTime,
): JobDecision {
  const { job } = waiting;
  const late = input.tickets.filter((one) => one.jobId === job.id && isLate(one, remaining.waitingIds, pool, time));
  const isTold = late.length >= LATE_TICKETS_MAX && late.every(({ state }) => state.kind === "online");
  if (isTold) return wait(job, "github-does-not-assign");
  const aimed = takeFirst(remaining.supply, (ticket) => scopeCovers(ticket.scope, job.repository));
  if (aimed !== null) return { kind: "aim", jobId: job.id, ticketId: aimed.id };
  const runner = takeFirst(remaining.unnamedRunning, (ticket) => mayRun(ticket, waiting));
  if (runner !== null) {
    const isFresh = time.nowMs - runner.state.sinceMs < RUNNING_UNNAMED_MS;
    return isFresh ? wait(job, "covered-by-running") : ask(waiting);
  }
  if (late.length >= LATE_TICKETS_MAX) return wait(job, "runners-late");
  if (waiting.breaker !== undefined && !mayProbe(waiting.breaker, false, time.nowMs)) return wait(job, "job-stopped");
  const pause = pauseOf(job, input, pool);
  const machine = remaining.machines[0];
  // A machine that stands ready is kept for it; none is started for a ticket that GitHub does not give.
  if (pause !== null) {
    remaining.machines.shift();
    return wait(job, pause);
  }
  if (machine === undefined && remaining.startable.length + remaining.launchCount <= 0)
    return wait(job, input.launchRoom.limit);
  // GitHub had no answer to rely on: the place is for those who are known to wait.
  if (mustAsk(waiting, time) && waiting.isAskPaused) {
    if (isAskedInVain(waiting)) remaining.machines.shift();
    return waitForAnswer(waiting);
  }
  // Taken for this job also while GitHub is asked about it: a younger one does not overtake it.
  const machineId = machine === undefined ? remaining.startable.shift() : undefined;
  if (machine !== undefined) remaining.machines.shift();
  else if (machineId === undefined) remaining.launchCount -= 1;
  if (mustAsk(waiting, time)) return ask(waiting);
  if (machineId !== undefined) return { kind: "start", jobId: job.id, machineId };
  if (machine === undefined) return { kind: "launch", jobId: job.id };
  if (machine.state === "planned") return wait(job, "machine-launching");
  if (isTicketPaused(waiting, time)) return wait(job, "ticket-backoff");
  return { kind: "mint", jobId: job.id, machineId: machine.id };
}

/** It gets nothing now because of GitHub, and may get it later. */
function isHeldUp(waiting: WaitingJob, input: DemandInput, pool: PoolPolicy, time: HeardTime): boolean {
  return pauseOf(waiting.job, input, pool) !== null || (isAskedInVain(waiting) && mustAsk(waiting, time));
}

/** GitHub did not answer the question. A machine that no other job needs is kept for it: it likely still waits. */
function isAskedInVain({ isAskPaused, askProblem = null }: WaitingJob): boolean {
  return isAskPaused && askProblem !== null && askProblem !== "github-job-not-found";
}

function pauseOf(job: Job, input: DemandInput, pool: PoolPolicy): ReasonCode | null {
  return input.mintPauses.get(scopeKey(registrationScope(pool, job.repository))) ?? null;
}

function decisionOf(decisions: ReadonlyMap<JobId, JobDecision>, job: Job): JobDecision {
  const decision = decisions.get(job.id);
  invariant(decision !== undefined, "every waiting job is decided on");
  return decision;
}

/** "GitHub does not assign": at most one more is minted for the same job. */
const LATE_TICKETS_MAX = 2;

/** For so long GitHub's event that names a running ticket's job may be late before we ask. */
const RUNNING_UNNAMED_MS = 20 * SECOND_MS;

/** For so long a job that its runner has acquired may still be called queued. */
const STILL_QUEUED_MS = 10 * SECOND_MS;

function wait(job: Job, reason: ReasonCode): JobDecision {
  return { kind: "wait", jobId: job.id, reason };
}

function ask(waiting: WaitingJob): JobDecision {
  return waiting.isAskPaused ? waitForAnswer(waiting) : { kind: "ask", jobId: waiting.job.id };
}

function waitForAnswer({ job, askProblem }: WaitingJob): JobDecision {
  return wait(job, askProblem ?? "asking-github");
}

function takeFirst<Item>(items: Item[], fits: (item: Item) => boolean): Item | null {
  const index = items.findIndex(fits);
  return index < 0 ? null : (items.splice(index, 1)[0] ?? null);
}

/**
 * A running ticket may be running this job unless the job came later, or GitHub called it queued well after the ticket began
 * to run: it does so until the job's Worker has started.
 */
function mayRun(ticket: Ticket, { job }: WaitingJob): boolean {
  const { sinceMs } = ticket.state;
  if (!scopeCovers(ticket.scope, job.repository) || job.createdAtMs > sinceMs) return false;
  return job.queuedSeenAtMs === null || job.queuedSeenAtMs <= sinceMs + STILL_QUEUED_MS;
}

function mustAsk(waiting: WaitingJob, time: HeardTime): boolean {
  const isFirstAndFresh = waiting.ticketCount === 0 && time.nowMs - waiting.job.createdAtMs < FRESH_JOB_MS;
  if (isFirstAndFresh) return false;
  // An answer from before the last ticket says nothing of what became of that one.
  if (waiting.askedAtMs === null || waiting.askedAtMs < (waiting.lastTicketAtMs ?? 0)) return true;
  return time.nowMs - waiting.askedAtMs >= QUEUED_ANSWER_MS;
}

/** A job whose tickets keep ending without it gets the next one after a growing pause. */
function isTicketPaused(waiting: WaitingJob, time: HeardTime): boolean {
  const nextAtMs = nextTicketAtMs(waiting);
  return nextAtMs !== null && time.nowMs < nextAtMs;
}

/** Before which it gets no other; null for one that has had none. */
export function nextTicketAtMs({
  lastTicketAtMs,
  ticketCount,
}: Pick<WaitingJob, "lastTicketAtMs" | "ticketCount">): number | null {
  return lastTicketAtMs === null ? null : lastTicketAtMs + backoffMs(CALL_BACKOFF, ticketCount, 0);
}

function reasonForCovered(ticket: Ticket, { mintPauses }: DemandInput): ReasonCode {
  switch (ticket.state.kind) {
    case "minting":
      // Asked for in vain, and kept: what became of the last request is unknown.
      return mintPauses.get(scopeKey(ticket.scope)) ?? "ticket-minting";
    case "issued":
      return "ticket-issued";
    case "delivered":
      return "runner-starting";
    default:
      return "github-assigning";
  }
}
