/**
 * Checks the invariants against what really is, the moment it happens: every ending of a machine, a process or a registration
 * is told here before it takes effect. What the controller believes plays no part.
 */
import { MINUTE_MS } from "../../domain/units.ts";
import type { GitHubState, Runner } from "../github/state.ts";
import type { Invariant, Violation } from "../scenario/result.ts";
import type { EventLog } from "./event-log.ts";
import type { Scheduler } from "./scheduler.ts";
import { type Cause, GROUP_GOES_ON, type HostTruth, type Witness } from "./witness.ts";

/** Of one world; more would tell nothing new. */
const VIOLATIONS_MAX = 20;
/** From the moment when a listing may show a machine until it is adopted, and what is on its way by then has come. */
const ADOPTED_WITHIN_MS = MINUTE_MS;
/** After a lost dispatch a second of the same job is one too many. */
const DELAYS_PER_JOB_MAX = 1;

export interface JudgeWorld {
  readonly scheduler: Scheduler;
  readonly github: GitHubState;
  readonly log: EventLog;
  readonly startMs: number;
  jobName(jobId: number): string;
  isOurs(runnerName: string): boolean;
  /** Every machine that is there. */
  hosts(): Iterable<HostTruth>;
  /** How many there are, those that boot included. */
  hostCount(): number;
  /** Those by which nothing is left that tells whose they are: nobody can count them. */
  unfindable(): readonly string[];
  /** How many there may be. */
  readonly hostCountMax: number;
  /** Nobody is there to end a machine by force: it has to have been unknown for so long. 0: never. */
  readonly forcedAfterMs: number;
  /** Asks what `explain` says, and adds it to the violation once it is told. */
  explain(subject: string, tell: (sentences: readonly string[]) => void): void;
  /** What an operator would ask by: the machine's own name. */
  machineName(providerId: string): string;
  onAcquired(jobId: number): void;
  onFinished(jobId: number, runner: Runner | undefined): void;
  onFault(kind: string): void;
}

/** What a job died of, by whoever had a hand in it first. */
export type JobDeath = "us" | "forced" | "world";

/** Endings that the contract records as forced: what they cost is told, and is no violation. */
/** Nothing lives where a provider's word of death is true: what dies of an ending by it died of a false proof. */
const FORCED_PROOFS: ReadonlySet<string> = new Set(["forced"]);

export class Judge implements Witness {
  readonly #world: JudgeWorld;
  readonly violations: Violation[] = [];
  readonly deaths = new Map<number, JobDeath>();
  readonly #acquiredAtMs = new Map<number, number>();
  readonly #delays = new Map<number, number>();
  busyMs = 0;
  delayCount = 0;
  deletedCount = 0;
  machinesMax = 0;
  /** When a machine was last started, or a job last acquired. */
  lastProgressAtMs = 0;
  /** When each machine was last of use; null while a job is there. */
  readonly #lastUse = new Map<string, number | null>();
  /** By machine, the last runner that its agent killed, by GitHub's number. */
  readonly #killedByAgent = new Map<string, number>();
  /** Runners that died of the world, by their names: what GitHub still sends them nobody took from them. */
  readonly #diedOfFaults = new Set<string>();
  readonly #startedAtMs = new Map<string, number>();
  /** Machines that a restored store does not know, and that no listing shows yet. */
  #uncountable: ReadonlySet<string> = new Set();
  #violationCount = 0;

  constructor(world: JudgeWorld) {
    this.#world = world;
  }

  get violationCount(): number {
    return this.#violationCount;
  }

