/**
 * One job on a runner, from its acquire's answer to "JobState: Online": JobDispatcher of actions/runner, and its Worker. The
 * lease is the listener's to renew; start and end are the Worker's to report, so that it can outlive its listener.
 */
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { finishJob, type JobResult, renew, startJob } from "../github/lease.ts";
import type { Job } from "../github/state.ts";
import type { Course } from "./course.ts";
import type { Machine } from "./machine.ts";
import type { MachineProcess, ProcessStart } from "./processes.ts";
import type { RunnerFiles } from "./runner-files.ts";
import type { Wire } from "./wire.ts";

const RENEW_EVERY_MS = MINUTE_MS;
const FIRST_RENEW_TRIES_MAX = 5;
const REPORT_TRIES_MAX = 5;
const RETRY_PAUSE_MS = 5 * SECOND_MS;
/** From its process' start to the report that the job has begun. */
const WORKER_START_MS = [400, 3_000] as const;
/** A step that is cancelled ends by SIGINT, by SIGTERM, or with its whole tree. */
const STEP_END_MS = [200, 10_000] as const;
/** A job leaves a process behind that nobody waits for. */
const LEFTOVER_SHARE = 0.05;

export type CancelReason = "registration-gone" | "signal" | "requested";

export interface JobParts {
  readonly machine: Machine;
  readonly wire: Wire;
  readonly files: RunnerFiles;
  readonly isEphemeral: boolean;
  /** The listener's. */
  readonly course: Course;
  readonly job: Job;
  readonly requestId: string;
  startWorker(onDeath: NonNullable<ProcessStart["onDeath"]>): MachineProcess;
  startLeftover(): void;
  killListener(kind: string): void;
  hangListener(): void;
  /** GitHub has its end, or nobody here will ever tell it. */
  onOver(): void;
  onBusy(): void;
  /** The listener is idle again. */
  onDone(): void;
}

export class JobRun {
  readonly #parts: JobParts;
  #worker: MachineProcess | null = null;
  #cancelReason: CancelReason | null = null;
  #renewalCount = 0;
  #renewFailureCount = 0;
  #isOver = false;
  #isDone = false;

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  get jobId(): number {
    return this.#parts.job.id;
  }

