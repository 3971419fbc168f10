import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTicketId } from "../../src/domain/ids.ts";
import type { TicketEnd } from "../../src/domain/ticket.ts";
import { type SimulatedGitHub, startSimulatedGitHub } from "../../src/simulator/server/simulated-github.ts";
import type { JobSnapshot } from "../../src/simulator/server/snapshots.ts";
import { FenceController } from "./fence-controller.ts";
import { type FenceMachine, findBelow, findStopped, killQuietly, startFenceMachine } from "./fence-machine.ts";
import { planTrial, type Random, type TrialPlan, UNDISTURBED } from "./fence-plan.ts";
import { type Outcome, Tally, type TrialResult } from "./fence-tally.ts";
import { Pace, Trial, type TrialJob } from "./fence-trial.ts";

/** GitHub waits a minute; no trial can. Longer than any listener stands still, unless its agent or watchdog failed. */
const ASSIGNMENT_TIMEOUT_MS = 3_000;
/** Long past every bound of the product: on a machine with much else to do a trial that is only slow is no failure. */
const TRIAL_MS_MAX = 180_000;
/** From the end of a ticket whose job was acquired to the end of the job: its Worker told GitHub before it ended. */
const JOB_END_MS_MAX = 2_000;
const LOG_LOOKS_MAX = 50;
const LOG_LOOK_MS = 100;
const AGENT_END_MS_MAX = 60_000;
/** A watchdog lets its listener go on after 5 s; what stands still for longer was forgotten. */
const STOPPED_MS_MAX = 8_000;
/** Longer than a watchdog waits. */
const FROZEN_MS = 6_500;
const STOPPED_LOOK_MS = 1_000;
const VIOLATIONS_MAX = 10;
export const TRIALS_MAX_FACTOR = 4;

export interface StageOptions {
  readonly machineCount: number;
  /** Jobs that are sent to a runner whose fence closes: at least so many. */
  readonly trialCount: number;
  /**
   * At least so many of them are handed back, and at least so many run. How many of a hundred are which depends on how
   * loaded the machine is: trials go on, up to `TRIALS_MAX_FACTOR` times their number, until there were enough of both.
   */
  readonly outcomeCount: number;
  readonly random: Random;
}

/** A GitHub, a controller, and machines whose trials go on side by side. */
export class Stage {
  readonly tally = new Tally();
  readonly pace = new Pace();
  /** What is wrong with the whole: a process that is left, an agent that ended. */
  readonly troubles: string[] = [];
  readonly #options: StageOptions;
  readonly #base = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-fence-")));
  readonly #controller = new FenceController();
  readonly #trials = new Map<number, Trial>();
  readonly #jobs: TrialJob[] = [];
  /** Jobs that were handed back, oldest first: each is for a later ticket. */
  readonly #returned: TrialJob[] = [];
  readonly #stoppedSince = new Map<number, number>();
  #github: SimulatedGitHub | null = null;
  #machines: readonly FenceMachine[] = [];
  #trialCount = 0;
  #jobCount = 0;

