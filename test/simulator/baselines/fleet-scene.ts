/** A tiny world with one baseline's fleet in it: GitHub's model, a cloud, and bare machines at their simplest. */

import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/domain/units.ts";
import { makeFleet } from "../../../src/simulator/baselines/make-fleet.ts";
import { firstApp } from "../../../src/simulator/github/apps.ts";
import { createGitHub } from "../../../src/simulator/github/create.ts";
import { createSeededIds } from "../../../src/simulator/github/ids.ts";
import { queueJob } from "../../../src/simulator/github/jobs.ts";
import { setHook, takeDueSends } from "../../../src/simulator/github/outbox.ts";
import type { Job, Runner } from "../../../src/simulator/github/state.ts";
import { makeProvider } from "../../../src/simulator/provider/make-provider.ts";
import type { Fault } from "../../../src/simulator/scenario/fault.ts";
import { PLAIN_GROUP } from "../../../src/simulator/scenario/group-plan.ts";
import type { Baseline, PlannedJob, Scenario } from "../../../src/simulator/scenario/scenario.ts";
import type { Fleet } from "../../../src/simulator/world/algorithm.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { EventLog } from "../../../src/simulator/world/event-log.ts";
import { GitHubWorld } from "../../../src/simulator/world/github-world.ts";
import type { ProviderModel } from "../../../src/simulator/world/provider.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import { pool } from "../../domain/builders.ts";
import { BareStandIn } from "./bare-stand-in.ts";

const START_MS = 1_000 * HOUR_MS;
/** There, and back again. */
const WAY_MS = 200;

type JobAction = Parameters<Fleet["onJobEvent"]>[0]["action"];

export interface SceneOptions {
  readonly scenario?: Partial<Scenario>;
  readonly jobs?: readonly (Partial<PlannedJob> & Pick<PlannedJob, "name" | "atMs" | "durationMs">)[];
  readonly faults?: readonly Fault[];
  /** What GitHub says of a runner's job, from its acquire on. */
  readonly lie?: (jobName: string, runner: Runner, scheduler: Scheduler) => void;
  /** Events that are lost. */
  readonly isLost?: (jobName: string, action: JobAction) => boolean;
  readonly completedWhileWorking?: readonly string[];
  /** Calls that fail without an effect, and those whose answer is lost. */
  readonly failing?: (operation: string, count: number) => "fails" | "answer-lost" | null;
}

export interface FleetScene {
  readonly scheduler: Scheduler;
  readonly model: ProviderModel;
  readonly fleet: Fleet;
  readonly finished: string[];
  readonly lost: Set<string>;
  /** Calls by operation. */
  readonly calls: Map<string, number>;
  /** What the algorithm said right before it ended or deleted something. */
  readonly causes: string[];
  /** Since the world's start. */
  runUntil(afterMs: number): Promise<void>;
}

export function at(minutes: number, seconds = 0): number {
  return minutes * MINUTE_MS + seconds * SECOND_MS;
}

function scenarioOf(baseline: Baseline, options: SceneOptions): Scenario {
  return {
    name: "tiny",
    startMs: START_MS,
    durationMs: 8 * HOUR_MS,
    algorithm: baseline,
    provider: "cloud",
    pools: [pool()],
    workload: { jobs: [], arrivals: null },
    faults: options.faults ?? [],
    faultsEndMs: null,
    bootMs: [30 * SECOND_MS, 30 * SECOND_MS],
    fleet: { isPersistent: true, passEveryMs: 5 * MINUTE_MS, firstPassMs: 5 * MINUTE_MS, minimumAgeMs: 5 * MINUTE_MS },
    pace: 1,
    ...options.scenario,
  };
}

