/** GitHub and the jobs that come, without a fleet. */
import { HOUR_MS } from "../../../src/domain/units.ts";
import { createGitHub } from "../../../src/simulator/github/create.ts";
import { createSeededIds } from "../../../src/simulator/github/ids.ts";
import type { GitHubState, Job, Runner } from "../../../src/simulator/github/state.ts";
import type { Scenario } from "../../../src/simulator/scenario/scenario.ts";
import { Chance } from "../../../src/simulator/world/chance.ts";
import { EventLog } from "../../../src/simulator/world/event-log.ts";
import { Faults } from "../../../src/simulator/world/faults.ts";
import { ForeignRunners } from "../../../src/simulator/world/foreign-runners.ts";
import { GitHubWorld } from "../../../src/simulator/world/github-world.ts";
import { Lies } from "../../../src/simulator/world/lies.ts";
import { Scheduler } from "../../../src/simulator/world/scheduler.ts";
import { Workload } from "../../../src/simulator/world/workload.ts";
import { connect, register } from "../world.ts";
import { START_MS, tinyScenario } from "./tiny-scenario.ts";

export class WorkloadScene {
  readonly scheduler = new Scheduler(START_MS);
  readonly state: GitHubState;
  readonly github: GitHubWorld;
  readonly foreign: ForeignRunners;
  readonly faults: Faults;
  readonly workload: Workload;
  readonly lies: Lies;
  readonly said: string[] = [];

  constructor(overrides: Partial<Scenario> = {}, seed = 1) {
    const { scheduler } = this;
    const scenario = tinyScenario({ faultsEndMs: 8 * HOUR_MS, ...overrides });
    const chance = new Chance(seed);
    this.state = createGitHub({
      ids: createSeededIds(seed),
      chooseRunner: (candidates, job) => this.foreign.choose(candidates, job),
    });
    this.github = new GitHubWorld(this.state, scheduler);
    this.foreign = new ForeignRunners(this.github, scheduler, chance.fork("foreign"));
    this.faults = new Faults(scenario.faults, chance.fork("faults"), scheduler, scenario.faultsEndMs ?? HOUR_MS);
    const log = new EventLog(
      START_MS,
      () => scheduler.nowMs,
      ({ text }) => this.said.push(text),
    );
    const { github, foreign, faults } = this;
    this.workload = new Workload({ scenario, scheduler, chance: chance.fork("jobs"), github, faults, foreign, log });
    this.lies = new Lies(github, scheduler, chance.fork("lies"), this.workload);
  }

  get jobs(): readonly Job[] {
    return [...this.state.jobs.values()];
  }

  get names(): readonly string[] {
    return this.jobs.map(({ id }) => this.workload.nameOf(id));
  }

  job(name: string): Job {
    const found = this.jobs.find(({ id }) => this.workload.nameOf(id) === name);
    if (found === undefined) throw new Error(`no job ${name}: ${this.names.join(", ")}`);
    return found;
  }

  /** A listener that waits for a job. */
  listen(name: string): Runner {
    const runner = register(this.state, { name, labels: ["self-hosted", "linux", "x64"] });
    connect(this.state, runner, this.scheduler.nowMs);
    return runner;
  }

  pass(forMs: number): Promise<void> {
    return this.scheduler.runUntil(this.scheduler.nowMs + forMs);
  }
}