  constructor(options: StageOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    mkdirSync(join(this.#base, "jobs"));
    this.#github = await startSimulatedGitHub({
      repositories: ["acme/widgets"],
      longPollMs: 5_000,
      // Without rate limits: thousands of deletions come in minutes.
      github: {
        assignmentTimeoutMs: ASSIGNMENT_TIMEOUT_MS,
        lostAssignmentCountMax: Number.MAX_SAFE_INTEGER,
        pointsPerMinute: 0,
        primaryLimit: 0,
      },
      onMoment: (moment) => this.#trials.get(moment.runnerId)?.onMoment(moment),
    });
    this.#github.onJobChange((job) => this.#noteJob(job));
    await this.#controller.start();
    const indexes = Array.from({ length: this.#options.machineCount }, (_, index) => index + 1);
    this.#machines = indexes.map((index) => startFenceMachine(this.#base, index, this.#controller));
    const watch = setInterval(() => this.#watchStopped(), STOPPED_LOOK_MS);
    try {
      await Promise.all(this.#machines.map((machine) => this.#occupy(machine)));
      await Promise.all(this.#machines.map((machine) => this.#end(machine)));
    } finally {
      clearInterval(watch);
    }
    this.#checkJobs();
    for (const { pid, state, command } of findBelow(this.#base))
      this.troubles.push(`process ${pid} is left, in state ${state}: ${command}`);
  }

  /** Ends what is left and removes every folder. */
  async clear(): Promise<void> {
    for (let round = 0; round < 100; round += 1) {
      const left = findBelow(this.#base);
      if (left.length === 0) break;
      for (const { pid } of left) killQuietly(pid);
      await pause(20);
    }
    await this.#controller.stop();
    await this.#github?.close();
    rmSync(this.#base, { recursive: true, force: true });
  }

  /** One trial after the other, until there were enough and no job is left that was handed back. */
  async #occupy(machine: FenceMachine): Promise<void> {
    const { random } = this.#options;
    const isHopeful = () => machine.isAlive() && this.tally.violations().length < VIOLATIONS_MAX;
    while (isHopeful() && !this.#hasEnough()) {
      await this.#try(machine, planTrial(this.#trialCount, random), this.#returned.shift() ?? null);
    }
    for (let job = this.#returned.shift(); job !== undefined && isHopeful(); job = this.#returned.shift())
      await this.#try(machine, UNDISTURBED, job);
  }

  #hasEnough(): boolean {
    const { trialCount, outcomeCount } = this.#options;
    const { dispatchedCount } = this.tally;
    if (dispatchedCount < trialCount) return false;
    const rarerCount = Math.min(this.tally.count("handed-back"), this.tally.count("ran"));
    return rarerCount >= outcomeCount || dispatchedCount >= TRIALS_MAX_FACTOR * trialCount;
  }

  async #try(machine: FenceMachine, plan: TrialPlan, returned: TrialJob | null): Promise<void> {
    this.#trialCount += 1;
    const runnerName = `runner-${this.#trialCount}`;
    const label = returned?.label ?? `job-${this.#trialCount}`;
    const runner = this.#openGitHub().registerRunner({
      scope: { kind: "organization", organization: "acme" },
      name: runnerName,
      labels: [label],
      groupId: 1,
      isEphemeral: true,
    });
    const id = parseTicketId(`t-${String(this.#trialCount).padStart(8, "0")}`);
    const trial = new Trial({ ticketId: id, runnerId: runner.id, plan, job: returned, pace: this.pace });
    this.#trials.set(runner.id, trial);
    machine.tarry(plan.standIn);
    machine.link.onReport = (report) => trial.onReport(report);
    machine.onFence = () => trial.noteClosing();
    machine.link.offer({ id, runnerName, jitConfig: runner.encodedJitConfig });
    if (returned === null) void trial.sessionCreated.promise.then(() => this.#queueLater(trial, label));
    const fault = trial.ordered.promise.then(() => this.#fail(machine, trial));
    const patience = new AbortController();
    const tooLate = pause(TRIAL_MS_MAX, patience.signal).then(() => null);
    const end = await Promise.race([trial.ended.promise, tooLate, machine.died]);
    patience.abort();
    trial.close();
    await fault;
    this.tally.add(await this.#judge(machine, trial, end));
  }

  async #queueLater(trial: Trial, label: string): Promise<void> {
    await pause(trial.plan.queueDelayMs);
    if (trial.isClosed) return;
    this.#jobCount += 1;
    const file = join(this.#base, "jobs", String(this.#jobCount));
    const seconds = (trial.plan.stepMs / 1_000).toFixed(3);
    const steps = [`echo begin >> ${file}; sleep ${seconds}; echo end >> ${file}`];
    const id = this.#openGitHub().queueJob({ repository: "acme/widgets", labels: [label], steps });
    trial.job = { id, label, file };
    this.#jobs.push(trial.job);
  }

  /** What breaks while the fence closes. */
  async #fail(machine: FenceMachine, { plan: { fault }, isClosed }: Trial): Promise<void> {
    if (fault === null || isClosed) return;
    await pause(fault.afterMs);
    if (fault.kind === "agent-killed") await machine.restart();
    else if (fault.kind === "watchdog-killed") machine.killWatchdogs();
    else await machine.freeze(FROZEN_MS);
  }

  /** GitHub's own word on every change. */
  #noteJob({ id, runnerId, phase }: JobSnapshot): void {
    const trial = runnerId === null ? undefined : this.#trials.get(runnerId);
    if (trial === undefined) return;
    if (phase === "assigned") trial.isDispatched = true;
    if (phase !== "acquired") return;
    if (trial.isClosed && !trial.isAcquired)
      this.troubles.push(`job ${id} was acquired after ${trial.ticketId} had ended`);
    trial.isAcquired = true;
  }

  async #judge(machine: FenceMachine, trial: Trial, end: TicketEnd | null): Promise<TrialResult> {
    const { plan, job } = trial;
    const violations =
      end === null ? [`${trial.ticketId} has no end; its agent ${machine.isAlive() ? "lives" : "died"}`] : [];
    if (trial.isAcquired && job !== null) violations.push(...(await this.#judgeAcquired(machine, trial, job, end)));
    else violations.push(...(await this.#judgeNeverAcquired(trial, end)));
    if (!trial.isAcquired && job !== null) this.#returned.push(job);
    const never: Outcome = trial.isDispatched ? "handed-back" : "not-dispatched";
    const { orderedAtMs, answeredAtMs, refusals } = trial;
    const isAnswered = orderedAtMs !== null && answeredAtMs !== null;
    return {
      plan,
      outcome: trial.isAcquired ? "ran" : never,
      refusals,
      lastMoment: trial.moments.at(-1) ?? "",
      answeredAfterMs: isAnswered ? answeredAtMs - orderedAtMs : null,
      violations,
      lastWords: violations.length === 0 ? "" : `${trial.describe()}\n${machine.lastWords()}`,
    };
  }

  /** From acquire on nothing of the runner may be touched. */
  async #judgeAcquired(
    machine: FenceMachine,
    trial: Trial,
    job: TrialJob,
    end: TicketEnd | null,
  ): Promise<readonly string[]> {
    const violations: string[] = [];
    const found = await this.#openGitHub()
      .waitForJob(job.id, ({ phase }) => phase === "completed", JOB_END_MS_MAX)
      .catch(() => null);
    if (found === null) violations.push(`job ${job.id} was acquired and does not end`);
    else if (found.conclusion !== "success" || found.runnerId !== trial.runnerId)
      violations.push(`job ${job.id} was acquired and ended as ${found.conclusion} (${found.cause})`);
    if (end !== null && end.kind !== "spent")
      violations.push(`job ${job.id} was acquired and its ticket is ${end.kind}`);
    if (!trial.isSessionLeft && !(await this.#sawJobEnd(machine, trial)))
      violations.push(`job ${job.id} was acquired and its listener was ended before the job`);
    return violations;
  }

  /** A listener that lived to the end of its job said so. The agent sends its log right after the ticket's end. */
  async #sawJobEnd({ link }: FenceMachine, { ticketId }: Trial): Promise<boolean> {
    for (let count = 0; count < LOG_LOOKS_MAX && link.savedLogs?.ticketId !== ticketId; count += 1)
      await pause(LOG_LOOK_MS);
    const saved = link.savedLogs?.ticketId === ticketId ? link.savedLogs.logs : [];
    const lines = saved.filter(({ name }) => name.startsWith("Runner_")).flatMap((log) => log.lines);
    return lines.some((line) => line.includes("JobState: Online"));
  }

  async #judgeNeverAcquired(trial: Trial, end: TicketEnd | null): Promise<readonly string[]> {
    if (end === null) return [];
    const name = `${trial.ticketId}, whose runner acquired nothing,`;
    // What broke may have taken the proof with it; and a ticket may be refused, so that no runner was ever started.
    const isExcused = end.kind === "barren" && (trial.plan.fault !== null || trial.moments.length === 0);
    if (end.kind !== "handed-back" && !isExcused) return [`${name} is ${JSON.stringify(end)} and not handed back`];
    const { apiUrl, token } = this.#openGitHub();
    const url = `${apiUrl}/orgs/acme/actions/runners/${trial.runnerId}`;
    const { status } = await fetch(url, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
    return status === 204 || status === 404 ? [] : [`${name} was handed back, and DELETE says ${status}`];
  }

  async #end(machine: FenceMachine): Promise<void> {
    const patience = new AbortController();
    const tooLate = pause(AGENT_END_MS_MAX, patience.signal).then(() => "too late" as const);
    const code = await Promise.race([machine.end(), tooLate]);
    patience.abort();
    if (code !== 0) this.troubles.push(`the agent of ${machine.name} ended with ${code}:\n${machine.lastWords()}`);
  }

  /** Every job ran once, from its first line to its last. */
  #checkJobs(): void {
    for (const { id, file } of this.#jobs) {
      const lines = existsSync(file) ? readFileSync(file, "utf8") : "";
      if (lines !== "begin\nend\n") this.troubles.push(`job ${id} wrote ${JSON.stringify(lines)}`);
    }
  }

  #watchStopped(): void {
    const stopped = findStopped(this.#base);
    for (const pid of [...this.#stoppedSince.keys()]) if (!stopped.includes(pid)) this.#stoppedSince.delete(pid);
    for (const pid of stopped) {
      const sinceMs = this.#stoppedSince.get(pid) ?? performance.now();
      this.#stoppedSince.set(pid, sinceMs);
      if (performance.now() - sinceMs < STOPPED_MS_MAX) continue;
      this.#stoppedSince.set(pid, Number.POSITIVE_INFINITY);
      this.troubles.push(`process ${pid} stood still for more than ${STOPPED_MS_MAX} ms`);
    }
  }

  #openGitHub(): SimulatedGitHub {
    if (this.#github === null) throw new Error("the stage is not running");
    return this.#github;
  }
}

function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
