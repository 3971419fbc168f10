/** One machine of a pool that runs lost jobs again, a job on it, and a GitHub that says of its run what a test lets it say. */
import { expect } from "vitest";
import { rerunLostJobs } from "../../src/controllers/connection/rerun.ts";
import { watchHosts } from "../../src/controllers/watch-hosts.ts";
import { type JobId, parseJobId } from "../../src/domain/ids.ts";
import type { JobEvent } from "../../src/domain/job.ts";
import type { PoolPolicy } from "../../src/domain/pool.ts";
import type { ObservedRun, ObservedRunJob, Rerun } from "../../src/domain/rerun.ts";
import { MINUTE_MS } from "../../src/domain/units.ts";
import { listEvidence } from "../../src/store/evidence/evidence.ts";
import { loadJob } from "../../src/store/jobs/load.ts";
import { loadMachine } from "../../src/store/machines/load.ts";
import { loadRerun } from "../../src/store/reruns/load.ts";
import { jobSubject } from "../../src/store/subjects.ts";
import { connectionName } from "../domain/builders.ts";
import { type ConnectionYard, connectionYard } from "./connection-yard.ts";
import { type Agent, NOTHING_SEEN, Yard } from "./yard.ts";

export const JOB = parseJobId(1);
export const LABELS = ["self-hosted", "linux", "no-rerun"];
const WANTED = { labels: LABELS, rerun: { exceptLabel: "no-rerun" }, machineCountMax: 1 } as const;
const HOSTS_PERIOD_MS = 4 * MINUTE_MS;

export class RerunScene {
  readonly yard: Yard;
  connection: ConnectionYard;
  agent: Agent;
  /** The ids of the jobs for which GitHub was asked. */
  readonly asked: JobId[] = [];

  /** A machine whose agent says that the job runs, and so does GitHub. */
  static async open(pool: Partial<PoolPolicy> = {}, job: Partial<JobEvent> = {}): Promise<RerunScene> {
    const yard = await Yard.open({ ...WANTED, ...pool });
    const { agent, ticketId } = await yard.withTicket();
    const ticket = await yard.onlyTicket();
    await agent.report({
      phase: "engaged",
      ticket: { id: ticketId, step: "running" },
      sighting: { ...NOTHING_SEEN, hasListener: true, workerCount: 1 },
    });
    await yard.tell(JOB, { status: "in_progress", runnerName: ticket.runnerName, ...job });
    await yard.pass();
    return new RerunScene(yard, agent);
  }

  private constructor(yard: Yard, agent: Agent) {
    this.yard = yard;
    this.agent = agent;
    this.connection = connectionYard(yard, { github: yard.github });
    yard.github.onRerun = async (jobId) => {
      this.asked.push(jobId);
      return "asked";
    };
  }

  /** The machine is dead at its provider, and then gone. */
  async die(): Promise<void> {
    const { machineId } = this.agent;
    this.yard.provider.machines.set(machineId, { state: "dead", machineId });
    this.yard.clock.advance(MINUTE_MS);
    await this.yard.pass();
    expect((await loadMachine(this.yard.store.db, machineId))?.state.kind).toBe("gone");
  }

  /** For so long nobody hears of its host. */
  async beSilent(durationMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < durationMs; passedMs += HOSTS_PERIOD_MS) {
      this.yard.clock.advance(HOSTS_PERIOD_MS);
      await watchHosts(this.yard.context);
      await this.yard.pass();
    }
  }

  async rerun(): Promise<Rerun | null> {
    const row = await loadJob(this.yard.store.db, connectionName(), JOB);
    return row === null ? null : await loadRerun(this.yard.store.db, row.job);
  }

  /** What is told on a job, oldest first. */
  async facts(id = JOB): Promise<readonly string[]> {
    const told = await listEvidence(this.yard.store.db, jobSubject(connectionName(), id), 30);
    return told.map(({ fact }) => fact).reverse();
  }

  /** What GitHub says of the run from now on. */
  async githubSays(run: Partial<ObservedRun>, job: Partial<ObservedRunJob> = {}): Promise<void> {
    const row = await loadJob(this.yard.store.db, connectionName(), JOB);
    const { runId, repository, name } = row?.job ?? { runId: 0, repository: "", name: "" };
    const attempt = run.attempt ?? 1;
    const ended = { conclusion: "failure", completedAtMs: 1, hasFailedStep: false };
    const jobs = [{ id: JOB, name, runAttempt: attempt, ...ended, ...job }];
    const whole = {
      attempt,
      attemptStartedAtMs: 0,
      createdAtMs: this.yard.clock.nowMs(),
      isCompleted: true,
      jobs,
      ...run,
    };
    this.yard.github.runs.set(runId, { repository, run: whole });
  }

  async pass(afterMs = MINUTE_MS): Promise<void> {
    this.yard.clock.advance(afterMs);
    await rerunLostJobs(this.connection.context);
  }

  counted(): readonly string[] {
    return this.yard.telemetry.counts.filter((one) => one.startsWith("holdfast_reruns_total"));
  }
}