  get worker(): MachineProcess | null {
    return this.#worker;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  begin(): void {
    const { machine, files, job, isEphemeral } = this.#parts;
    const number = machine.world.github.state.options.ids.number("request");
    files.trace("JobDispatcher", `Job request ${number} for plan ${job.planId} job ${job.jobGuid} received.`);
    if (isEphemeral) files.trace("JobDispatcher", "Start dispatcher for one time used runner.");
    if (isEphemeral) files.trace("Runner", "One time used runner received job message.");
    this.#step([1, 30], () => {
      files.trace("BrokerMessageListener", "Received job status event. JobState: Busy");
      machine.note("runner is busy", job.id);
      this.#parts.onBusy();
      this.#step([1, 40], () => this.#renewFirst());
    });
  }

  /** The listener tells the Worker to end the job; one that has none yet lets the lease run out. */
  cancel(why: CancelReason): void {
    if (this.#cancelReason !== null || this.#isDone || this.#isOver) return;
    const { machine, files, job } = this.#parts;
    machine.world.witness.jobCancelledByRunner(machine.truth(), job.id, why);
    machine.note(`runner cancels its job: ${why}`, job.id);
    this.#cancelReason = why;
    files.trace("JobDispatcher", `Send job cancellation message to worker for job ${job.jobGuid}.`);
    this.#worker?.course.after(machine.world.chance.between(STEP_END_MS), () =>
      this.#report(why === "signal" ? "Failed" : "Canceled"),
    );
  }

  /** Of the listener, until the Worker is there: a job that is cancelled before that gets none. */
  #step(delayMs: readonly [number, number], run: () => void): void {
    const { machine, course } = this.#parts;
    course.after(machine.world.chance.between(delayMs), () => {
      if (this.#cancelReason === null) run();
      else this.#endWithoutWorker("Canceled");
    });
  }

  #endWithoutWorker(result: JobResult): void {
    this.#markOver();
    this.#end(result);
  }

  #renewFirst(): void {
    const { files, job } = this.#parts;
    files.writeTimedLine(`Running job: ${job.name}`);
    files.trace("JobDispatcher", `Start renew job request for job ${job.jobGuid}.`);
    this.#tryFirstRenewal(1);
  }

  #tryFirstRenewal(tryCount: number): void {
    const { machine, wire, course, files, job, requestId } = this.#parts;
    const { state } = machine.world.github;
    const giveUp = () => {
      files.trace("JobDispatcher", `Unable to renew job request for job ${job.jobGuid} for the first time.`);
      this.#endWithoutWorker("Abandoned");
    };
    wire.call(
      course,
      () => renew(state, requestId, machine.nowMs),
      (answer) => {
        if (this.#cancelReason !== null) return this.#endWithoutWorker("Canceled");
        if (answer === null && tryCount < FIRST_RENEW_TRIES_MAX)
          return void course.after(RETRY_PAUSE_MS, () => this.#tryFirstRenewal(tryCount + 1));
        if (answer === null || answer === "not-found") return giveUp();
        this.#noteRenewal();
        files.count(`JobRequestRenewed_${job.jobGuid}`);
        this.#step([5, 80], () => this.#startWorker());
      },
    );
  }

  #noteRenewal(): void {
    const { files, job, course } = this.#parts;
    this.#renewalCount += 1;
    this.#renewFailureCount = 0;
    files.trace(
      "JobDispatcher",
      `Successfully renew job ${job.jobGuid}, job is valid till (renewal ${this.#renewalCount})`,
    );
    course.after(RENEW_EVERY_MS, () => this.#renewAgain());
  }

  #renewAgain(): void {
    if (this.#isDone || this.#worker?.isAlive !== true) return;
    const { machine, wire, course, files, job, requestId } = this.#parts;
    wire.call(
      course,
      () => renew(machine.world.github.state, requestId, machine.nowMs),
      (answer) => {
        if (this.#isDone || this.#isOver) return;
        if (answer === "not-found")
          return files.trace("JobDispatcher", `job ${job.jobGuid} is no longer valid, stop renew job request.`);
        if (answer !== null) return this.#noteRenewal();
        this.#renewFailureCount += 1;
        files.trace("JobDispatcher", `Catch exception during renew runner job ${job.jobGuid}.`, "ERR ");
        course.after(Math.min(this.#renewFailureCount * RETRY_PAUSE_MS, RENEW_EVERY_MS), () => this.#renewAgain());
      },
    );
  }

  #startWorker(): void {
    const { machine, files, job } = this.#parts;
    files.count("StartingWorkerProcess");
    const worker = this.#parts.startWorker((signal) => this.#onWorkerDeath(signal));
    this.#worker = worker;
    machine.note(`Worker ${worker.pid} starts`, job.id);
    files.trace("ProcessInvokerWrapper", `Process started with process id ${worker.pid}, waiting for process exit.`);
    this.#sealFate(worker);
    worker.course.after(machine.world.chance.between(WORKER_START_MS), () => this.#reportStart(1));
    this.#parts.course.after(machine.world.chance.between([5, 40]), () =>
      files.trace("JobDispatcher", `Send job request message to worker for job ${job.jobGuid}.`),
    );
  }

  #sealFate(worker: MachineProcess): void {
    const { machine, job } = this.#parts;
    const { world } = machine;
    const fate = world.drawJobFate(job.id);
    if (fate.kind === "well") return;
    world.scheduler.after(fate.afterMs, () => {
      if (!worker.isAlive || this.#isOver) return;
      const kind = { dies: "host.runner-dies", hangs: "host.runner-hangs", orphan: "host.orphan-worker" }[fate.kind];
      world.witness.faultHappened(kind);
      machine.note(kind, job.id);
      if (fate.kind === "hangs") {
        worker.course.standStill("hang");
        this.#parts.hangListener();
        return;
      }
      this.#parts.killListener(kind);
      if (fate.kind === "dies") machine.kill(worker, { by: "fault", kind });
    });
  }

  /** Whether or not GitHub hears of it, the Worker works. */
  #reportStart(tryCount: number): void {
    const { machine, wire, job, requestId, files } = this.#parts;
    const { course } = this.#worker as MachineProcess;
    if (this.#cancelReason !== null) return;
    files.writeOfWorker(1_000);
    wire.call(
      course,
      () => startJob(machine.world.github.state, requestId, machine.nowMs),
      (answer) => {
        if (answer === null && tryCount < REPORT_TRIES_MAX)
          return void course.after(RETRY_PAUSE_MS, () => this.#reportStart(tryCount + 1));
        course.after(machine.world.jobDurationMs(job.id), () => {
          files.writeOfWorker(10_000);
          if (this.#cancelReason === null) this.#report("Succeeded");
        });
      },
    );
  }

  /** The Worker tells GitHub how the job ended, and ends. */
  #report(result: JobResult, tryCount = 1): void {
    const { machine, wire } = this.#parts;
    const worker = this.#worker as MachineProcess;
    wire.call(
      worker.course,
      () => this.#finish(result),
      (answer) => {
        if (answer === null && tryCount < REPORT_TRIES_MAX)
          return void worker.course.after(RETRY_PAUSE_MS, () => this.#report(result, tryCount + 1));
        this.#markOver();
        if (machine.world.chance.happens(LEFTOVER_SHARE)) this.#parts.startLeftover();
        worker.course.after(machine.world.chance.between([20, 400]), () => {
          worker.die(null);
          this.#afterWorker(result);
        });
      },
    );
  }

  #finish(result: JobResult): "ok" | "not-found" {
    const { machine, job, requestId } = this.#parts;
    const truth = machine.truth();
    const answer = finishJob(machine.world.github.state, requestId, result, null, machine.nowMs);
    if (answer === "not-found") return answer;
    machine.note(`job is reported as ${result}`, job.id);
    machine.world.witness.jobFinished(truth, job.id);
    this.#markOver();
    return answer;
  }

  /** The listener reports the crash in the Worker's place. */
  #onWorkerDeath(signal: string | null): void {
    const { machine, wire, course } = this.#parts;
    if (signal === null || machine.isEnded) return;
    course.arrive(() =>
      wire.call(
        course,
        () => this.#finish("Failed"),
        () => {
          this.#markOver();
          this.#afterWorker("Failed");
        },
      ),
    );
  }

  #afterWorker(result: JobResult): void {
    const { machine, files, course, job } = this.#parts;
    course.after(machine.world.chance.between([5, 80]), () => {
      files.trace("JobDispatcher", `Worker finished for job ${job.jobGuid}.`);
      this.#end(result);
    });
  }

  #end(result: JobResult): void {
    const { machine, files, course, job } = this.#parts;
    files.trace("JobDispatcher", `finish job request for job ${job.jobGuid} with result: ${result}`);
    files.writeTimedLine(`Job ${job.name} completed with result: ${result}`);
    course.after(machine.world.chance.between([1, 30]), () => {
      this.#isDone = true;
      files.trace("BrokerMessageListener", "Received job status event. JobState: Online");
      this.#parts.onDone();
    });
  }

  #markOver(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.onOver();
  }
}
