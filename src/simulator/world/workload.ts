/** Jobs come: planned ones, by chance, in bursts, and right into a closing fence. GitHub tells of them, and lies. */
import { HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import type { WebhookLies } from "../github/delivery.ts";
import { cancelJob, queueJob } from "../github/jobs.ts";
import type { Job } from "../github/state.ts";
import type { FaultKind, FaultOf } from "../scenario/fault.ts";
import type { Arrivals, PlannedJob, Scenario } from "../scenario/scenario.ts";
import type { Chance } from "./chance.ts";
import type { EventLog } from "./event-log.ts";
import type { Faults } from "./faults.ts";
import type { ForeignRunners } from "./foreign-runners.ts";
import type { GitHubWorld } from "./github-world.ts";
import type { Scheduler } from "./scheduler.ts";

/** How often a job is sent right into a fence that closes; and to a listener at which one is about to. */
const INTO_FENCE_SHARE = 0.3;
const BEFORE_FENCE_SHARE = 0.5;
/** A fence's watchdog takes some tenths of a second to start: any step of the assignment may be under way when the stop comes. */
const BEFORE_FENCE_MS = [0, 250] as const;
const ACTIONS = ["queued", "in_progress", "completed"] as const;
/** A job is never longer: GitHub's own limit is 5 days, a world's is its length. */
const JOB_MAX_MS = 6 * HOUR_MS;
const JOB_MIN_MS = 5 * SECOND_MS;

export interface WorkloadWorld {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly github: GitHubWorld;
  readonly faults: Faults;
  readonly foreign: ForeignRunners;
  readonly log: EventLog;
}

export class Workload {
  readonly #world: WorkloadWorld;
  readonly #durations = new Map<number, number>();
  readonly #names = new Map<number, string>();
  #fenceCount = 0;
  /** Jobs in the order in which they came. */
  readonly queued: { readonly id: number; readonly atMs: number }[] = [];

  constructor(world: WorkloadWorld) {
    this.#world = world;
  }

  /** @param untilMs no job comes by chance from then on; since the world's start. */
  start(untilMs: number): void {
    const { scenario, scheduler, chance } = this.#world;
    const { jobs, arrivals } = scenario.workload;
    for (const job of jobs) scheduler.after(job.atMs, () => this.#queue(job));
    if (arrivals === null) return;
    const ofArrivals = chance.fork("arrivals");
    if (arrivals.perHour > 0) this.#arrive(arrivals, ofArrivals, scheduler.nowMs + untilMs);
    if (arrivals.burst !== null) this.#burst(arrivals, chance.fork("bursts"), scheduler.nowMs + untilMs);
  }

  durationMs(jobId: number): number {
    return this.#durations.get(jobId) ?? JOB_MIN_MS;
  }

  nameOf(jobId: number): string {
    return this.#names.get(jobId) ?? String(jobId);
  }

  /** Whether a lie befalls this job: those aimed at another one do not. */
  strikes<Kind extends FaultKind>(kind: Kind, jobId: number): (FaultOf<Kind> & { readonly perJob: number }) | null {
    const name = this.#names.get(jobId);
    const found = this.#world.faults.strikes(kind, (fault) => {
      const lie = fault as { readonly perJob?: number; readonly job?: string };
      return lie.job === undefined || lie.job === name ? (lie.perJob ?? 0) : 0;
    });
    return found as (FaultOf<Kind> & { readonly perJob: number }) | null;
  }

  /** A fence has stopped this listener: now and then the next job goes to it. */
  sendIntoFence(runnerId: number): void {
    const drawn = this.#drawForFence(runnerId);
    if (drawn.happens(INTO_FENCE_SHARE)) this.#sendTo(runnerId, drawn);
  }

  /** A fence is about to stop this listener: now and then the next job is on its way there by then. */
  sendBeforeFence(runnerId: number): void {
    const drawn = this.#drawForFence(runnerId);
    if (!drawn.happens(BEFORE_FENCE_SHARE)) return;
    this.#world.scheduler.after(drawn.between(BEFORE_FENCE_MS), () => this.#sendTo(runnerId, drawn));
  }

  #drawForFence(runnerId: number): Chance {
    this.#fenceCount += 1;
    return this.#world.chance.fork(`fence/${runnerId}/${this.#fenceCount}`);
  }

  #sendTo(runnerId: number, drawn: Chance): void {
    const { scenario, github, faults, foreign } = this.#world;
    const { arrivals } = scenario.workload;
    const runner = github.state.runners.get(runnerId);
    if (arrivals === null || runner === undefined || !faults.isOn) return;
    foreign.prefer(runnerId);
    const repository = runner.scope.kind === "repository" ? runner.scope.fullName : drawn.pick(arrivals.repositories);
    const labels = runner.labels.map(({ name }) => name);
    this.#queue({ ...this.#draw(arrivals, drawn), name: `fenced-${this.queued.length + 1}`, repository, labels });
  }

  #arrive(arrivals: Arrivals, chance: Chance, untilMs: number): void {
    const { scheduler } = this.#world;
    scheduler.after(chance.wait(HOUR_MS / arrivals.perHour), () => {
      if (scheduler.nowMs >= untilMs) return;
      this.#queue(this.#draw(arrivals, chance));
      this.#arrive(arrivals, chance, untilMs);
    });
  }

  #burst(arrivals: Arrivals, chance: Chance, untilMs: number): void {
    const { scheduler } = this.#world;
    const { burst } = arrivals;
    if (burst === null) return;
    scheduler.after(burst.everyMs, () => {
      if (scheduler.nowMs >= untilMs) return;
      for (let count = 0; count < burst.jobs; count += 1) this.#queue(this.#draw(arrivals, chance));
      this.#burst(arrivals, chance, untilMs);
    });
  }

  #draw(arrivals: Arrivals, chance: Chance): PlannedJob {
    const { duration, labels, repositories } = arrivals;
    const durationMs = chance.spread(duration.p50Ms, duration.p95Ms);
    return {
      name: `job-${this.queued.length + 1}`,
      atMs: 0,
      repository: chance.pick(repositories),
      labels: chance.pick(labels),
      durationMs: Math.round(Math.min(JOB_MAX_MS, Math.max(JOB_MIN_MS, durationMs))),
    };
  }

  #queue(planned: PlannedJob): void {
    const { github, scheduler, log, faults, foreign } = this.#world;
    const nowMs = scheduler.nowMs;
    const { repository, labels, name } = planned;
    const webhooks = this.#lies();
    const job = queueJob(github.state, { repository, labels, steps: [], name, webhooks }, nowMs);
    this.#durations.set(job.id, planned.durationMs);
    this.#names.set(job.id, name);
    this.queued.push({ id: job.id, atMs: nowMs });
    log.note(`job ${name} is queued`, name);
    foreign.preferNobody();
    github.changed();
    if (this.strikes("github.taken-elsewhere", job.id) !== null) foreign.take(job, planned.durationMs);
    const cancelled = this.strikes("github.cancelled", job.id);
    if (cancelled !== null && faults.isOn) scheduler.after(this.#between(cancelled.afterMs), () => this.#cancel(job));
  }

  #cancel(job: Job): void {
    const { github, scheduler, log } = this.#world;
    if (!cancelJob(github.state, job.id, scheduler.nowMs)) return;
    log.note(`job ${this.nameOf(job.id)} is cancelled`, this.nameOf(job.id));
    github.changed();
  }

  /** What this job's webhooks do that they should not. */
  #lies(): WebhookLies {
    const { faults } = this.#world;
    const of = (kind: "github.webhook-lost" | "github.webhook-repeated") =>
      ACTIONS.filter(() => faults.strikes(kind, ({ probability }) => probability) !== null);
    const delays = ACTIONS.flatMap((action) => {
      const late = faults.strikes("github.webhook-late", ({ probability }) => probability);
      return late === null ? [] : [[action, Math.round(this.#between(late.delayMs))] as const];
    });
    const isEarly = faults.strikes("github.completed-while-working", ({ perJob }) => perJob) !== null;
    return {
      drop: of("github.webhook-lost"),
      duplicate: of("github.webhook-repeated"),
      delayMs: Object.fromEntries(delays),
      isCompletedWhileRunning: isEarly,
    };
  }

  #between(range: readonly [number, number]): number {
    return this.#world.chance.between(range);
  }
}