  machineStarted(host: HostTruth): void {
    // Its provider and the machine itself both tell.
    if (this.#startedAtMs.has(host.providerId)) return;
    const { log, scheduler, hostCount, hostCountMax, unfindable } = this.#world;
    log.note("the machine starts", host.providerId);
    this.#lastUse.set(host.providerId, scheduler.nowMs);
    this.#startedAtMs.set(host.providerId, scheduler.nowMs);
    this.lastProgressAtMs = scheduler.nowMs;
    // Once its provider counts it as well.
    scheduler.after(0, () => {
      const count = hostCount();
      this.machinesMax = Math.max(this.machinesMax, count);
      if (count <= hostCountMax) return;
      const uncountable = new Set([...this.#uncountable, ...unfindable()]);
      if (count - uncountable.size > hostCountMax)
        this.violate("I3", `${count} machines are there, and at most ${hostCountMax} may be`, {
          machine: host.providerId,
        });
    });
  }

  /** The store is put back to what it was. @param listingLagMs the provider may list a machine so long after its start. */
  storeRestored(listingLagMs: number): void {
    const { scheduler } = this.#world;
    if (listingLagMs === 0) return;
    const unlisted = [...this.#startedAtMs].filter(([, atMs]) => scheduler.nowMs - atMs < listingLagMs);
    this.#uncountable = new Set(unlisted.map(([providerId]) => providerId));
    scheduler.after(listingLagMs + ADOPTED_WITHIN_MS, () => {
      this.#uncountable = new Set();
    });
  }

  /** How long a machine has been of no use; 0 while a job is there. */
  uselessForMs(providerId: string): number {
    const lastUseMs = this.#lastUse.get(providerId);
    return lastUseMs === undefined || lastUseMs === null ? 0 : this.#world.scheduler.nowMs - lastUseMs;
  }

  /** Epoch milliseconds; null for a job that none of ours acquired. */
  acquiredAtMs(jobId: number): number | null {
    return this.#acquiredAtMs.get(jobId) ?? null;
  }

  machineEnds(host: HostTruth, cause: Cause): void {
    this.#noteFault(host, cause);
    this.#judgeForced(host, cause);
    this.#startedAtMs.delete(host.providerId);
    this.#uncountable = new Set([...this.#uncountable].filter((providerId) => providerId !== host.providerId));
    this.#world.log.note(`the machine ends: ${describe(cause)}`, host.providerId, ...this.#jobsOf(host));
    this.#judgeEnd(host, cause, "the machine was ended");
  }

  machineSleeps(host: HostTruth, cause: Cause): void {
    this.#world.log.note(`the machine is put to sleep: ${describe(cause)}`, host.providerId, ...this.#jobsOf(host));
    this.#judgeEnd(host, cause, "the machine was put to sleep");
  }

  /** It cannot have been unknown for longer than it was there. */
  #judgeForced({ providerId }: HostTruth, cause: Cause): void {
    if (cause.by !== "controller" || cause.proof !== "forced") return;
    const { scheduler, forcedAfterMs } = this.#world;
    const startedAtMs = this.#startedAtMs.get(providerId);
    if (startedAtMs === undefined) return;
    const wasThereMs = scheduler.nowMs - startedAtMs;
    if (forcedAfterMs > 0 && wasThereMs >= forcedAfterMs) return;
    const after = formatOffset(wasThereMs);
    this.violate("I1", `the machine was ended as forced ${after} after its start`, { machine: providerId });
  }

  #noteFault({ runner }: HostTruth, cause: Cause): void {
    if (cause.by === "fault" && runner !== null) this.#diedOfFaults.add(runner.runnerName);
  }

  runnerKilled(host: HostTruth, cause: Cause): void {
    this.#noteFault(host, cause);
    this.#world.log.note(`the runner is killed: ${describe(cause)}`, host.providerId, ...this.#jobsOf(host));
    // The fence's own purpose is to kill a listener that could still acquire: only a job that it has counts.
    this.#judgeJob(host, cause, "the runner was killed");
    const { runner } = host;
    if (cause.by === "agent" && runner !== null) this.#killedByAgent.set(host.providerId, runner.runnerId);
  }

  dispatchLost(jobId: number, runnerName: string): void {
    const { log } = this.#world;
    const name = this.#world.jobName(jobId);
    log.note(`the dispatch of job ${name} to ${runnerName} is lost`, name);
    if (!this.#world.isOurs(runnerName) || this.#diedOfFaults.has(runnerName)) return;
    const count = (this.#delays.get(jobId) ?? 0) + 1;
    this.#delays.set(jobId, count);
    this.delayCount += 1;
    if (count > DELAYS_PER_JOB_MAX)
      this.violate("I1", `job ${name} was taken back from a runner before it was acquired, for the ${count}. time`, {
        job: name,
      });
  }

  jobCancelledByRunner(host: HostTruth, jobId: number, why: "registration-gone" | "signal" | "requested"): void {
    const name = this.#world.jobName(jobId);
    this.#world.log.note(`the runner cancels job ${name}: ${why}`, host.providerId, name);
    if (why === "requested") return;
    this.#die(jobId, "us");
    const reason = why === "signal" ? "its runner was signalled" : "its registration was deleted";
    this.violate("I1", `job ${name} was cancelled by its own runner because ${reason}`, {
      machine: host.providerId,
      job: name,
    });
  }

  jobAcquired(host: HostTruth, jobId: number): void {
    const name = this.#world.jobName(jobId);
    this.#world.log.note(`job ${name} is acquired`, host.providerId, name);
    this.#acquiredAtMs.set(jobId, this.#world.scheduler.nowMs);
    this.#lastUse.set(host.providerId, null);
    this.lastProgressAtMs = this.#world.scheduler.nowMs;
    this.#world.onAcquired(jobId);
    this.#judgeAcquirer(host, jobId, name);
  }

  /** An acquire that was on its way when its listener was killed: GitHub binds the job to a runner that is dead. */
  #judgeAcquirer(host: HostTruth, jobId: number, job: string): void {
    const phase = this.#world.github.jobs.get(jobId)?.phase;
    const runnerId = this.#killedByAgent.get(host.providerId);
    if (runnerId === undefined || phase?.kind !== "acquired" || phase.runnerId !== runnerId) return;
    this.#die(jobId, "us");
    this.violate("I1", `job ${job} is acquired for a listener that its agent had killed`, {
      machine: host.providerId,
      job,
    });
  }

  jobFinished(host: HostTruth, jobId: number): void {
    const name = this.#world.jobName(jobId);
    this.#world.log.note(`job ${name} is over`, host.providerId, name);
    this.busyMs += this.#world.scheduler.nowMs - (this.#acquiredAtMs.get(jobId) ?? this.#world.scheduler.nowMs);
    this.#lastUse.set(host.providerId, this.#world.scheduler.nowMs);
    const phase = this.#world.github.jobs.get(jobId)?.phase;
    const runnerId = phase?.kind === "completed" ? phase.runnerId : null;
    this.#world.onFinished(jobId, runnerId === null ? undefined : this.#world.github.runners.get(runnerId));
  }

  faultHappened(kind: string): void {
    this.#world.onFault(kind);
  }

  /** Right before a registration is deleted at GitHub. */
  registrationDeleted(runner: Runner, proof: string): void {
    const { log } = this.#world;
    log.note(`registration ${runner.name} is deleted: ${proof}`, runner.name);
    this.deletedCount += 1;
    if (!this.#world.isOurs(runner.name)) {
      this.violate("I4", `registration ${runner.name}, which is not ours, was deleted`, {});
      return;
    }
    for (const host of this.#world.hosts()) {
      if (host.runner?.runnerId !== runner.id) continue;
      const { acquiredJobId, canAcquire, isListenerAlive } = host.runner;
      if (acquiredJobId !== null && isListenerAlive && this.#isOpen(acquiredJobId)) {
        const job = this.#world.jobName(acquiredJobId);
        this.violate("I1", `registration ${runner.name} was deleted while job ${job} ran there`, {
          machine: host.providerId,
          job,
        });
      } else if (canAcquire)
        this.violate("I1", `registration ${runner.name} was deleted while its listener could still take a job`, {
          machine: host.providerId,
        });
    }
  }

  deathOf(jobId: number): JobDeath | null {
    return this.deaths.get(jobId) ?? null;
  }

  /** @param about whom it concerns: a machine by its provider's id, a job by its name. */
  violate(
    invariant: Invariant,
    what: string,
    about: { readonly machine?: string; readonly job?: string; readonly registration?: string },
  ): void {
    this.#violationCount += 1;
    if (this.violations.length >= VIOLATIONS_MAX) return;
    const { log, scheduler, startMs } = this.#world;
    const { machine = null, job = null, registration = null } = about;
    log.note(`VIOLATION of ${invariant}: ${what}`, ...[machine, job].filter((one) => one !== null));
    const subjects = [machine, job, registration].filter((one) => one !== null);
    const timeline = log
      .of(subjects)
      .map(({ atMs, text, subjects: of }) => `${formatOffset(atMs)} [${of.join(", ")}] ${text}`);
    const explanation: string[] = [];
    const atMs = scheduler.nowMs - startMs;
    this.violations.push({ invariant, atMs, what, machine, job, timeline, explanation });
    const subject = machine === null ? null : this.#world.machineName(machine);
    if (subject !== null) this.#world.explain(subject, (sentences) => explanation.push(...sentences));
  }

  #judgeEnd(host: HostTruth, cause: Cause, what: string): void {
    if (this.#judgeJob(host, cause, what)) return;
    const { runner } = host;
    const isForced = cause.by !== "controller" || FORCED_PROOFS.has(cause.proof);
    if (runner?.canAcquire === true && !isForced)
      this.violate("I1", `${what} (${describe(cause)}) while its listener could still take a job`, {
        machine: host.providerId,
      });
  }

  /** @returns whether a job was there. */
  #judgeJob(host: HostTruth, cause: Cause, what: string): boolean {
    const jobId = host.runner?.acquiredJobId ?? null;
    if (jobId === null || !this.#isOpen(jobId)) return false;
    const job = this.#world.jobName(jobId);
    if (cause.by === "fault" || cause.by === "itself") {
      this.#die(jobId, cause.by === "fault" && isForcedFault(cause.kind) ? "forced" : "world");
      return true;
    }
    if (cause.by === "controller" && FORCED_PROOFS.has(cause.proof)) {
      this.#die(jobId, "forced");
      return true;
    }
    this.#die(jobId, "us");
    this.violate("I1", `${what} (${describe(cause)}) while job ${job} ran there`, { machine: host.providerId, job });
    return true;
  }

  #die(jobId: number, death: JobDeath): void {
    if (!this.deaths.has(jobId)) this.deaths.set(jobId, death);
  }

  #isOpen(jobId: number): boolean {
    return this.#world.github.jobs.get(jobId)?.phase.kind === "acquired";
  }

  #jobsOf(host: HostTruth): readonly string[] {
    const jobId = host.runner?.acquiredJobId ?? null;
    return jobId === null ? [] : [this.#world.jobName(jobId)];
  }
}

/** Spot takes its machine back, or a group its own, where no word of ours could have put it off. */
function isForcedFault(kind: string): boolean {
  return kind === "provider.reclaim" || kind === GROUP_GOES_ON;
}

function describe(cause: Cause): string {
  switch (cause.by) {
    case "controller":
      return `by the controller, ${cause.proof}`;
    case "agent":
      return `by its agent, ${cause.what}`;
    case "fault":
      return `by ${cause.kind}`;
    case "itself":
      return "by itself";
  }
}

/** Since the world's start: `3:07:42.120`. */
function formatOffset(atMs: number): string {
  const hours = Math.floor(atMs / (60 * MINUTE_MS));
  const minutes = Math.floor(atMs / MINUTE_MS) % 60;
  const seconds = ((atMs / 1_000) % 60).toFixed(3).padStart(6, "0");
  return `${hours}:${String(minutes).padStart(2, "0")}:${seconds}`;
}
