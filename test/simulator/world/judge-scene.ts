/** A judge in a world of jobs and runners at GitHub, and machines that are only what a test says of them. */

import { startJob } from "../../../src/simulator/github/lease.ts";
import { registerRunner } from "../../../src/simulator/github/runners.ts";
import type { GitHubState, Job, Runner } from "../../../src/simulator/github/state.ts";
import type { Violation } from "../../../src/simulator/scenario/result.ts";
import { EventLog } from "../../../src/simulator/world/event-log.ts";
import { Judge } from "../../../src/simulator/world/judge.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import type { HostTruth } from "../../../src/simulator/world/witness.ts";
import { connect, createWorld, queue, START_MS, take } from "../world.ts";

export { START_MS };

export const MACHINE = "i-1";
export const MACHINES_MAX = 2;
export const FORCED_AFTER_MS = 1_000_000;

export type RunnerTruth = NonNullable<HostTruth["runner"]>;

export class JudgeScene {
  readonly github: GitHubState = createWorld();
  readonly scheduler = new Scheduler(START_MS);
  readonly log = new EventLog(START_MS, () => this.scheduler.nowMs);
  hosts: HostTruth[] = [];
  /** Machines that are there, those that boot included. */
  hostCount = 0;
  unfindable: readonly string[] = [];
  readonly acquired: number[] = [];
  readonly finished: (string | undefined)[] = [];
  readonly faults: string[] = [];
  readonly judge = new Judge({
    scheduler: this.scheduler,
    github: this.github,
    log: this.log,
    startMs: START_MS,
    jobName: (id) => `job-${id}`,
    isOurs: (name) => name.startsWith("ours"),
    hosts: () => this.hosts,
    hostCount: () => this.hostCount,
    unfindable: () => this.unfindable,
    hostCountMax: MACHINES_MAX,
    forcedAfterMs: FORCED_AFTER_MS,
    explain: (subject, tell) => this.scheduler.after(0, () => tell([`${subject} is explained`])),
    machineName: (providerId) => `m-of-${providerId}`,
    onAcquired: (jobId) => this.acquired.push(jobId),
    onFinished: (_jobId, runner) => this.finished.push(runner?.name),
    onFault: (kind) => this.faults.push(kind),
  });

  register(name = "ours-1"): Runner {
    const scope = { kind: "organization", organization: "acme" } as const;
    const request = { scope, name, labels: ["linux"], groupId: 1, isEphemeral: true };
    const runner = registerRunner(this.github, request, START_MS);
    if (typeof runner === "string") throw new Error(runner);
    return runner;
  }

  /** A runner with a job that it acquired. */
  employ(name = "ours-1"): { readonly runner: Runner; readonly job: Job; readonly requestId: string } {
    const runner = this.register(name);
    connect(this.github, runner);
    const job = queue(this.github);
    const requestId = take(this.github, runner);
    startJob(this.github, requestId, START_MS);
    return { runner, job, requestId };
  }

  pass(forMs: number): Promise<void> {
    return this.scheduler.runUntil(this.scheduler.nowMs + forMs);
  }

  /** In short: the invariant and what it says. */
  get said(): readonly string[] {
    return this.judge.violations.map(({ invariant, what }) => `${invariant} ${what}`);
  }

  get oneViolation(): Violation {
    const [first] = this.judge.violations;
    if (first === undefined || this.judge.violations.length > 1) throw new Error(`not one: ${this.said.join("; ")}`);
    return first;
  }
}

/** A machine whose listener waits for a job, unless told otherwise. */
export function host(runner: Runner | null, truth: Partial<RunnerTruth> = {}, providerId = MACHINE): HostTruth {
  if (runner === null) return { providerId, isUp: true, runner: null };
  const waiting: RunnerTruth = {
    runnerId: runner.id,
    runnerName: runner.name,
    isListenerAlive: true,
    isListenerStopped: false,
    canAcquire: true,
    acquiredJobId: null,
    hasLostLines: false,
    workerCount: 0,
  };
  return { providerId, isUp: true, runner: { ...waiting, ...truth } };
}

export function working(
  { runner, job }: { readonly runner: Runner; readonly job: Job },
  truth: Partial<RunnerTruth> = {},
): HostTruth {
  return host(runner, { acquiredJobId: job.id, canAcquire: false, workerCount: 1, ...truth });
}