export function makeFleetScene(baseline: Baseline, options: SceneOptions): FleetScene {
  const scenario = scenarioOf(baseline, options);
  const scheduler = new Scheduler(scenario.startMs);
  const log = new EventLog(scenario.startMs, () => scheduler.nowMs);
  const state = createGitHub({ ids: createSeededIds(1) });
  setHook(state, { kind: "app", appId: firstApp(state).id }, HOOK, scenario.startMs);
  const github = new GitHubWorld(state, scheduler);
  const finished: string[] = [];
  const lost = new Set<string>();
  const calls = new Map<string, number>();
  const causes: string[] = [];
  const durations = new Map<string, number>();
  const model = makeCloud(scenario, scheduler, log);
  const standIns = {
    scheduler,
    github,
    durationOf: (job: Job) => durations.get(job.name) ?? 0,
    onAcquired: (job: Job, runner: Runner) => options.lie?.(job.name, runner, scheduler),
    onLost: (job: Job) => lost.add(job.name),
    onFinished: (job: Job) => finished.push(job.name),
  };
  const fleet = makeFleet(baseline, {
    scenario,
    scheduler,
    chance: new Chance(2),
    github,
    provider: model,
    log,
    makeBareHost: (birth) => new BareStandIn(standIns, birth),
    call: (_to, operation, effect, onAnswer) => {
      const count = (calls.get(operation) ?? 0) + 1;
      calls.set(operation, count);
      const failure = options.failing?.(operation, count) ?? null;
      scheduler.after(WAY_MS, () => {
        const answer = failure === "fails" ? null : effect();
        scheduler.after(WAY_MS, () => onAnswer(failure === null ? answer : null));
      });
    },
    cause: (what) => {
      causes.push(what);
      return { by: "controller", proof: "" };
    },
  });
  for (const job of options.jobs ?? []) {
    durations.set(job.name, job.durationMs);
    scheduler.at(scenario.startMs + job.atMs, () => {
      const { name, repository = "acme/widgets", labels = ["self-hosted", "linux"] } = job;
      const webhooks = { isCompletedWhileRunning: options.completedWhileWorking?.includes(name) === true };
      queueJob(state, { name, repository, labels, steps: [], webhooks }, scheduler.nowMs);
      github.changed();
    });
  }
  scheduler.every(SECOND_MS, () => deliver(github, fleet, scheduler, options));
  return {
    scheduler,
    model,
    fleet,
    finished,
    lost,
    calls,
    causes,
    runUntil: (afterMs) => scheduler.runUntil(scenario.startMs + afterMs),
  };
}

function makeCloud(scenario: Scenario, scheduler: Scheduler, log: EventLog): ProviderModel {
  const nothing = () => {};
  return makeProvider(scenario.provider, {
    scheduler,
    chance: new Chance(1),
    log,
    witness: {
      machineStarted: nothing,
      machineEnds: nothing,
      machineSleeps: nothing,
      runnerKilled: nothing,
      dispatchLost: nothing,
      jobCancelledByRunner: nothing,
      jobAcquired: nothing,
      jobFinished: nothing,
      faultHappened: nothing,
    },
    faults: scenario.faults,
    isFaulty: () => true,
    makeAgentHost: () => {
      throw new Error("no machine of ours is in this world");
    },
    signIdentity: () => "",
    standbyPools: new Set(),
    pools: scenario.pools,
    group: PLAIN_GROUP,
    bootMs: scenario.bootMs,
  });
}

const HOOK = {
  url: "http://hook.invalid/",
  secret: "s",
  events: ["workflow_job"],
  contentType: "json",
  isCertificateChecked: true,
  isActive: true,
} as const;

interface Payload {
  readonly action: JobAction | "waiting";
  readonly workflow_job: {
    readonly id: number;
    readonly name: string;
    readonly labels: readonly string[];
    readonly runner_name: string | null;
  };
  readonly repository: { readonly full_name: string };
}

function deliver({ state }: GitHubWorld, fleet: Fleet, scheduler: Scheduler, { isLost }: SceneOptions): void {
  for (const { deliveryId } of takeDueSends(state, scheduler.nowMs)) {
    const delivery = state.deliveries.get(deliveryId);
    if (delivery?.event !== "workflow_job") continue;
    const { action, workflow_job: job, repository } = JSON.parse(delivery.render()) as Payload;
    if (action === "waiting" || isLost?.(job.name, action) === true) continue;
    fleet.onJobEvent({
      action,
      jobId: job.id,
      labels: job.labels,
      repository: repository.full_name,
      runnerName: job.runner_name,
    });
  }
}
